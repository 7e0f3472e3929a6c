// The grammar of SMTP commands (RFC 5321 section 4.1.1): verb, argument, path. Private to
// gateway/smtp.
//
// All views point into the line. Nothing here knows of sessions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/smtp/address.h"

namespace ringpost::smtp {

enum class Verb : uint8_t {
  kUnknown,      // 500
  kUnsupported,  // known to SMTP, not offered here: 502
  kForeign,      // another protocol's (HTTP): the session ends
  kHelo,
  kEhlo,
  kMail,
  kRcpt,
  kData,
  kBdat,
  kRset,
  kNoop,
  kQuit,
  kVrfy,
  kHelp,
  kXclient,
  kStartTls,
  kAuth,
};

struct Command {
  Verb verb = Verb::kUnknown;
  std::string_view argument;  // without white space at its ends
};

// `line` has no CRLF. The verb is everything up to the first white space, in any case.
Command ParseCommand(std::string_view line);

// What a command line may hold: printable ASCII, SP and HTAB, and bytes above 127 (where those are
// allowed is the command's to say). So: no NUL, no bare CR, no control character.
enum class LineFault : uint8_t { kNone, kControl, kBareCr };
LineFault CheckLine(std::string_view line, bool strict, bool* has_8bit);

// The argument of MAIL or RCPT: `keyword` ("FROM:", "TO:"), the path, parameters.
struct PathArgument {
  enum class Fault : uint8_t { kNone, kKeyword, kPath } fault = Fault::kNone;
  std::string_view
      mailbox;  // what is between the angle brackets, a source route left out; empty for <>
  std::string_view parameters;  // without white space at their ends
};
// Strict: "FROM:<path>[ parameters]". Otherwise also white space behind the colon, no angle
// brackets, white space within them. Whether the mailbox is one is ParseMailbox's to say.
PathArgument ParsePathArgument(std::string_view argument, std::string_view keyword, bool strict);

// EHLO's and HELO's argument: strict: a Domain or an address literal, alone. Otherwise the first
// word, whatever it is (old devices send underscores, bare addresses, host names of Windows).
// Empty: 501.
std::string_view ParseHelo(std::string_view argument, bool strict);

// BDAT: "SP chunk-size [SP LAST]" (RFC 3030 section 2). Nothing where it is neither: then nobody
// knows how many bytes follow, and the connection must end.
struct Bdat {
  uint64_t bytes = 0;
  bool last = false;
};
std::optional<Bdat> ParseBdat(std::string_view argument);

}  // namespace ringpost::smtp
