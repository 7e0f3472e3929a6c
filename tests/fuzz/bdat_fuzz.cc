// BDAT through a whole session: the payload in chunks, the connection's bytes in pieces.
// Input: one byte of options (bit 0: normalise, bit 1: strict), one byte that seeds chunk and piece
// sizes, the payload.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "tests/unit/smtp/data_stream_reference.h"
#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

void Check(std::string_view data) {
  if (data.size() < 2) return;
  ServerOptions options = TestOptions();
  options.normalise_bare_newlines = data[0] & 1;
  options.strict = data[0] & 2;
  std::minstd_rand random(static_cast<unsigned char>(data[1]) + 1u);
  const std::string_view payload = data.substr(2);

  std::string wire = "MAIL FROM:<a@example.com> BODY=8BITMIME\r\nRCPT TO:<b@example.net>\r\n";
  const size_t chunk_most = 1 + random() % 200;
  size_t chunks = 0;
  for (size_t at = 0; at < payload.size() || chunks == 0;) {
    const size_t count = std::min<size_t>(random() % (chunk_most + 1), payload.size() - at);
    const bool last = at + count == payload.size() && random() % 2 == 0;
    wire += "BDAT " + std::to_string(count) + (last ? " LAST" : "") + "\r\n";
    wire += payload.substr(at, count);
    at += count;
    // Empty chunks are bounded; a payload that ended without LAST gets an empty one.
    if (++chunks > 50 || at == payload.size()) {
      const std::string_view rest = payload.substr(at);
      if (!last) wire += "BDAT " + std::to_string(rest.size()) + " LAST\r\n" + std::string(rest);
      break;
    }
  }
  wire += "NOOP\r\n";

  ServerHarness harness(options);
  harness.session().Greet();
  harness.Feed("EHLO client.example\r\n");
  const size_t piece_most = 1 + random() % 300;
  for (size_t at = 0; at < wire.size();) {
    const size_t count = 1 + random() % piece_most;
    harness.Feed(std::string_view(wire).substr(at, count));
    at += count;
  }
  const std::string log = harness.TakeLog();
  const reference::Outcome expected = reference::Chunk(payload, options.normalise_bare_newlines);
  const bool long_line = log.find("\nS: 554 5.6.0 ") != std::string::npos;
  const bool clean = !expected.bare && !expected.nul && !long_line;
  RP_CHECK(!long_line || options.strict);
  RP_CHECK(harness.messages.size() == (clean ? 1u : 0u));
  if (clean) RP_CHECK(harness.messages[0].body == expected.content);
  // The session is in step whatever became of the message (unless its later chunks were too many
  // errors).
  RP_CHECK(log.ends_with("S: 250 2.0.0 Still here\n") || harness.closed());
  RP_CHECK(!harness.closed() || log.find("\nS: 421 4.7.0 Too many errors") != std::string::npos);
}

}  // namespace
}  // namespace ringpost::smtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::smtp::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
