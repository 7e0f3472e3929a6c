// The data stream against the plain reading of the RFC, whole and cut into pieces.
// Input: one byte of options (bit 0: normalise, bit 1: BDAT), one byte that seeds the cuts, the
// data.
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/smtp/data_stream.h"
#include "tests/unit/smtp/data_stream_reference.h"
#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

template <typename Cut>
reference::Outcome Pass(std::string_view bytes, bool dotted, bool normalise, Cut cut) {
  DataStream stream(dotted, normalise);
  reference::Outcome outcome;
  std::string_view piece;
  while (outcome.consumed < bytes.size() && !outcome.ended) {
    const std::string copy(bytes.substr(outcome.consumed, cut()));  // so that ASan sees its ends
    std::string_view input = copy;
    DataStream::Result result;
    while ((result = stream.Next(&input, &piece)) == DataStream::Result::kPiece) {
      RP_CHECK(!piece.empty());
      outcome.content.append(piece);
    }
    outcome.ended = result == DataStream::Result::kEnd;
    RP_CHECK(outcome.ended || input.empty());
    outcome.consumed += copy.size() - input.size();
  }
  if (!dotted && stream.Finish(&piece)) outcome.content.append(piece);
  outcome.bare = stream.bare_newline();
  outcome.nul = stream.saw_nul();
  outcome.high = stream.saw_8bit();
  outcome.long_line = stream.saw_long_line();
  return outcome;
}

void Check(std::string_view data) {
  if (data.size() < 2) return;
  const bool normalise = data[0] & 1;
  const bool dotted = !(data[0] & 2);
  std::minstd_rand random(static_cast<unsigned char>(data[1]) + 1u);
  const std::string bytes = std::string(data.substr(2)) + (dotted ? "\r\n.\r\n" : "");
  reference::Outcome expected =
      dotted ? reference::Data(bytes, normalise) : reference::Chunk(bytes, normalise);
  const reference::Outcome whole = Pass(bytes, dotted, normalise, [&] { return bytes.size(); });
  const size_t most = 1 + random() % 100;
  for (reference::Outcome got :
       {whole, Pass(bytes, dotted, normalise, [] { return size_t{1}; }),
        Pass(bytes, dotted, normalise, [&] { return 1 + random() % most; })}) {
    RP_CHECK(got.long_line == whole.long_line);
    got.long_line = expected.long_line;
    if (expected.bare) got.content = expected.content;  // thrown away
    RP_CHECK(got == expected);
    RP_CHECK(expected.bare || !HasBareNewline(got.content));
  }
}

}  // namespace
}  // namespace ringpost::smtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::smtp::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
