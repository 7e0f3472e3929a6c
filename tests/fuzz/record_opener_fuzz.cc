// The peer's TLS records, opened where they lie, against a reader that opens whole records one by
// one: whatever came, forged or cut anywhere, both hear the same and stop at the same record, and a
// record that does not open leaves nothing to be heard of.
//
// Input: one byte of modes (1: TLS 1.2; 2: AES-256; the other bits: how many bytes come at a time),
// then what the peer does: an operation, a length (2), so many bytes.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/tls/record_opener.h"
#include "tests/unit/tls/records/record_layer.h"

namespace ringpost::tls {
namespace {

constexpr uint8_t kData = 23;
constexpr size_t kHeaderBytes = 5;
constexpr size_t kSteps[] = {1, 7, 13, 1448, 4096, 5000, 8192, 65'536};

struct Heard {
  std::string data;
  std::vector<std::pair<uint8_t, std::string>> controls;
  bool failed = false;
  bool operator==(const Heard&) const = default;
};

RecordKeys Keys(unsigned modes) {
  RecordKeys keys;
  keys.tls13 = !(modes & 1);
  keys.cipher = modes & 2 ? RecordCipher::kAes256Gcm : RecordCipher::kAes128Gcm;
  keys.key.fill(7);
  keys.iv.fill(9);
  keys.sequence = modes & 1;
  return keys;
}

// What the peer sends: sealed records of any type, padded, repeated, damaged, and plain bytes.
std::string Wire(const RecordKeys& keys, std::string_view script) {
  RecordLayer layer(keys);
  std::string wire, last;
  while (script.size() >= 3) {
    auto byte = [&](size_t i) { return static_cast<unsigned char>(script[i]); };
    unsigned operation = byte(0);
    size_t number = size_t{byte(1)} << 8 | byte(2);
    script.remove_prefix(3);
    std::string_view words = script.substr(0, std::min(number, script.size()));
    switch (operation % 7) {
      case 0:  // what is said
        last = layer.Seal(kData, words);
        break;
      case 1:  // ... much of it
        last = layer.Seal(kData, std::string(std::min<size_t>(number, 20'000), 'x'));
        words = {};
        break;
      case 2:  // no data
        last = layer.Seal(words.empty() ? 21 : static_cast<uint8_t>(words[0]),
                          words.substr(std::min<size_t>(1, words.size())));
        break;
      case 3:  // padded: zeros are a type and padding
        last = layer.Seal(
            0, std::string(words) + static_cast<char>(kData) + std::string(number % 600, '\0'));
        break;
      case 4:  // the last again, and a byte of it is another
        if (!last.empty()) last[number % last.size()] ^= static_cast<char>(1 + operation / 7);
        words = {};
        break;
      case 5:  // the last, cut
        last.resize(std::min(last.size(), number));
        words = {};
        break;
      case 6:
        last = words;
        break;
    }
    script.remove_prefix(words.size());
    wire += last;
  }
  return wire;
}

// False: there is no such record, whatever its body.
bool HeaderIsGood(std::string_view header, bool tls13, size_t bytes) {
  auto type = static_cast<unsigned char>(header[0]);
  size_t added = tls13 ? 17 : 24;
  return type <= kData && type >= (tls13 ? kData : 20) && header[1] == 3 && header[2] == 3 &&
         bytes >= added && bytes <= limits::kTlsRecordBytesMax + (tls13 ? 256 : added);
}

Heard ReadWhole(const RecordKeys& keys, std::string_view wire) {
  RecordLayer layer(keys);
  Heard heard;
  uint32_t empty = 0;
  while (wire.size() >= kHeaderBytes) {
    size_t bytes =
        size_t{static_cast<unsigned char>(wire[3])} << 8 | static_cast<unsigned char>(wire[4]);
    heard.failed = !HeaderIsGood(wire, keys.tls13, bytes);
    if (heard.failed || wire.size() < kHeaderBytes + bytes) return heard;
    auto opened = layer.Open(wire.substr(0, kHeaderBytes + bytes));
    wire.remove_prefix(kHeaderBytes + bytes);
    // With type and padding, as the header has it.
    size_t inner = bytes - (keys.tls13 ? 17 : 24);
    heard.failed = !opened || inner > limits::kTlsRecordBytesMax;
    if (heard.failed) return heard;
    auto& [type, plain] = *opened;
    empty = type == kData && plain.empty() ? empty + 1 : 0;
    heard.failed = empty > limits::kTlsEmptyRecordsMax || type == 0;
    if (heard.failed) return heard;
    if (type == kData) {
      heard.data += plain;
    } else {
      heard.controls.emplace_back(type, plain);
    }
  }
  return heard;
}

Heard ReadInPlace(const RecordKeys& keys, std::string_view wire, size_t step, bool keep) {
  RecordOpener opener(keys);
  Heard heard;
  for (; !wire.empty(); wire.remove_prefix(std::min(step, wire.size()))) {
    Slice input = Slice::Copy(wire.substr(0, step));
    RecordOpener::Event event;
    do {
      event = opener.Step(&input, keep);
      if (event.kind != RecordOpener::EventKind::kNeedInput) RP_CHECK(!heard.failed);
      if (event.kind == RecordOpener::EventKind::kData) {
        RP_CHECK(!event.data.empty());
        heard.data += event.data.view();
      }
      if (event.kind == RecordOpener::EventKind::kControl) {
        heard.controls.emplace_back(event.type, std::move(event.plaintext));
      }
      if (event.kind == RecordOpener::EventKind::kFailed) {
        RP_CHECK(!event.words.empty() && event.alert != 0);
        heard.failed = true;
      }
    } while (event.kind != RecordOpener::EventKind::kNeedInput);
    RP_CHECK(input.empty());
  }
  return heard;
}

void Check(std::string_view data) {
  if (data.empty() || data.size() > 20'000) return;
  auto modes = static_cast<unsigned char>(data[0]);
  RecordKeys keys = Keys(modes);
  std::string wire = Wire(keys, data.substr(1));
  if (wire.size() > 200'000) return;
  Heard whole = ReadWhole(keys, wire);
  for (bool keep : {true, false}) {
    RP_CHECK(ReadInPlace(keys, wire, kSteps[modes >> 2 & 7], keep) == whole);
  }
}

}  // namespace
}  // namespace ringpost::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::tls::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
