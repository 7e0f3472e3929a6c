#include "gateway/mail/mime_entity.h"

#include <algorithm>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::mail {
namespace {

constexpr std::string_view kTokenSpecials = "()<>@,;:\\\"/[]?=";

bool IsTokenChar(char c) {
  return c > 0x20 && c < 0x7F && kTokenSpecials.find(c) == std::string_view::npos;
}

// A reader of structured field values (RFC 2045 section 5.1, RFC 822 comments and folding).
class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(text) {}

  // Skips white space, folds and comments; false where a comment does not end.
  bool SkipSpace() {
    int depth = 0;
    size_t at = 0;
    for (; at < rest_.size(); ++at) {
      char c = rest_[at];
      if (c == '(') {
        ++depth;
      } else if (depth == 0) {
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n') break;
      } else if (c == ')') {
        --depth;
      } else if (c == '\\') {
        ++at;
      }
    }
    rest_.remove_prefix(std::min(at, rest_.size()));
    return depth == 0;
  }
  bool TakeChar(char c) {
    if (!SkipSpace() || rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Characters that are commonly met unquoted in a value pass where `lenient`.
  std::optional<std::string> TakeToken(bool lenient) {
    if (!SkipSpace()) return std::nullopt;
    size_t size = 0;
    while (size < rest_.size() &&
           (IsTokenChar(rest_[size]) ||
            (lenient && std::string_view("=/:?@").find(rest_[size]) != std::string_view::npos))) {
      ++size;
    }
    if (size == 0) return std::nullopt;
    std::string token(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return token;
  }
  std::optional<std::string> TakeValue() {
    if (!SkipSpace() || rest_.empty()) return std::nullopt;
    if (rest_[0] != '"') return TakeToken(true);
    std::string value;
    for (size_t at = 1; at < rest_.size(); ++at) {
      char c = rest_[at];
      if (c == '"') {
        rest_.remove_prefix(at + 1);
        return value;
      }
      if (c == '\\' && at + 1 < rest_.size()) c = rest_[++at];
      if (c != '\r' && c != '\n') value.push_back(c);
    }
    return std::nullopt;
  }
  bool at_end() { return SkipSpace() && rest_.empty(); }

 private:
  std::string_view rest_;
};

bool ParseType(std::string_view value, MimeEntity* entity) {
  Tokens tokens(value);
  std::optional<std::string> type = tokens.TakeToken(false);
  if (!type || !tokens.TakeChar('/')) return false;
  std::optional<std::string> subtype = tokens.TakeToken(false);
  if (!subtype) return false;
  entity->type = ToLower(*type);
  entity->subtype = ToLower(*subtype);
  while (!tokens.at_end()) {
    if (!tokens.TakeChar(';')) return false;
    if (tokens.at_end()) break;  // a trailing semicolon
    std::optional<std::string> name = tokens.TakeToken(false);
    if (!name || !tokens.TakeChar('=')) return false;
    std::optional<std::string> parameter = tokens.TakeValue();
    if (!parameter) return false;
    // RFC 2231 lets a boundary be split or encoded; nobody does, and readers differ.
    if (StartsWithIgnoreCase(*name, "boundary*")) return false;
    if (!EqualsIgnoreCase(*name, "boundary")) continue;
    if (!entity->boundary.empty()) return false;
    entity->boundary = std::move(*parameter);
  }
  return true;
}

bool ParseEncoding(std::string_view value, MimeEntity* entity) {
  Tokens tokens(value);
  std::optional<std::string> token = tokens.TakeToken(false);
  if (!token || !tokens.at_end()) return false;
  auto is = [&](std::string_view name) { return EqualsIgnoreCase(*token, name); };
  entity->encoding = is("7bit")               ? TransferEncoding::k7Bit
                     : is("8bit")             ? TransferEncoding::k8Bit
                     : is("binary")           ? TransferEncoding::kBinary
                     : is("quoted-printable") ? TransferEncoding::kQuotedPrintable
                     : is("base64")           ? TransferEncoding::kBase64
                                              : TransferEncoding::kOther;
  return true;
}

// The end of the field that begins at `at`, its continuation lines included; npos where a line end
// is bare.
size_t FieldEnd(std::string_view bytes, size_t at) {
  while (true) {
    size_t lf = bytes.find('\n', at);
    if (lf == std::string_view::npos) lf = bytes.size();
    std::string_view line = bytes.substr(at, lf - at);
    if (lf == bytes.size())
      return line.find('\r') == std::string_view::npos ? lf : std::string_view::npos;
    if (line.empty() || line.find('\r') != line.size() - 1) return std::string_view::npos;
    at = lf + 1;
    if (at == bytes.size() || (bytes[at] != ' ' && bytes[at] != '\t')) return at;
  }
}

bool TakeField(std::string_view field, size_t at, MimeEntity* entity) {
  size_t colon = field.find(':');
  if (colon == std::string_view::npos) return false;
  std::string_view name = TrimSpace(field.substr(0, colon));
  bool plain = !name.empty() &&
               std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (!plain) return false;
  std::string_view value = field.substr(colon + 1);
  if (EqualsIgnoreCase(name, "MIME-Version")) {
    if (entity->has_mime_version) return false;
    entity->has_mime_version = true;
  } else if (EqualsIgnoreCase(name, "Content-Type")) {
    if (entity->has_type || !ParseType(value, entity)) return false;
    entity->has_type = true;
  } else if (EqualsIgnoreCase(name, "Content-Transfer-Encoding")) {
    if (entity->encoding_bytes != 0 || !ParseEncoding(value, entity)) return false;
    entity->encoding_at = at;
    entity->encoding_bytes = field.size();
  }
  return true;
}

}  // namespace

std::optional<MimeEntity> ParseEntity(std::string_view bytes) {
  MimeEntity entity;
  size_t at = 0;
  while (at < bytes.size() && !entity.has_separator) {
    if (bytes.substr(at).starts_with("\r\n")) {
      entity.has_separator = true;
      at += 2;
      break;
    }
    if (bytes[at] == ' ' || bytes[at] == '\t') return std::nullopt;
    size_t end = FieldEnd(bytes, at);
    if (end > limits::kMimeHeaderBytesMax) return std::nullopt;  // npos, too
    if (!TakeField(bytes.substr(at, end - at), at, &entity)) return std::nullopt;
    at = end;
  }
  entity.header = bytes.substr(0, at);
  entity.body = bytes.substr(at);
  return entity;
}

}  // namespace ringpost::mail
