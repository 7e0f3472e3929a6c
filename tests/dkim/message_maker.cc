#include "tests/dkim/message_maker.h"

#include <utility>
#include <vector>

#include "gateway/base/text.h"

namespace ringpost::mail {
namespace {

// Covered by a signature or not, and how many of them in a hundred messages.
struct Wanted {
  const char* name;
  const char* value;
  unsigned percent;
};
constexpr Wanted kFields[] = {
    {"To", "Bob <bob@example.net>, Carol <carol@example.org>", 95},
    {"Subject", "", 90},
    {"Date", "Mon, 24 Nov 2025 16:00:00 +0000", 90},
    {"Message-ID", "<20251124160000.4DF1C22A@example.org>", 85},
    {"MIME-Version", "1.0", 70},
    {"Content-Type", "text/plain; charset=utf-8; format=flowed", 70},
    {"Content-Transfer-Encoding", "8bit", 50},
    {"Reply-To", "Ann <ann@example.org>", 30},
    {"Sender", "list@example.org", 20},
    {"Cc", "dave@example.com", 30},
    {"In-Reply-To", "<1@example.net>", 30},
    {"References", "<1@example.net> <2@example.net> <3@example.net> <4@example.net>", 30},
    {"List-Unsubscribe", "<https://example.org/u?a=b>, <mailto:u@example.org>", 30},
    {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click", 25},
    {"List-Id", "A list <list.example.org>", 20},
    {"List-Archive", "<https://example.org/archive>", 10},
    {"Feedback-ID", "campaign:customer:mail:example", 20},
    {"Resent-From", "eve@example.org", 5},
    {"Resent-Date", "Mon, 24 Nov 2025 17:00:00 +0000", 5},
    {"Received", "from a.example.org ([192.0.2.7]) by b.example.org with ESMTP", 80},
    {"Return-Path", "<ann@example.org>", 20},
    {"X-Mailer", "", 50},
    {"X-Empty", " ", 10},
};

}  // namespace

std::string MessageMaker::Word() {
  std::string word;
  for (uint64_t count = 1 + random_.Below(12); count > 0; --count) {
    word.push_back(static_cast<char>('!' + random_.Below(94)));
  }
  return word;
}

std::string MessageMaker::Words(size_t count, bool eight_bit) {
  std::string words;
  for (; count > 0; --count) {
    words += eight_bit && Chance(30) ? "Gr\xc3\xbc\xc3\x9f"
                                       "e"
                                     : Word();
    words += Chance(90) ? " " : Blanks();
  }
  return words;
}

std::string MessageMaker::Blanks() {
  std::string blanks;
  for (uint64_t count = 1 + random_.Below(4); count > 0; --count) blanks += Chance(50) ? ' ' : '\t';
  return blanks;
}

std::string MessageMaker::Fold() { return (Chance(30) ? Blanks() : "") + "\r\n" + Blanks(); }

std::string MessageMaker::Field(const std::string& name, const std::string& value) {
  std::string field;
  for (char c : name) field.push_back(Chance(5) ? AsciiLower(c) : c);
  field += ":";
  field += Chance(10) ? Fold() : Chance(85) ? " " : Chance(50) ? "" : Blanks();
  for (char c : value) field += c == ' ' && Chance(15) ? Fold() : std::string(1, c);
  if (Chance(10)) field += Blanks();
  return field + "\r\n";
}

std::string MessageMaker::Header(bool eight_bit) {
  std::vector<std::string> fields = {Field("From", "Ann Other <ann@example.org>")};
  for (const Wanted& wanted : kFields) {
    if (!Chance(wanted.percent)) continue;
    for (uint64_t copies = Chance(5) ? 2 + random_.Below(3) : 1; copies > 0; --copies) {
      std::string value = wanted.value;
      if (value.empty()) value = Words(1 + random_.Below(20), eight_bit) + "end";
      fields.push_back(Field(wanted.name, value));
    }
  }
  std::string header;
  while (!fields.empty()) {
    size_t at = random_.Below(fields.size());
    std::swap(fields[at], fields.back());
    header += fields.back();
    fields.pop_back();
  }
  return header;
}

std::string MessageMaker::Line() {
  switch (random_.Below(8)) {
    case 0:
      return "";
    case 1:
      return Blanks();
    case 2:
      return Blanks() + Words(random_.Below(10), false);
    case 3:
      return Words(random_.Below(12), true) + Blanks();
    case 4:
      return std::string(random_.Below(4), '.') + Words(random_.Below(3), false);
    case 5:
      return "From " + Word();
    case 6:
      return std::string(76, 'A');
    default:
      return Words(10, false);
  }
}

std::string MessageMaker::Body(size_t bytes) {
  std::string body;
  if (bytes == 0) {
    switch (random_.Below(20)) {
      case 0:
        return "";
      case 1:
        return "\r\n";
      case 2:
        return Blanks() + "\r\n" + Blanks() + "\r\n\r\n";
      case 3:
        return Word();
      case 4:
        for (uint64_t count = random_.Below(100'000); count > 0; --count) body += Word();
        return body.substr(0, random_.Below(100'000)) + Blanks() + "\r\n";
      case 5:
        for (int i = 0; i < 4096; ++i) {
          char c = static_cast<char>(1 + random_.Below(255));
          if (c != '\r' && c != '\n') body.push_back(c);
        }
        return body + "\r\n";
      default:
        break;
    }
  }
  const size_t wanted = bytes > 0 ? bytes : random_.Below(20'000);
  while (body.size() < wanted) body += Line() + "\r\n";
  if (Chance(30)) {
    for (uint64_t count = random_.Below(50); count > 0; --count) body += "\r\n";
  }
  return body;
}

MadeMessage MessageMaker::Make(size_t body_bytes) {
  MadeMessage made;
  made.eight_bit_header = Chance(20);
  made.header = Header(made.eight_bit_header);
  made.body = Body(body_bytes);
  return made;
}

}  // namespace ringpost::mail
