// RecordOpener: opens the peer's TLS records where they lie: what comes out are slices of the very
// receive buffers that the sealed bytes came in, so that a body is not copied on its way (RFC 8446
// section 5.2; RFC 5246 section 6.2.3.3 and RFC 5288; decisions/046-records-in-place.md).
//
//   opener.Step(&input):
//     kNeedInput   input is empty now
//     kData        the next part of what the peer said; the parts of a record follow each other
//     kEmpty       a record of data without any
//     kControl     a record that is no data: `type` (RFC 8446 section 5.1) and `plaintext`
//     kFailed      `words` say why, `alert` what to tell the peer; nothing comes any more
//
// Nothing of a record is given out before its tag was found right; one that is not is wiped.
//
// AES-GCM alone, which opens a record in the parts that it came in. Other ciphers stay with
// BoringSSL.
//
// Memory: between records the keys, within one what record_body.h says. `keep`: buffers may be kept
// until a record has all come.
//
// Threads: none of its own; the caller's, one at a time. The bytes of `input` are written over:
// nobody else looks at them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/slice.h"
#include "gateway/tls/record_body.h"
#include "gateway/tls/record_keys.h"

namespace ringpost::tls {

class RecordOpener {
 public:
  enum class EventKind : uint8_t { kNeedInput, kData, kEmpty, kControl, kFailed };
  struct Event {
    EventKind kind = EventKind::kNeedInput;
    Slice data;
    uint8_t type = 0;
    std::string plaintext;
    std::string_view words;
    uint8_t alert = 0;
  };

  static bool Opens(RecordCipher cipher) { return cipher != RecordCipher::kChaCha20Poly1305; }

  // Keys that it Opens. The next byte is the first of a record's header.
  explicit RecordOpener(const RecordKeys& keys);
  ~RecordOpener();
  RecordOpener(const RecordOpener&) = delete;
  RecordOpener& operator=(const RecordOpener&) = delete;

  Event Step(Slice* input, bool keep);
  // Right behind a kControl: the peer has changed its keys (RFC 8446 section 4.6.3).
  void UseKeys(const RecordKeys& keys);

 private:
  struct State;
  enum class Stage : uint8_t { kHeader, kBody, kOpened, kFailed };
  static constexpr size_t kHeaderBytes = 5;

  Event TakeHeader(Slice* input);
  Event BeginBody();
  Event Open();
  Event TakeControl(uint8_t type);
  Event GiveOpened();
  bool Decrypt();
  uint8_t CutInnerType();
  Event Fail(std::string_view words, uint8_t alert);
  uint8_t HeaderByte(size_t at) const { return static_cast<uint8_t>(header_[at]); }

  std::unique_ptr<State> state_;
  std::array<uint8_t, 12> iv_;
  uint64_t sequence_ = 0;
  bool tls13_ = true;
  Stage stage_ = Stage::kHeader;
  uint8_t header_filled_ = 0;
  std::array<char, kHeaderBytes> header_;
  RecordBody body_;
  size_t given_ = 0;            // parts of it, once it is open
  uint32_t empty_records_ = 0;  // one after another
};

}  // namespace ringpost::tls
