// ringpost domain add, show, list, remove, check, rotate.
#include <cstdio>

#include "gateway/base/time.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/pages.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"
#include "tools/ringpost/view_domain.h"

namespace ringpost::cli {
namespace {

Json RequestOf(const char* command, const Options& options) {
  return {{"command", command}, {"name", options.name}};
}

// The answer's domain; empty: there is none, which has been said, with its exit code.
std::optional<Json> AskForDomain(Session* session, const Json& request, const Options& options,
                                 int* code) {
  auto answer = session->Ask(request);
  if (!answer) {
    *code = session->code();
    return std::nullopt;
  }
  if (options.json) PrintJson(*answer);
  *code = session->CodeOf(*answer);
  if (*code != kDone) return std::nullopt;
  const Json& domain = ListOf(*answer, "domain");
  return domain.is_object() ? domain : Json::object();
}

void SayThatItAsks(const Options& options) {
  if (options.json) return;
  std::fprintf(stderr, "Asking the DNS about %s; that may take seconds.\n",
               SafeText(options.name).c_str());
}

}  // namespace

int DomainAdd(const Options& options) {
  Json request = RequestOf("domain add", options);
  request["account"] = options.account;
  request["ed25519"] = options.ed25519;
  Session session(options);
  int code = kDone;
  auto domain = AskForDomain(&session, request, options, &code);
  if (domain && !options.json) Print(ViewAddedDomain(*domain, options.terminal));
  return code;
}

int DomainShow(const Options& options) {
  Session session(options);
  int code = kDone;
  auto domain = AskForDomain(&session, RequestOf("domain show", options), options, &code);
  if (domain && !options.json) Print(ViewDomain(*domain, ReadWallClock(), options.terminal));
  return code;
}

int DomainCheck(const Options& options) {
  SayThatItAsks(options);
  Session session(options);
  int code = kDone;
  auto domain = AskForDomain(&session, RequestOf("domain check", options), options, &code);
  if (!domain) return code;
  if (!options.json) Print(ViewDomain(*domain, ReadWallClock(), options.terminal));
  return TextOf(*domain, "state") == "verified" ? kDone : kRefused;
}

int DomainRotate(const Options& options) {
  SayThatItAsks(options);
  Session session(options);
  int code = kDone;
  auto domain = AskForDomain(&session, RequestOf("domain rotate", options), options, &code);
  if (domain && !options.json) Print(ViewRotatedDomain(*domain));
  return code;
}

int DomainList(const Options& options) {
  Json request = {{"command", "domain list"}};
  if (!options.account.empty()) request["account"] = options.account;
  Session session(options);
  Table table = DomainTable();
  const WallTime now = ReadWallClock();
  PagesEnd end = EachPage(&session, request, "domains", options.limit, [&](const Json& domains) {
    for (const Json& domain : domains) {
      if (!domain.is_object()) continue;
      options.json ? PrintJson(domain) : AddDomainRow(domain, now, &table);
    }
    if (!table.empty()) Print(table.NextPage(options.terminal));
    return true;
  });
  const int code = end.code;
  EndList(options, std::move(end), "There is none.");
  return code;
}

int DomainRemove(const Options& options) {
  if (!options.yes && !CanAsk(options)) {
    Complain("this removes for ever: repeat with --yes");
    return kUsage;
  }
  Session session(options);
  if (!options.yes) {
    int code = kDone;
    auto domain = AskForDomain(&session, RequestOf("domain show", options), options, &code);
    if (!domain) return code;
    if (!AskWhether("remove domain " + SafeText(TextOf(*domain, "name")) + " of account " +
                    SafeText(TextOf(*domain, "account")) + ", and its DKIM keys")) {
      return kUsage;
    }
  }
  auto answer = session.Ask(RequestOf("domain remove", options));
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  const int code = session.CodeOf(*answer);
  if (code != kDone || options.json) return code;
  Print("Removed domain " + SafeText(options.name) +
        ". A server that was sent its records has them until its zone is written anew\n"
        "(ringpost dns zone).\n");
  return code;
}

}  // namespace ringpost::cli
