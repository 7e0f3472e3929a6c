#include "bench/load/message_maker.h"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "bench/load/message_id.h"

namespace ringpost::bench {
namespace {

constexpr size_t kLineBytes = 72;
// Header bytes of a message, about: a body fills the rest of the size that was asked for.
constexpr size_t kHeaderBytes = 330;

void AppendNumber(uint64_t number, std::string* out) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out->append(digits.data(), static_cast<size_t>(end.ptr - digits.data()));
}

// Plain text in lines, no line beginning with a dot.
std::string MakeBody(size_t bytes) {
  static constexpr std::string_view kText =
      "The quick brown fox jumps over the lazy dog while seventy two letters fit ";
  std::string body;
  body.reserve(bytes + kLineBytes);
  while (body.size() + kLineBytes + 2 <= bytes) {
    body.append(kText.substr(0, kLineBytes));
    body += "\r\n";
  }
  const size_t left = bytes > body.size() + 2 ? bytes - body.size() - 2 : 0;
  body.append(left, 'x');
  body += "\r\n";
  return body;
}

std::string DateNow() {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text;
  const size_t count = strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S +0000", &parts);
  return std::string(text.data(), count);
}

}  // namespace

MessageMaker::MessageMaker(const LoadOptions& options) : options_(options) {
  uint64_t random = NowNanos();
  if (getrandom(&random, sizeof(random), 0) != sizeof(random)) std::perror("getrandom");
  std::array<char, 17> hex;
  std::snprintf(hex.data(), hex.size(), "%010llx",
                static_cast<unsigned long long>(random & 0xFFFFFFFFFFull));
  run_id_ = hex.data();
  fixed_fields_ = "Date: " + DateNow() +
                  "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
  for (const SizeShare& size : options_.sizes) {
    bodies_.push_back(MakeBody(size.bytes > kHeaderBytes ? size.bytes - kHeaderBytes : 2));
    weight_sum_ += size.weight;
  }
}

// The sizes in the order of a fixed scramble of the index: the same mix in every run.
size_t MessageMaker::BodyFor(uint64_t index) const {
  if (bodies_.size() == 1) return 0;
  const uint64_t scrambled = (index + 1) * 0x9E3779B97F4A7C15ull;
  double at = static_cast<double>(scrambled >> 11) / 9007199254740992.0 * weight_sum_;
  for (size_t i = 0; i + 1 < bodies_.size(); ++i) {
    at -= options_.sizes[i].weight;
    if (at < 0) return i;
  }
  return bodies_.size() - 1;
}

void MessageMaker::Make(uint64_t index, Message* out) const {
  out->id = run_id_;
  out->id += '-';
  AppendNumber(index, &out->id);
  out->mail = "MAIL FROM:<sender";
  AppendNumber(index % options_.senders, &out->mail);
  out->mail += "@load.example>\r\n";
  out->rcpts.resize(options_.recipients);
  out->recipients.resize(options_.recipients);
  out->accepted.assign(options_.recipients, false);
  // A prime step, so that senders and domains do not go round together.
  const uint64_t domain = index * 7919 % options_.domains;
  for (unsigned i = 0; i < options_.recipients; ++i) {
    std::string& address = out->recipients[i];
    address = "user";
    AppendNumber(i, &address);
    address += '@';
    if (options_.domains > 1) {
      address += 'd';
      AppendNumber(domain, &address);
      address += '.';
    }
    address += options_.recipient_domain;
    out->rcpts[i] = "RCPT TO:<";
    out->rcpts[i] += address;
    out->rcpts[i] += ">\r\n";
  }
  out->header = kIdField;
  out->header += ' ';
  out->header += out->id;
  out->header += "\r\nFrom: <sender@load.example>\r\nTo: <";
  out->header += out->recipients[0];
  out->header += ">\r\nSubject: ringpost-bench ";
  AppendNumber(index, &out->header);
  out->header += "\r\nMessage-ID: <";
  out->header += out->id;
  out->header += "@load.example>\r\n";
  out->header += fixed_fields_;
  out->body = bodies_[BodyFor(index)];
}

}  // namespace ringpost::bench
