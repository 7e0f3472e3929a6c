#include "gateway/tls/record_opener.h"

#include <openssl/cipher.h>
#include <openssl/mem.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/tls/errors.h"

namespace ringpost::tls {
namespace {

constexpr uint8_t kTypeMin = 20, kDataRecord = 23;  // RFC 8446 section 5.1
constexpr uint8_t kUnexpectedMessage = 10, kBadRecordMac = 20, kRecordOverflow = 22,
                  kProtocolVersion = 70;  // alerts, RFC 8446 section 6
constexpr size_t kTagBytes = 16;
// In TLS 1.2 each record carries 8 bytes of its nonce (RFC 5288 section 3).
constexpr size_t kExplicitNonceBytes = 8, kSaltBytes = 4;
// The most that type, padding and tag may add in TLS 1.3 (RFC 8446 section 5.2).
constexpr size_t kAddedBytesMax = 256;

uint8_t* Bytes(char* bytes) { return reinterpret_cast<uint8_t*>(bytes); }

void PutNumber(uint64_t number, uint8_t* out) {
  for (int i = 7; i >= 0; --i, number >>= 8) out[i] = static_cast<uint8_t>(number);
}

}  // namespace

struct RecordOpener::State {
  EVP_CIPHER_CTX context;
  State() { EVP_CIPHER_CTX_init(&context); }
  ~State() { EVP_CIPHER_CTX_cleanup(&context); }
};

RecordOpener::RecordOpener(const RecordKeys& keys) : state_(std::make_unique<State>()) {
  UseKeys(keys);
}

RecordOpener::~RecordOpener() { OPENSSL_cleanse(iv_.data(), iv_.size()); }

void RecordOpener::UseKeys(const RecordKeys& keys) {
  RP_CHECK(Opens(keys.cipher) && stage_ == Stage::kHeader && header_filled_ == 0);
  const EVP_CIPHER* cipher =
      keys.cipher == RecordCipher::kAes128Gcm ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
  RP_CHECK(EVP_DecryptInit_ex(&state_->context, cipher, nullptr, keys.key.data(), nullptr) == 1);
  iv_ = keys.iv;
  sequence_ = keys.sequence;
  tls13_ = keys.tls13;
}

RecordOpener::Event RecordOpener::Step(Slice* input, bool keep) {
  Event event;
  while (event.kind == EventKind::kNeedInput) {
    switch (stage_) {
      case Stage::kHeader:
        if (input->empty()) return event;
        event = TakeHeader(input);
        break;
      case Stage::kBody:
        if (!body_.Take(input, keep)) return event;
        event = Open();
        break;
      case Stage::kOpened:
        event = GiveOpened();
        break;
      case Stage::kFailed:
        *input = {};
        return event;
    }
  }
  return event;
}

RecordOpener::Event RecordOpener::TakeHeader(Slice* input) {
  size_t count = std::min(kHeaderBytes - header_filled_, input->size());
  std::memcpy(header_.data() + header_filled_, input->data(), count);
  header_filled_ = static_cast<uint8_t>(header_filled_ + count);
  *input = input->Sub(count, input->size() - count);
  return header_filled_ == kHeaderBytes ? BeginBody() : Event();
}

RecordOpener::Event RecordOpener::BeginBody() {
  header_filled_ = 0;
  uint8_t type = HeaderByte(0);
  // RFC 8446 section 5.2: by the outer type every record is data, and of version 1.2.
  if (type > kDataRecord || type < (tls13_ ? kDataRecord : kTypeMin)) {
    return Fail("a record of a type that has no place here", kUnexpectedMessage);
  }
  if (HeaderByte(1) != 3 || HeaderByte(2) != 3) {
    return Fail("a record of another version", kProtocolVersion);
  }
  size_t bytes = size_t{HeaderByte(3)} << 8 | HeaderByte(4);
  size_t added = kTagBytes + (tls13_ ? 1 : kExplicitNonceBytes);
  if (bytes < added) return Fail("a record that is too short", kBadRecordMac);
  if (bytes > limits::kTlsRecordBytesMax + (tls13_ ? kAddedBytesMax : added)) {
    return Fail("a record that is too long", kRecordOverflow);
  }
  body_.Begin(bytes);
  stage_ = Stage::kBody;
  return {};
}

RecordOpener::Event RecordOpener::Open() {
  if (!Decrypt()) {
    for (Slice& part : body_.parts()) OPENSSL_cleanse(part.mutable_data(), part.size());
    return Fail("a record that does not open", kBadRecordMac);
  }
  // RFC 8446 section 5.4: with its type and padding.
  if (body_.size() > limits::kTlsRecordBytesMax + (tls13_ ? 1 : 0)) {
    return Fail("a record that is too long", kRecordOverflow);
  }
  uint8_t type = tls13_ ? CutInnerType() : HeaderByte(0);
  if (type == 0) return Fail("a record without a type", kUnexpectedMessage);
  if (type == kDataRecord && body_.size() > 0) {
    empty_records_ = 0;
    stage_ = Stage::kOpened;
    return {};
  }
  stage_ = Stage::kHeader;
  if (type != kDataRecord) return TakeControl(type);
  if (++empty_records_ > limits::kTlsEmptyRecordsMax) {
    return Fail("too many empty records", kUnexpectedMessage);
  }
  return {.kind = EventKind::kEmpty};
}

// Whoever reads these counts them.
RecordOpener::Event RecordOpener::TakeControl(uint8_t type) {
  empty_records_ = 0;
  Event event{.kind = EventKind::kControl, .type = type};
  for (const Slice& part : body_.parts()) event.plaintext.append(part.view());
  body_.Clear();
  return event;
}

// In place: a stream cipher's output takes its input's room.
bool RecordOpener::Decrypt() {
  std::array<uint8_t, 12> nonce = iv_;
  std::array<uint8_t, 8> number;
  PutNumber(sequence_, number.data());
  if (tls13_) {
    for (size_t i = 0; i < number.size(); ++i) nonce[kSaltBytes + i] ^= number[i];
  } else {
    body_.CutHead(kExplicitNonceBytes, reinterpret_cast<char*>(nonce.data() + kSaltBytes));
  }
  std::array<char, kTagBytes> tag;
  body_.CutTail(kTagBytes, tag.data());
  // What is authenticated beside the text: the header (RFC 8446 section 5.2); in TLS 1.2 the
  // record's number, and the header with the text's size (RFC 5246 section 6.2.3.3).
  std::array<uint8_t, 8 + kHeaderBytes> associated;
  std::memcpy(associated.data(), number.data(), number.size());
  std::memcpy(associated.data() + number.size(), header_.data(), kHeaderBytes);
  size_t skip = tls13_ ? number.size() : 0;
  if (!tls13_) {
    associated[associated.size() - 2] = static_cast<uint8_t>(body_.size() >> 8);
    associated[associated.size() - 1] = static_cast<uint8_t>(body_.size());
  }
  ++sequence_;

  EVP_CIPHER_CTX* context = &state_->context;
  int count = 0;
  RP_CHECK(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1);
  RP_CHECK(EVP_DecryptUpdate(context, nullptr, &count, associated.data() + skip,
                             static_cast<int>(associated.size() - skip)) == 1);
  for (Slice& part : body_.parts()) {
    uint8_t* bytes = Bytes(part.mutable_data());
    RP_CHECK(EVP_DecryptUpdate(context, bytes, &count, bytes, static_cast<int>(part.size())) == 1);
  }
  RP_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
  uint8_t none[1];
  if (EVP_DecryptFinal_ex(context, none, &count) == 1) return true;
  ForgetErrors();
  return false;
}

// Padding is zeros behind the type (RFC 8446 section 5.4). 0: there is nothing else.
uint8_t RecordOpener::CutInnerType() {
  char type = 0;
  body_.CutZeros();
  if (body_.size() > 0) body_.CutTail(1, &type);
  return static_cast<uint8_t>(type);
}

RecordOpener::Event RecordOpener::GiveOpened() {
  if (given_ < body_.parts().size()) {
    return {.kind = EventKind::kData, .data = std::move(body_.parts()[given_++])};
  }
  given_ = 0;
  body_.Clear();
  stage_ = Stage::kHeader;
  return {};
}

RecordOpener::Event RecordOpener::Fail(std::string_view words, uint8_t alert) {
  body_.Clear();
  stage_ = Stage::kFailed;
  return {.kind = EventKind::kFailed, .words = words, .alert = alert};
}

}  // namespace ringpost::tls
