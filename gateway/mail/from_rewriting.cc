#include "gateway/mail/from_rewriting.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/mail/from_field.h"

namespace ringpost::mail {
namespace {

constexpr std::string_view kName = "from";

bool IsNameByte(char c) {
  return IsAlpha(c) || IsDigit(c) || std::string_view("._-+$~").find(c) != std::string_view::npos;
}

struct Span {
  size_t at = 0;
  size_t size = 0;
};

// The one plain name in a value that holds no address: in the angle brackets, or in front.
std::optional<Span> PlainName(std::string_view value) {
  Span span;
  size_t open = value.rfind('<');
  if (open != std::string_view::npos) {
    size_t close = value.find('>', open);
    if (close == std::string_view::npos) return std::nullopt;
    span = {open + 1, close - open - 1};
  } else {
    span.at = std::min(value.find_first_not_of(" \t"), value.size());
    size_t end = std::min(value.find_first_of(" \t(", span.at), value.size());
    span.size = end - span.at;
    size_t more = value.find_first_not_of(" \t", end);
    if (more != std::string_view::npos && value[more] != '(') return std::nullopt;
  }
  std::string_view name = value.substr(span.at, span.size);
  if (name.empty() || !std::all_of(name.begin(), name.end(), IsNameByte)) return std::nullopt;
  return span;
}

std::optional<std::string> RewritePlainName(std::string_view value,
                                            const AddressRewriting& rewritten) {
  auto span = PlainName(value);
  if (!span) return std::nullopt;
  std::string_view name = value.substr(span->at, span->size);
  std::string address = rewritten(name);
  if (address == name || address.empty()) return std::nullopt;
  std::string made(value.substr(0, span->at));
  made.append(address).append(value.substr(span->at + span->size));
  return made;
}

std::optional<std::string> RewriteAddresses(std::string_view value,
                                            const std::vector<std::string>& addresses,
                                            const AddressRewriting& rewritten) {
  std::string made, plain;
  std::vector<std::string> wanted;
  bool changed = false, as_written = true;
  size_t at = 0;
  for (const std::string& address : addresses) {
    std::string fresh = rewritten(address);
    changed |= fresh != address;
    wanted.push_back(fresh);
    plain.append(plain.empty() ? "" : ", ").append(fresh);
    size_t found = value.find(address, at);
    as_written &= found != std::string_view::npos;
    if (!as_written) continue;
    made.append(value.substr(at, found - at)).append(fresh);
    at = found + address.size();
  }
  if (!changed) return std::nullopt;
  // An address with comments within it, or one that its display name holds too.
  if (as_written) made.append(value.substr(at));
  return as_written && ReadFromField(made).addresses == wanted ? made : plain;
}

}  // namespace

std::optional<std::string> RewriteFrom(const HeaderSummary& headers,
                                       const AddressRewriting& rewritten) {
  FromAddresses from = ReadFrom(headers);
  if (from.problem == FromProblem::kNone) {
    return RewriteAddresses(headers.from, from.addresses, rewritten);
  }
  if (from.problem == FromProblem::kMissing) {
    std::string address = rewritten("");
    return address.empty() ? std::nullopt : std::optional<std::string>(std::move(address));
  }
  bool may_be_a_name =
      from.problem == FromProblem::kMalformed || from.problem == FromProblem::kNoAddress;
  return may_be_a_name ? RewritePlainName(headers.from, rewritten) : std::nullopt;
}

std::string WithFrom(std::string_view header, std::string_view value) {
  std::string field = "From: " + std::string(value) + "\r\n";
  size_t at = 0;
  while (at < header.size()) {
    size_t end = at;  // of the field: the lines that begin with white space are its own
    do {
      size_t newline = header.find('\n', end);
      end = newline == std::string_view::npos ? header.size() : newline + 1;
    } while (end < header.size() && (header[end] == ' ' || header[end] == '\t'));
    std::string_view line = header.substr(at, end - at);
    std::string_view name = line.substr(0, std::min(line.find(':'), line.size()));
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
    if (EqualsIgnoreCase(name, kName)) {
      return std::string(header.substr(0, at)) + field + std::string(header.substr(end));
    }
    at = end;
  }
  return field + std::string(header);
}

}  // namespace ringpost::mail
