#include "gateway/mail/trace_header.h"

#include <algorithm>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::mail {
namespace {

// RFC 5322 section 2.1.1: the length a line should keep to, without its CRLF.
constexpr size_t kLineWanted = 78;

// RFC 6531 section 4.3: the UTF8 keywords say that the field may hold UTF-8.
bool SpeaksUtf8(const TraceInput& input) { return input.protocol.starts_with("UTF8"); }

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

// A name that may stand in the field as it is.
bool IsPlainName(std::string_view name, bool utf8) {
  if (name.empty() || name.size() > limits::kDomainBytesMax) return false;
  if (!IsAscii(name)) {
    if (!utf8 || !IsUtf8(name) || Printable(name, name.size()) != name) return false;
  }
  return std::all_of(name.begin(), name.end(), [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '.' || c == '-' || c == '_' || (c & 0x80) != 0;
  });
}

// "[192.0.2.1]", "[IPv6:2001:db8::1]".
bool IsLiteral(std::string_view name) {
  if (name.size() < 3 || name.front() != '[' || name.back() != ']') return false;
  std::string_view inside = name.substr(1, name.size() - 2);
  if (StartsWithIgnoreCase(inside, "IPv6:")) inside.remove_prefix(5);
  return IpAddress::Parse(inside).has_value();
}

// What may stand inside a comment (RFC 5322 section 3.2.2) without ending it or nesting another.
std::string CommentText(std::string_view text) {
  std::string safe = Printable(text, limits::kDomainBytesMax);
  for (char& c : safe) {
    if (c == '(' || c == ')' || c == '\\' || (c & 0x80) != 0) c = '?';
  }
  return safe;
}

// May stand in "for <...>": no control character, no bracket outside a quoted string.
bool IsPlainPath(std::string_view path, bool utf8) {
  if (path.empty() || path.size() > limits::kPathBytesMax) return false;
  if (!IsAscii(path) && !(utf8 && IsUtf8(path))) return false;
  bool quoted = false;
  for (size_t i = 0; i < path.size(); ++i) {
    auto c = static_cast<unsigned char>(path[i]);
    if (c < 0x20 || c == 0x7F) return false;
    if (c == '\\' && quoted) {
      ++i;
      if (i == path.size() || path[i] < 0x20 || path[i] == 0x7F) return false;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '<' || c == '>' || c == ' ' || c == '(' || c == ')')) {
      return false;
    }
  }
  return !quoted;
}

// Puts words into a folded field: each on the current line where it fits, else on the next.
class Folder {
 public:
  explicit Folder(std::string* out) : out_(out), line_begin_(out->size()) {}
  void Add(std::string_view word) {
    size_t column = out_->size() - line_begin_;
    if (column > 0 && column + 1 + word.size() > kLineWanted) Break();
    if (out_->size() > line_begin_ && out_->back() != '\t') out_->push_back(' ');
    out_->append(word);
  }
  void Break() {
    out_->append("\r\n\t");
    line_begin_ = out_->size() - 1;
  }

 private:
  std::string* out_;
  size_t line_begin_;
};

}  // namespace

std::string ReceivedField(const TraceInput& input) {
  std::string field;
  field.reserve(256);
  Folder folder(&field);
  std::string literal = input.client.ToLiteral();
  folder.Add("Received: from");
  if (IsPlainName(input.helo, SpeaksUtf8(input)) || IsLiteral(input.helo)) {
    folder.Add(input.helo);
    folder.Add("(" + literal + ")");
  } else {
    folder.Add(literal);
    folder.Add(input.helo.empty() ? "(no helo)" : "(helo: " + CommentText(input.helo) + ")");
  }
  folder.Break();
  folder.Add("by");
  folder.Add(input.hostname);
  folder.Add("with");
  folder.Add(input.protocol);
  if (!input.tls_version.empty()) {
    folder.Add("(" + std::string(input.tls_version) + (input.tls_in_kernel ? "/kernel)" : ")"));
  }
  folder.Add("id");
  bool with_for = input.single_recipient && IsPlainPath(*input.single_recipient, SpeaksUtf8(input));
  bool with_tls = !input.tls_cipher.empty();
  folder.Add(input.id.ToString() + (with_for || with_tls ? "" : ";"));
  folder.Break();
  if (with_for) {
    folder.Add("for");
    folder.Add("<" + std::string(*input.single_recipient) + (with_tls ? ">" : ">;"));
  }
  if (with_tls) {
    folder.Add("tls");
    folder.Add(std::string(input.tls_cipher) + ";");
  }
  folder.Add(FormatRfc5322Date(input.now));
  field.append("\r\n");
  return field;
}

std::string MissingFields(const TraceInput& input, const HeaderSummary& headers) {
  std::string fields;
  if (headers.truncated) return fields;  // they may be in what was not scanned
  if (!headers.has_date)
    fields.append("Date: ").append(FormatRfc5322Date(input.now)).append("\r\n");
  if (!headers.has_message_id) {
    fields.append("Message-ID: <").append(input.id.ToString()).push_back('@');
    fields.append(input.hostname).append(">\r\n");
  }
  if (headers.header_bytes == 0 && !headers.has_separator) fields.append("\r\n");
  return fields;
}

}  // namespace ringpost::mail
