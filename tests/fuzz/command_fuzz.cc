// The grammar of command lines: any line is parsed as every command would parse it.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/smtp/command.h"
#include "gateway/smtp/parameters.h"
#include "gateway/smtp/xclient.h"

namespace ringpost::smtp {
namespace {

bool Inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

bool IsReply(std::string_view refusal) {
  return refusal.empty() || (refusal[0] == '5' && refusal.ends_with("\r\n"));
}

bool IsPrintable(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return false;
    if (c == 0x7F) return false;
  }
  return true;
}

void CheckParameters(std::string_view text) {
  ServerOptions options;
  for (bool on : {false, true}) {
    options.smtputf8 = options.dsn = on;
    Envelope envelope;
    const std::string_view mail = ParseMailParameters(text, options, on, &envelope);
    RP_CHECK(IsReply(mail));
    RP_CHECK(IsPrintable(envelope.envid) && envelope.envid.size() <= limits::kEnvidBytesMax);
    RP_CHECK(envelope.declared_size <= options.message_bytes_max);
    RP_CHECK(on || (!envelope.smtputf8 && envelope.envid.empty() && !envelope.require_tls));
    Recipient recipient;
    RP_CHECK(IsReply(ParseRecipientParameters(text, options, on, &recipient)));
    RP_CHECK(IsPrintable(recipient.orcpt) && recipient.orcpt.size() <= limits::kOrcptBytesMax);
    RP_CHECK(!(recipient.notify & kNotifyNever) || recipient.notify == kNotifyNever);
  }
}

void CheckPath(std::string_view argument, std::string_view keyword) {
  const PathArgument strict = ParsePathArgument(argument, keyword, true);
  const PathArgument lenient = ParsePathArgument(argument, keyword, false);
  for (const PathArgument& path : {strict, lenient}) {
    RP_CHECK(Inside(path.mailbox, argument) && Inside(path.parameters, argument));
    if (path.fault == PathArgument::Fault::kNone) CheckParameters(path.parameters);
  }
  // What the RFC allows is never refused by being lenient.
  if (strict.fault == PathArgument::Fault::kNone) {
    RP_CHECK(lenient.fault != PathArgument::Fault::kKeyword);
    if (ParseMailbox(strict.mailbox, {.strict = true})) {
      RP_CHECK(lenient.fault == PathArgument::Fault::kNone && lenient.mailbox == strict.mailbox);
      RP_CHECK(ParseMailbox(lenient.mailbox, {}).has_value());
    }
  }
}

void Check(std::string_view line) {
  bool has_8bit = false;
  bool strictly_8bit = false;
  const LineFault fault = CheckLine(line, false, &has_8bit);
  const LineFault strict_fault = CheckLine(line, true, &strictly_8bit);
  RP_CHECK(has_8bit == strictly_8bit);
  RP_CHECK(fault == LineFault::kNone || strict_fault != LineFault::kNone);
  RP_CHECK((fault == LineFault::kNone) == IsPrintable(line));
  const Command command = ParseCommand(line);
  RP_CHECK(Inside(command.argument, line));
  for (std::string_view text : {line, command.argument}) {
    CheckPath(text, "FROM:");
    CheckPath(text, "TO:");
    CheckParameters(text);
    RP_CHECK(Inside(ParseHelo(text, true), text) && Inside(ParseHelo(text, false), text));
    const auto bdat = ParseBdat(text);
    RP_CHECK(!bdat || (text[0] >= '0' && text[0] <= '9'));
    ServerSession::Xclient client;
    if (ParseXclient(text, &client)) {
      RP_CHECK(IsPrintable(client.name + client.helo + client.login + client.address));
    } else {
      RP_CHECK(client.address.empty() && client.name.empty());
    }
  }
}

}  // namespace
}  // namespace ringpost::smtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::smtp::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
