#include "gateway/smtp/reply.h"

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::smtp {
namespace {

// One to three digits without a leading zero; taken off `*text`.
bool TakeNumber(std::string_view* text, uint16_t* value) {
  size_t digits = 0;
  uint16_t number = 0;
  while (digits < text->size() && digits < 3 && IsDigit((*text)[digits])) {
    number = static_cast<uint16_t>(number * 10 + ((*text)[digits] - '0'));
    ++digits;
  }
  if (digits == 0 || (digits > 1 && (*text)[0] == '0')) return false;
  text->remove_prefix(digits);
  *value = number;
  return true;
}

bool TakeDot(std::string_view* text) {
  if (!text->starts_with('.')) return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

std::string EnhancedCode::ToString() const {
  if (!present()) return {};
  return std::to_string(klass) + "." + std::to_string(subject) + "." + std::to_string(detail);
}

EnhancedCode TakeEnhancedCode(uint16_t code, std::string_view* text) {
  std::string_view rest = *text;
  EnhancedCode found;
  bool whole = TakeNumber(&rest, &found.klass) && TakeDot(&rest) &&
               TakeNumber(&rest, &found.subject) && TakeDot(&rest) &&
               TakeNumber(&rest, &found.detail);
  bool of_code =
      found.klass == code / 100 && (found.klass == 2 || found.klass == 4 || found.klass == 5);
  if (!whole || !of_code || !(rest.empty() || rest[0] == ' ' || rest[0] == '\t')) return {};
  if (!rest.empty()) rest.remove_prefix(1);
  *text = rest;
  return found;
}

void AppendReply(std::string* out, const Reply& reply) {
  RP_CHECK(reply.code >= 200 && reply.code <= 599);
  std::string code = std::to_string(reply.code);
  std::string enhanced = reply.enhanced.ToString();
  if (!enhanced.empty()) enhanced.push_back(' ');
  const size_t words_max = limits::kReplyLineSentBytesMax - code.size() - 1 - enhanced.size() - 2;
  std::string_view text = reply.text;
  while (true) {
    size_t end = text.find('\n');
    bool last = end == std::string_view::npos;
    out->append(code).push_back(last ? ' ' : '-');
    out->append(enhanced);
    for (char c : text.substr(0, end).substr(0, words_max)) {
      out->push_back(c >= 0x20 && c < 0x7F ? c : '?');
    }
    out->append("\r\n");
    if (last) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace ringpost::smtp
