#include "gateway/mail/bounce_status.h"

#include <algorithm>
#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/mail/bounce_entity.h"
#include "gateway/mail/bounce_limits.h"
#include "gateway/smtp/address.h"

namespace ringpost::mail {
namespace {

bool IsAlnum(char c) { return IsDigit(c) || IsAlpha(c); }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// xtext (RFC 3461 section 4) of what must be in it: '+' and '='. Many reporters have decoded it
// already, so "+2A" of somebody's own may be what it looks like.
std::string WithoutXtext(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    std::string_view three = text.substr(at, 3);
    if (three == "+2B" || three == "+3D") {
      out.push_back(three == "+2B" ? '+' : '=');
      at += 2;
    } else {
      out.push_back(text[at]);
    }
  }
  return out;
}

void AppendUtf8(uint32_t point, std::string* out) {
  auto tail = [&](int shift) { out->push_back(static_cast<char>(0x80 | (point >> shift & 0x3F))); };
  if (point < 0x80) {
    out->push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out->push_back(static_cast<char>(0xC0 | point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | point >> 12));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xF0 | point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// "\x{20AC}" of RFC 6533 section 3 in UTF-8.
std::string WithoutEmbedded(std::string_view text) {
  constexpr std::string_view kOpen = "\\x{";
  std::string out;
  while (!text.empty()) {
    size_t open = std::min(text.find(kOpen), text.size());
    out.append(text.substr(0, open));
    text.remove_prefix(open);
    if (text.empty()) break;
    size_t at = kOpen.size();
    uint32_t point = 0;
    while (at < text.size() && at < kOpen.size() + 6 && HexDigit(text[at]) >= 0) {
      point = point * 16 + static_cast<uint32_t>(HexDigit(text[at++]));
    }
    bool whole = at > kOpen.size() && at < text.size() && text[at] == '}' && point <= 0x10FFFF;
    if (!whole) at = kOpen.size() - 1;
    whole ? AppendUtf8(point, &out) : void(out.append(text.substr(0, at + 1)));
    text.remove_prefix(at + 1);
  }
  return out;
}

DsnAction ActionOf(std::string_view value, const smtp::EnhancedCode& status) {
  const std::string word = ToLower(WithoutComments(value));
  if (word == "failed") return DsnAction::kFailed;
  if (word == "delayed") return DsnAction::kDelayed;
  if (word == "delivered") return DsnAction::kDelivered;
  if (word == "relayed") return DsnAction::kRelayed;
  if (word == "expanded") return DsnAction::kExpanded;
  if (status.klass == 2) return DsnAction::kDelivered;
  return status.klass == 4 ? DsnAction::kDelayed : DsnAction::kFailed;
}

// Each line of a reply begins with its codes: said once, they are out of the words.
void DropRepeatedCodes(const smtp::Reply& reply, std::string* line) {
  if (reply.code == 0) return;
  std::string status = reply.enhanced.present() ? reply.enhanced.ToString() + " " : "";
  for (char mark : {'-', ' '}) {
    std::string codes = " " + std::to_string(reply.code) + mark + status;
    for (size_t at = line->find(codes); at != std::string::npos; at = line->find(codes, at)) {
      line->replace(at, codes.size(), " ");
    }
  }
}

// "smtp; 550 5.1.1 no such user", "X-Postfix; ...", or words without a type.
void ReadDiagnosis(std::string_view value, BouncedRecipient* to) {
  size_t semicolon = value.find(';');
  std::string_view type = TrimSpace(value.substr(0, std::min(semicolon, value.size())));
  bool typed = semicolon != std::string_view::npos && !type.empty() &&
               type.find_first_of(" \t<@") == std::string_view::npos;
  to->diagnosis = ReadBounceReply(typed ? value.substr(semicolon + 1) : value);
  to->by_smtp = to->diagnosis.code != 0 || (typed && EqualsIgnoreCase(type, "smtp"));
}

// "dns; mx.example.com (192.0.2.1)" and kin: the name.
std::string MtaName(std::string_view value) {
  std::string plain = WithoutComments(value);
  size_t semicolon = plain.find(';');
  std::string_view name = plain;
  if (semicolon != std::string::npos) name = name.substr(semicolon + 1);
  return Printable(TrimSpace(name), ringpost::limits::kDomainBytesMax);
}

}  // namespace

std::string PlainBounceAddress(std::string_view text) {
  text = TrimSpace(text);
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  text = TrimSpace(text);
  bool is = smtp::ParseMailbox(text, {.strict = false, .allow_utf8 = true}).has_value();
  return is ? std::string(text) : std::string();
}

std::string TypedBounceAddress(std::string_view value) {
  size_t semicolon = value.find(';');
  std::string_view type;
  if (semicolon != std::string_view::npos &&
      value.substr(0, semicolon).find_first_of("@\"") == std::string_view::npos) {
    type = TrimSpace(value.substr(0, semicolon));
    value.remove_prefix(semicolon + 1);
  }
  std::string address = WithoutXtext(TrimSpace(value));
  if (EqualsIgnoreCase(type, "utf-8")) address = WithoutEmbedded(address);
  std::string found = PlainBounceAddress(address);
  return found.empty() ? PlainBounceAddress(WithoutComments(address)) : found;
}

smtp::EnhancedCode FindStatus(std::string_view text) {
  for (size_t at = 0; at + 5 <= text.size(); ++at) {
    char klass = text[at];
    if ((klass != '2' && klass != '4' && klass != '5') || text[at + 1] != '.') continue;
    if (at > 0 && (IsAlnum(text[at - 1]) || text[at - 1] == '.')) continue;
    size_t next = at + 2;
    uint16_t numbers[2] = {0, 0};
    bool fine = true;
    for (int part = 0; part < 2 && fine; ++part) {
      size_t begin = next;
      while (next < text.size() && IsDigit(text[next]) && next - begin < 3) {
        numbers[part] = static_cast<uint16_t>(numbers[part] * 10 + (text[next++] - '0'));
      }
      fine = next > begin && (part == 1 || (next < text.size() && text[next++] == '.'));
    }
    // Not the start of a longer number, or of an address of IPv4.
    bool longer = next < text.size() &&
                  (IsAlnum(text[next]) ||
                   (text[next] == '.' && next + 1 < text.size() && IsDigit(text[next + 1])));
    if (fine && !longer) return {static_cast<uint16_t>(klass - '0'), numbers[0], numbers[1]};
  }
  return {};
}

smtp::Reply ReadBounceReply(std::string_view text) {
  smtp::Reply reply;
  text = text.substr(0, 2 * limits::kBounceDiagnosisBytesMax);
  auto code_at = [&](size_t at) {
    bool code = at + 3 <= text.size() && text[at] >= '2' && text[at] <= '5' &&
                IsDigit(text[at + 1]) && IsDigit(text[at + 2]);
    return code && (at + 3 == text.size() || text[at + 3] == ' ' || text[at + 3] == '-');
  };
  text = text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (code_at(0)) {
    reply.code =
        static_cast<uint16_t>((text[0] - '0') * 100 + (text[1] - '0') * 10 + text[2] - '0');
    text.remove_prefix(std::min<size_t>(4, text.size()));
    std::string_view words = text;
    // Between them some have a '#', or a bracket.
    words = words.substr(std::min(words.find_first_not_of(" \t#(["), words.size()));
    smtp::EnhancedCode first = FindStatus(words.substr(0, std::min<size_t>(words.size(), 12)));
    bool here = !words.empty() && IsDigit(words[0]) && first.klass == reply.code / 100;
    if (here) {
      reply.enhanced = first;
      text = words.substr(std::min(words.find_first_not_of("0123456789."), words.size()));
    }
  }
  std::string line;
  for (char c : text) {
    bool space = c == '\r' || c == '\n' || c == '\t' || c == ' ';
    if (!space || line.empty() || line.back() != ' ') line.push_back(space ? ' ' : c);
  }
  DropRepeatedCodes(reply, &line);
  reply.text = Printable(TrimSpace(line), limits::kBounceDiagnosisBytesMax);
  // The code may stand elsewhere: "no such user (#5.1.1)".
  if (!reply.enhanced.present()) {
    smtp::EnhancedCode found = FindStatus(reply.text);
    if (reply.code == 0 || found.klass == reply.code / 100) reply.enhanced = found;
  }
  return reply;
}

smtp::Reply FindBounceReply(std::string_view text) {
  for (size_t at = 0; at + 3 < text.size(); ++at) {
    if ((text[at] != '4' && text[at] != '5') || text[at + 1] < '0' || text[at + 1] > '5') continue;
    if (!IsDigit(text[at + 2]) || (text[at + 3] != ' ' && text[at + 3] != '-')) continue;
    if (at > 0 && (IsAlnum(text[at - 1]) || text[at - 1] == '.' || text[at - 1] == '-')) continue;
    return ReadBounceReply(text.substr(at));
  }
  return {};
}

void ReadDeliveryStatus(std::string_view text, BounceFacts* facts) {
  while (!text.empty()) {
    BouncedRecipient recipient;
    bool any = false;
    std::string_view action;
    const BounceFields fields = BounceFields::Take(&text, false);
    auto add = [&] {
      recipient.action = ActionOf(action, recipient.status);
      if (facts->recipients.size() < limits::kBounceRecipientsMax) {
        facts->recipients.push_back(std::move(recipient));
      } else {
        facts->cut = true;
      }
      recipient = {};
      action = {};
    };
    for (const BounceFields::Field& field : fields.all()) {
      auto is = [&](std::string_view name) { return EqualsIgnoreCase(field.name, name); };
      // Without the empty line that should be between two recipients.
      if (is("Final-Recipient") && !recipient.final.empty()) add();
      if (is("Original-Recipient")) recipient.original = TypedBounceAddress(field.value);
      if (is("Final-Recipient")) recipient.final = TypedBounceAddress(field.value);
      if (is("Action")) action = field.value;
      if (is("Status")) recipient.status = FindStatus(field.value);
      if (is("Diagnostic-Code")) ReadDiagnosis(field.value, &recipient);
      if (is("Remote-MTA")) recipient.remote_mta = MtaName(field.value);
      if (is("Reporting-MTA")) facts->reporting_mta = MtaName(field.value);
      if (is("Original-Envelope-Id")) {
        facts->envelope_id = Printable(field.value, limits::kBounceFieldBytesMax);
      }
      any |= is("Final-Recipient") || is("Original-Recipient") || is("Action");
    }
    if (any) add();
  }
}

bool ReadFeedback(std::string_view text, FeedbackFacts* feedback) {
  const BounceFields fields = BounceFields::Take(&text, false);
  auto get = [&](std::string_view name) {
    return Printable(WithoutComments(fields.Get(name)), limits::kBounceFieldBytesMax);
  };
  feedback->type = ToLower(get("Feedback-Type"));
  feedback->user_agent = Printable(fields.Get("User-Agent"), limits::kBounceFieldBytesMax);
  feedback->mail_from = PlainBounceAddress(fields.Get("Original-Mail-From"));
  feedback->reporting_mta = MtaName(fields.Get("Reporting-MTA"));
  for (const BounceFields::Field& field : fields.all()) {
    if (!EqualsIgnoreCase(field.name, "Original-Rcpt-To")) continue;
    std::string address = PlainBounceAddress(field.value);
    if (address.empty() || feedback->recipients.size() >= limits::kBounceRecipientsMax) continue;
    feedback->recipients.push_back(std::move(address));
  }
  return !feedback->type.empty();
}

}  // namespace ringpost::mail
