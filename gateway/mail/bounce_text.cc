#include "gateway/mail/bounce_text.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/mail/bounce_entity.h"
#include "gateway/mail/bounce_limits.h"
#include "gateway/mail/bounce_status.h"

namespace ringpost::mail {
namespace {

using std::string_view;

constexpr auto kFailureWords = std::to_array<string_view>({
    "undeliver",
    "not be delivered",
    "n't be delivered",
    "cannot be delivered",
    "not delivered",
    "n't delivered",
    "not been delivered",
    "unable to deliver",
    "n't able to deliver",
    "not able to deliver",
    "not deliver",
    "n't deliver",
    "delivery failed",
    "delivery has failed",
    "delivery to the following",
    "delivery failure",
    "delivery error",
    "delivery problem",
    "delivery status notification",
    "delivery incomplete",
    "failed delivery",
    "failed permanently",
    "failure notice",
    "permanent error",
    "permanent fatal error",
    "permanent failure",
    "did not reach",
    "returned mail",
    "returned to sender",
    "mail returned",
    "non-delivery",
    "message rejected",
    "was rejected",
    "user unknown",
    "unknown user",
    "no such user",
});
constexpr auto kDelayWords = std::to_array<string_view>({
    "delayed",
    "(delay)",
    "not yet been delivered",
    "has not been delivered to all of its recipients",
    "still trying",
    "will be retried",
    "keep trying",
    "continue to try",
    "continue trying",
    "will try again",
    "do not need to resend",
    "not need to do anything",
});
constexpr auto kFinalWords = std::to_array<string_view>({
    "giving up",
    "given up",
    "gave up",
    "permanent",
    "will not be retried",
    "not be tried again",
    "no longer be retried",
    "is being returned",
    "has been returned",
    "undeliver",
});
// What stands in a line that announces the original.
constexpr auto kOriginalWords = std::to_array<string_view>({
    "original message",
    "copy of the message",
    "copy of your message",
    "copy of the first",
    "message headers",
    "headers of",
    "message header",
    "below this line",
    "unsent message",
    "undelivered message",
    "returned message",
    "message follows",
    "your message follows",
    "text of your message",
});
// In a label in front of an address that failed.
constexpr auto kLabelWords =
    std::to_array<string_view>({"recipient", "address", "failed", "deliver", "mailbox", "user"});

bool HasAny(string_view lower, std::span<const string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [lower](string_view word) { return lower.find(word) != string_view::npos; });
}

// Words may go on behind the end of a line: in their place is a space.
void AppendLower(string_view line, std::string* lower) {
  size_t room =
      limits::kBounceWordsBytesMax - std::min(limits::kBounceWordsBytesMax, lower->size());
  if (room == 0) return;
  lower->push_back(' ');
  for (char c : line.substr(0, room - 1)) lower->push_back(AsciiLower(c));
}

// "--- Below this line is a copy of the message.", "----- Original message -----", and the first
// fields of a message without an announcement.
bool AnnouncesOriginal(string_view line) {
  string_view trimmed = TrimSpace(line);
  if (StartsWithIgnoreCase(line, "Return-Path: <") || StartsWithIgnoreCase(line, "Received: from "))
    return true;
  bool ruled = trimmed.starts_with("--") || trimmed.starts_with("==") ||
               trimmed.starts_with("__") || trimmed.ends_with(':');
  return ruled && trimmed.size() < 120 && HasAny(ToLower(trimmed), kOriginalWords);
}

// The address in front of `*line`, taken off with what separates it from what follows.
std::string TakeLeadingAddress(string_view* line) {
  string_view rest = *line;
  rest = rest.substr(std::min(rest.find_first_not_of(" \t*|>\"'-\xC2\xA0"), rest.size()));
  size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  string_view token = rest.substr(0, end);
  // One that holds a space, in quotes within angle brackets.
  if (token.starts_with("<\"") && rest.find('>') != string_view::npos) {
    token = rest.substr(0, rest.find('>') + 1);
  }
  string_view address = token;
  if (address.starts_with('<')) {
    size_t close = address.find('>');
    if (close == string_view::npos) return {};
    address = address.substr(0, close + 1);
  } else {
    size_t last = address.find_last_not_of(".,:;>\"'()");
    address = address.substr(0, last == string_view::npos ? 0 : last + 1);
  }
  std::string found = PlainBounceAddress(address);
  if (found.empty()) return {};
  rest.remove_prefix(static_cast<size_t>(address.data() - rest.data()) + address.size());
  *line = rest.substr(std::min(rest.find_first_not_of(" \t.,:;>\"'()"), rest.size()));
  return found;
}

// The address that a line begins with, or that all of it is behind a label or a name: "Failed
// recipient: <bob@example.net>", "Bob <bob@example.net>". The rest of the line is in `*rest`.
std::string LineAddress(string_view line, string_view* rest) {
  *rest = line;
  std::string found = TakeLeadingAddress(rest);
  if (!found.empty()) return found;
  string_view trimmed = TrimSpace(line);
  size_t colon = trimmed.find(':');
  if (colon != string_view::npos && colon < 48 && colon + 1 < trimmed.size()) {
    if (!HasAny(ToLower(trimmed.substr(0, colon)), kLabelWords)) return {};
    string_view behind = trimmed.substr(colon + 1);
    found = TakeLeadingAddress(&behind);
    if (!found.empty()) *rest = behind;
    return found;
  }
  if (colon != string_view::npos && colon + 1 < trimmed.size()) return {};
  for (string_view marks : {string_view("<>"), string_view("()")}) {
    size_t open = trimmed.find(marks[0]);
    size_t close = trimmed.find(marks[1], std::min(open, trimmed.size()));
    if (open == string_view::npos || close == string_view::npos || open > 64) continue;
    if (TrimSpace(trimmed.substr(close + 1)).size() > 1) continue;
    found = PlainBounceAddress(trimmed.substr(open + 1, close - open - 1));
    if (found.empty()) continue;
    *rest = {};
    return found;
  }
  return {};
}

// Reads a text line by line: addresses that failed, and what is said of each behind it.
class TextReader {
 public:
  explicit TextReader(BounceText* to) : to_(to) {}
  ~TextReader() {
    for (std::string& said : said_) WipeString(&said);
  }
  void Take(string_view line);
  void Finish();

 private:
  void Begin(std::string address);
  void Add(string_view words);

  BounceText* to_;
  std::vector<std::string> said_;  // of each recipient
  size_t first_ = 0;               // of the recipients that the words are about, up to the last
  bool words_ = false;             // some have come
  bool blank_ = true;              // the line before was
  bool open_ = false;
};

void TextReader::Take(string_view line) {
  if (TrimSpace(line).empty()) {
    blank_ = true;
    return;
  }
  string_view rest;
  std::string address = LineAddress(line, &rest);
  // Behind an empty line a sentence that is not indented is about the whole message again.
  if (address.empty() && blank_ && words_ && line[0] != ' ' && line[0] != '\t') open_ = false;
  if (!address.empty()) Begin(std::move(address));
  if (open_) Add(rest);
  blank_ = false;
}

void TextReader::Begin(std::string address) {
  auto known = std::find_if(to_->recipients.begin(), to_->recipients.end(),
                            [&](const BouncedRecipient& one) { return one.final == address; });
  if (known != to_->recipients.end()) {
    first_ = static_cast<size_t>(known - to_->recipients.begin());
    // Only this one: what follows is not said of those behind it.
    open_ = first_ + 1 == to_->recipients.size();
    return;
  }
  if (to_->recipients.size() >= limits::kBounceRecipientsMax) {
    to_->cut = true;
    open_ = false;
    return;
  }
  if (!open_ || words_) first_ = to_->recipients.size();
  BouncedRecipient recipient;
  recipient.final = std::move(address);
  to_->recipients.push_back(std::move(recipient));
  said_.emplace_back();
  open_ = true;
  words_ = false;
}

void TextReader::Add(string_view words) {
  words = TrimSpace(words);
  if (words.empty()) return;
  words_ = true;
  for (size_t at = first_; at < said_.size(); ++at) {
    std::string& said = said_[at];
    size_t room =
        limits::kBounceDiagnosisBytesMax - std::min(limits::kBounceDiagnosisBytesMax, said.size());
    if (!said.empty() && room > 0) said.push_back(' ');
    said.append(words.substr(0, room));
  }
}

void TextReader::Finish() {
  for (size_t at = 0; at < said_.size(); ++at) {
    BouncedRecipient& recipient = to_->recipients[at];
    smtp::Reply reply = FindBounceReply(said_[at]);
    recipient.by_smtp = reply.code != 0;
    if (reply.code == 0) reply.enhanced = FindStatus(said_[at]);
    reply.text = ReadBounceReply(said_[at]).text;
    if (reply.code == 0 && !reply.enhanced.present() && to_->said.code != 0) reply = to_->said;
    recipient.status = reply.enhanced;
    recipient.diagnosis = std::move(reply);
    recipient.action = to_->delayed ? DsnAction::kDelayed : DsnAction::kFailed;
  }
}

void AppendEntity(string_view* html, std::string* out) {
  constexpr std::pair<string_view, string_view> kEntities[] = {
      {"&lt;", "<"},    {"&gt;", ">"},  {"&amp;", "&"}, {"&nbsp;", " "},
      {"&quot;", "\""}, {"&#64;", "@"}, {"&#39;", "'"}};
  for (auto [entity, character] : kEntities) {
    if (!html->starts_with(entity)) continue;
    out->append(character);
    html->remove_prefix(entity.size());
    return;
  }
  out->push_back('&');
  html->remove_prefix(1);
}

}  // namespace

std::string TextOfHtml(string_view html) {
  constexpr auto kBreaks = std::to_array<string_view>(
      {"br", "p", "/p", "div", "/div", "tr", "/tr", "li", "/li", "h1", "/h1", "h2", "/h2"});
  std::string out;
  out.reserve(html.size());  // once, so that nothing is left behind unwiped
  while (!html.empty()) {
    if (html[0] == '&') {
      AppendEntity(&html, &out);
      continue;
    }
    if (html[0] != '<') {
      if (html[0] != '\r') out.push_back(html[0] == '\n' ? ' ' : html[0]);
      html.remove_prefix(1);
      continue;
    }
    const std::string name =
        ToLower(html.substr(1, html.substr(1, 16).find_first_of(" \t\r\n>/", 1)));
    size_t end = html.find('>');
    if (name == "style" || name == "script") end = html.find('>', html.find("</"));
    if (std::find(kBreaks.begin(), kBreaks.end(), name) != kBreaks.end()) out.push_back('\n');
    html.remove_prefix(std::min(end, html.size() - 1) + 1);
  }
  return out;
}

BounceText ReadBounceText(string_view subject, string_view text) {
  BounceText result;
  TextReader reader(&result);
  std::string lower = ToLower(subject);
  WipedAtEnd wiped(&lower);
  ReserveWiped(&lower, limits::kBounceFieldBytesMax + limits::kBounceWordsBytesMax);
  std::string_view before = text, rest = text, line;
  for (size_t lines = 0; lines < limits::kBounceTextLinesMax && TakeLine(&rest, &line); ++lines) {
    line = line.substr(0, limits::kBounceLineBytesMax);
    if (AnnouncesOriginal(line)) {
      bool field = line.find(": ") != string_view::npos && !TrimSpace(line).starts_with('-');
      result.original = field ? before : rest;
      break;
    }
    AppendLower(TrimSpace(line), &lower);
    if (result.said.code == 0) result.said = FindBounceReply(line);
    reader.Take(line);
    before = rest;
  }
  bool final = HasAny(lower, kFinalWords);
  bool delay = HasAny(lower, kDelayWords) || StartsWithIgnoreCase(TrimSpace(subject), "warning");
  result.delayed = delay && !final;
  result.words = delay || HasAny(lower, kFailureWords);
  if (result.said.code == 0) {
    result.said = ReadBounceReply(text.substr(0, static_cast<size_t>(before.data() - text.data())));
    result.said.code = 0;
  }
  reader.Finish();
  return result;
}

}  // namespace ringpost::mail
