// Records from the disk are hostile: whatever the bytes are, they decode or are refused, and what
// decodes encodes to the same bytes again. The first byte chooses the record.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "storage/record_encoding.h"
#include "storage/records.h"
#include "storage/rows.h"

using namespace ringpost::storage;  // NOLINT: a fuzz target

namespace {

// What is read is, written, the same; of the format before this one it is the same but for what
// that one knew nothing of: no account, no credential, and no flag beyond its four.
void LookAtEnvelope(std::string_view bytes) {
  auto envelope = DecodeEnvelope(bytes);
  auto traceless = DecodeEnvelope(bytes, Trace::kLeaveEmpty);
  RP_CHECK(traceless.ok() == envelope.ok());
  if (!envelope.ok()) return;
  const std::string written = EncodeEnvelope(*envelope);
  constexpr char kFormatOne = 1, kFormatTwo = 2;
  std::string as_before = written;
  if (bytes[0] == kFormatOne || bytes[0] == kFormatTwo) {
    constexpr size_t kFlagsAt = 1 + 8 + 8 + 1 + 1, kAccountAt = kFlagsAt + 1 + 8 + 4 + 32;
    as_before[0] = bytes[0];
    RP_CHECK(as_before[kFlagsAt] == 0 && (as_before[kFlagsAt + 1] & 128) == 0);
    as_before.erase(kFlagsAt, 1);
    if (bytes[0] == kFormatOne) {
      RP_CHECK(as_before.substr(kAccountAt, 8) == std::string(8, '\0'));
      RP_CHECK((as_before[kFlagsAt] & ~15) == 0);
      as_before.erase(kAccountAt, 8);
    }
  }
  RP_CHECK(as_before == bytes);
  auto again = DecodeEnvelope(written);
  RP_CHECK(again.ok() && *again == *envelope);
  again->trace.clear();
  RP_CHECK(*again == *traceless);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 8) {
    case 0:
      LookAtEnvelope(bytes);
      break;
    case 1:
      if (auto state = DecodeRecipientState(bytes); state.ok()) {
        RP_CHECK(EncodeRecipientState(*state) == bytes);
        RP_CHECK(state->status <= RecipientStatus::kBounced);
      }
      break;
    case 2:
      if (auto event = DecodeEvent(bytes); event.ok()) {
        RP_CHECK(EncodeEvent(*event) == bytes && event->kind <= StoredEvent::Kind::kDeleted);
      }
      break;
    case 7:
      if (auto origin = DecodeOrigin(bytes); origin.ok()) {
        // Format 1 comes back as the one that is written now.
        bool old = bytes[0] == 1;
        RP_CHECK(old ? *DecodeOrigin(EncodeOrigin(*origin)) == *origin
                     : EncodeOrigin(*origin) == bytes);
      }
      break;
    case 3:
      if (auto key = DecodeKeyRow(bytes); key.ok()) RP_CHECK(EncodeKeyRow(*key) == bytes);
      break;
    case 4:
      if (auto row = DecodeEnvelopeRow(bytes); row.ok()) {
        RP_CHECK(row->record.size() + kEnvelopeRowHeadBytes == bytes.size());
        std::string head(kEnvelopeRowHeadBytes, '\0');
        ByteWriter out(head.data());
        WriteEnvelopeRowHead(row->incarnation, row->key, out);
        RP_CHECK(bytes.starts_with(head));
        LookAtEnvelope(row->record);
      }
      break;
    case 5:
      if (auto events = DecodeOutboxRow(bytes); events.ok()) {
        size_t total = kOutboxRowHeadBytes;
        for (const StoredEvent& event : *events) total += 4 + EncodeEvent(event).size();
        RP_CHECK(total == bytes.size());
        std::string head(kOutboxRowHeadBytes, '\0');
        ByteWriter out(head.data());
        WriteOutboxRowHead(static_cast<uint32_t>(events->size()), out);
        RP_CHECK(bytes.starts_with(head));
      }
      break;
    default:
      if (auto indexed = ParseIndexedKey(bytes)) {
        RP_CHECK(View(IndexedKey(indexed->id, indexed->index)) == bytes);
        RP_CHECK(View(ChunkContext(indexed->id, indexed->index)) == bytes);
        RP_CHECK(View(KeyContext(indexed->id, indexed->index)) == bytes);
        auto nonce = ChunkNonce(indexed->index);
        RP_CHECK(std::string_view(reinterpret_cast<const char*>(nonce.data()), nonce.size())
                     .ends_with(bytes.substr(kMessageKeyBytes)));
      } else {
        RP_CHECK(bytes.size() != kIndexedKeyBytes);
      }
      break;
  }
  return 0;
}
