// The whole server session: any bytes, byte by byte and in pieces, must give the same replies and
// events. Input: one byte of options, one of refusals, STARTTLS and AUTH, one that seeds the
// pieces, the bytes after the greeting.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

constexpr std::string_view kOutOfStep = "\nS: 554 5.5.0 ";

ServerOptions Options(unsigned char bits, unsigned char more_bits) {
  ServerOptions options = TestOptions();
  options.strict = bits & 1;
  options.normalise_bare_newlines = bits & 2;
  options.chunking = !(bits & 4);
  options.xclient = bits & 8;
  if (bits & 16) options.message_bytes_max = 100;
  if (bits & 32) options.recipients_max = 3;
  if (bits & 64) options.mails_max = 2;
  if (bits & 128) options.dsn = options.smtputf8 = false;
  if (more_bits & 32) options.starttls = StartTls::kOffered;
  if (more_bits & 128) {
    options.auth = more_bits & 32 ? Auth::kUnderTls : Auth::kAlsoInClear;
    options.auth_required = more_bits & 64;
  } else if (more_bits & 64) {
    options.starttls = StartTls::kRequired;
  }
  return options;
}

template <typename Cut>
std::string Play(std::string_view data, Cut cut) {
  const unsigned char refusals = static_cast<unsigned char>(data[1]);
  ServerHarness harness(Options(static_cast<unsigned char>(data[0]), refusals));
  if (refusals & 1) harness.answers["mail"] = Reply{550, {5, 7, 1}, "Not yours"};
  if (refusals & 2) harness.answers["recipient"] = Reply{550, {5, 1, 1}, "No such user"};
  if (refusals & 4) harness.answers["data"] = Reply{452, {4, 3, 1}, "Full"};
  if (refusals & 8) harness.answers["end"] = Reply{451, {4, 3, 0}, "Failed"};
  if (refusals & 8) {
    harness.answers["password"] = harness.answers["proof"] = WrongCredentials();
    if (refusals & 4) harness.answers["salt"] = Reply{454, {4, 7, 0}, "Busy"};
  }
  if (refusals & 16) harness.answers["end"] = Reply{421, {4, 3, 2}, "Going"};
  harness.session().Greet();
  for (std::string_view rest = data.substr(3); !rest.empty();) {
    const size_t count = std::min(rest.size(), cut());
    harness.Feed(rest.substr(0, count));
    rest.remove_prefix(count);
  }
  harness.session().End({421, {4, 4, 2}, "Time-out"});
  harness.Feed("");
  RP_CHECK(harness.closed());
  return harness.TakeLog();
}

void Check(std::string_view data) {
  if (data.size() < 3 || data.size() > 8192) return;
  std::minstd_rand random(static_cast<unsigned char>(data[2]) + 1u);
  const size_t most = 1 + random() % 300;
  const std::string by_byte = Play(data, [] { return size_t{1}; });
  const std::string pieces = Play(data, [&] { return 1 + random() % most; });
  const std::string whole = Play(data, [&] { return data.size(); });
  for (const std::string& log : {pieces, whole}) {
    // Bytes that came too early end the session; up to there all is the same.
    const size_t out_of_step = log.find(kOutOfStep);
    if (out_of_step == std::string::npos) {
      RP_CHECK(log == by_byte);
    } else {
      RP_CHECK(log.substr(0, out_of_step) == by_byte.substr(0, out_of_step));
    }
  }
}

}  // namespace
}  // namespace ringpost::smtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::smtp::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
