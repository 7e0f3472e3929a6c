#include "gateway/mail/dsn_text.h"

#include <algorithm>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/utf8_address.h"

namespace ringpost::mail {
namespace {

constexpr size_t kFieldColumns = 78;
constexpr size_t kTextColumns = 72;
constexpr size_t kPieceMax = 900;  // a word longer than this is broken: lines end at 998

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

// Appends the words of `text`; `new_line` begins another line wherever the next word goes beyond
// `columns`.
void AppendWords(std::string_view text, size_t columns, std::string_view new_line, size_t column,
                 std::string* out) {
  bool at_begin = true;
  while (!text.empty()) {
    size_t size = std::min(text.find(' '), std::min(text.size(), kPieceMax));
    std::string_view word = text.substr(0, size);
    text.remove_prefix(
        std::min(text.size(), size + (size < text.size() && text[size] == ' ' ? 1 : 0)));
    if (word.empty()) continue;
    if (!at_begin && column + 1 + word.size() > columns) {
      out->append(new_line);
      column = new_line.size() - 2;  // without its CRLF
    } else if (!at_begin) {
      out->push_back(' ');
      ++column;
    }
    out->append(word);
    column += word.size();
    at_begin = false;
  }
}

}  // namespace

std::string SafeText(std::string_view text, bool utf8, size_t bytes_max) {
  std::string one_line(text.substr(0, bytes_max));
  for (char& c : one_line) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  std::string safe = Printable(one_line, bytes_max);
  if (utf8) return safe;
  for (char& c : safe) {
    if ((c & 0x80) != 0) c = '?';
  }
  return safe;
}

std::string TypedAddress(std::string_view address, bool utf8) {
  if (IsAscii(address) || !IsUtf8(address)) {
    return "rfc822; " + SafeText(address, false, limits::kPathBytesMax);
  }
  std::string typed = "utf-8; ";
  smtp::AppendUtf8Address(&typed, address, utf8);
  return typed;
}

std::string TypedOrcpt(std::string_view orcpt, bool utf8) {
  size_t semicolon = orcpt.find(';');
  if (semicolon == std::string_view::npos) return TypedAddress(orcpt, utf8);
  std::string_view address = orcpt.substr(semicolon + 1);
  if (!IsAscii(address)) return TypedAddress(address, utf8);
  return SafeText(orcpt.substr(0, semicolon), false, limits::kPathBytesMax) + "; " +
         SafeText(address, false, 2 * limits::kPathBytesMax);
}

std::string StatusCode(const DsnRecipient& recipient) {
  uint16_t klass = 5;
  if (recipient.reply.enhanced.present()) return recipient.reply.enhanced.ToString();
  if (recipient.reply.code >= 200) {
    klass = recipient.reply.code / 100;
  } else if (recipient.action == DsnAction::kDelayed) {
    klass = 4;
  } else if (recipient.action != DsnAction::kFailed) {
    klass = 2;
  }
  return std::to_string(klass) + ".0.0";
}

void AppendField(std::string_view name, std::string_view value, std::string* out) {
  out->append(name).append(": ");
  AppendWords(value, kFieldColumns, "\r\n ", name.size() + 2, out);
  out->append("\r\n");
}

void AppendParagraph(std::string_view text, size_t indent, std::string* out) {
  std::string spaces(indent, ' ');
  out->append(spaces);
  AppendWords(text, kTextColumns, "\r\n" + spaces, indent, out);
  out->append("\r\n");
}

}  // namespace ringpost::mail
