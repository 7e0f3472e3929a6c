#include "gateway/smtp/command.h"

#include <algorithm>
#include <array>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::smtp {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

// Up to eight bytes of a verb as one number, letters in upper case.
constexpr uint64_t VerbKey(std::string_view verb) {
  uint64_t key = 0;
  for (char c : verb) {
    unsigned char upper = static_cast<unsigned char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    key = key << 8 | upper;
  }
  return key;
}

Verb FindVerb(std::string_view word) {
  if (word.size() > 8) return Verb::kUnknown;
  switch (VerbKey(word)) {
    case VerbKey("HELO"):
      return Verb::kHelo;
    case VerbKey("EHLO"):
      return Verb::kEhlo;
    case VerbKey("MAIL"):
      return Verb::kMail;
    case VerbKey("RCPT"):
      return Verb::kRcpt;
    case VerbKey("DATA"):
      return Verb::kData;
    case VerbKey("BDAT"):
      return Verb::kBdat;
    case VerbKey("RSET"):
      return Verb::kRset;
    case VerbKey("NOOP"):
      return Verb::kNoop;
    case VerbKey("QUIT"):
      return Verb::kQuit;
    case VerbKey("VRFY"):
      return Verb::kVrfy;
    case VerbKey("HELP"):
      return Verb::kHelp;
    case VerbKey("XCLIENT"):
      return Verb::kXclient;
    case VerbKey("STARTTLS"):
      return Verb::kStartTls;
    case VerbKey("AUTH"):
      return Verb::kAuth;
    case VerbKey("EXPN"):
    case VerbKey("ETRN"):
    case VerbKey("TURN"):
    case VerbKey("ATRN"):
    case VerbKey("SEND"):
    case VerbKey("SOML"):
    case VerbKey("SAML"):
    case VerbKey("BURL"):
    case VerbKey("XFORWARD"):
      return Verb::kUnsupported;
    case VerbKey("GET"):
    case VerbKey("POST"):
    case VerbKey("PUT"):
    case VerbKey("HEAD"):
    case VerbKey("OPTIONS"):
    case VerbKey("CONNECT"):
      return Verb::kForeign;
    default:
      return Verb::kUnknown;
  }
}

// Where the path that begins with '<' ends: the index of its '>', quoted strings respected.
size_t FindClosingBracket(std::string_view text) {
  bool quoted = false;
  for (size_t at = 1; at < text.size(); ++at) {
    char c = text[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == '>' && !quoted) {
      return at;
    }
  }
  return std::string_view::npos;
}

// A-d-l ":" before the mailbox (RFC 5321 section 4.1.2 and appendix C): accepted and ignored.
bool DropSourceRoute(std::string_view* path) {
  if (!path->starts_with('@')) return true;
  size_t colon = path->find(':');
  if (colon == std::string_view::npos) return false;
  std::string_view hops = path->substr(0, colon);
  while (!hops.empty()) {
    size_t comma = std::min(hops.find(','), hops.size());
    std::string_view hop = hops.substr(0, comma);
    if (!hop.starts_with('@') || !IsDomain(hop.substr(1), false)) return false;
    hops.remove_prefix(comma);
    if (hops.empty()) break;
    hops.remove_prefix(1);
    if (hops.empty()) return false;
  }
  path->remove_prefix(colon + 1);
  return !path->empty();
}

}  // namespace

Command ParseCommand(std::string_view line) {
  size_t end = 0;
  while (end < line.size() && !IsSpace(line[end])) ++end;
  return {FindVerb(line.substr(0, end)), TrimSpace(line.substr(end))};
}

LineFault CheckLine(std::string_view line, bool strict, bool* has_8bit) {
  const unsigned char white = strict ? ' ' : '\t';
  // Accumulated without a branch per byte, so that the compiler makes vectors of it.
  unsigned char high = 0;
  unsigned char control = 0;
  for (char c : line) {
    unsigned char byte = static_cast<unsigned char>(c);
    high |= byte;
    control |= static_cast<unsigned char>((byte < 0x20) & (byte != white)) | (byte == 0x7F);
  }
  *has_8bit = high >= 0x80;
  if (!control) return LineFault::kNone;
  return line.find('\r') != std::string_view::npos ? LineFault::kBareCr : LineFault::kControl;
}

PathArgument ParsePathArgument(std::string_view argument, std::string_view keyword, bool strict) {
  PathArgument result;
  if (!StartsWithIgnoreCase(argument, keyword)) {
    result.fault = PathArgument::Fault::kKeyword;
    return result;
  }
  argument.remove_prefix(keyword.size());
  if (!strict) argument = TrimSpace(argument);
  result.fault = PathArgument::Fault::kPath;
  std::string_view path;
  if (argument.starts_with('<')) {
    size_t close = FindClosingBracket(argument);
    if (close == std::string_view::npos) return result;
    path = argument.substr(1, close - 1);
    argument.remove_prefix(close + 1);
    if (!argument.empty() && !IsSpace(argument[0])) return result;
    if (path.size() + 2 > limits::kPathBytesMax) return result;
  } else {
    if (strict) return result;
    size_t end = 0;
    while (end < argument.size() && !IsSpace(argument[end])) ++end;
    path = argument.substr(0, end);
    argument.remove_prefix(end);
    if (path.empty()) return result;
  }
  if (!strict) path = TrimSpace(path);
  if (!DropSourceRoute(&path)) return result;
  result.mailbox = path;
  result.parameters = TrimSpace(argument);
  result.fault = PathArgument::Fault::kNone;
  return result;
}

std::string_view ParseHelo(std::string_view argument, bool strict) {
  if (strict) return IsDomain(argument, false) || IsAddressLiteral(argument) ? argument : "";
  size_t end = 0;
  while (end < argument.size() && !IsSpace(argument[end])) ++end;
  return argument.substr(0, std::min(end, limits::kDomainBytesMax));
}

std::optional<Bdat> ParseBdat(std::string_view argument) {
  size_t end = 0;
  while (end < argument.size() && !IsSpace(argument[end])) ++end;
  auto bytes = ParseDecimal(argument.substr(0, end));
  if (!bytes) return std::nullopt;
  std::string_view rest = TrimSpace(argument.substr(end));
  if (!rest.empty() && !EqualsIgnoreCase(rest, "LAST")) return std::nullopt;
  return Bdat{*bytes, !rest.empty()};
}

}  // namespace ringpost::smtp
