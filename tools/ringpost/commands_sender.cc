// ringpost sender add, link.
#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

int MailLink(Json request, const std::string& done, const Options& options) {
  Session session(options);
  auto answer = session.Ask(request);
  if (!answer) return session.code();
  if (options.json) PrintJson(*answer);
  const int code = session.CodeOf(*answer);
  if (code != kDone || options.json) return code;
  const Json& link = ListOf(*answer, "link");
  Print(done + "A link was mailed to " + SafeText(TextOf(link, "to")) + " (message " +
        SafeText(TextOf(link, "message")) + "), good until " + FormatTime(TextOf(link, "expires")) +
        ".\nUntil it is confirmed there, mail from this address is refused.\n");
  return code;
}

}  // namespace

int SenderAdd(const Options& options) {
  const bool address = options.name.find('@') != std::string::npos;
  if (!address || options.fields.contains("state")) return RecordAdd("sender", options);
  Json request = {{"command", "sender add"}, {"name", options.name}, {"account", options.account}};
  return MailLink(std::move(request), "Added sender " + SafeText(options.name) + ", pending. ",
                  options);
}

int SenderLink(const Options& options) {
  Json request = {{"command", "sender link"}, {"name", options.name}};
  return MailLink(std::move(request), "", options);
}

}  // namespace ringpost::cli
