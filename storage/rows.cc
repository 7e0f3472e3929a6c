#include "storage/rows.h"

#include "storage/database.h"

namespace ringpost::storage {
namespace {

constexpr uint8_t kKeyRowFormat = 1;
constexpr uint8_t kEnvelopeRowFormat = 1;
constexpr uint8_t kOutboxRowFormat = 1;

Status Refuse(std::string_view what) { return MakeStatus(StatusCode::kDataLoss, what); }

void ReadWrappedKey(ByteReader& in, WrappedKey* key) {
  key->epoch = in.U32();
  std::string_view bytes = in.Raw(key->bytes.size());
  if (in.ok()) std::memcpy(key->bytes.data(), bytes.data(), bytes.size());
}

}  // namespace

std::string OriginKey(const MessageId& id) {
  std::string key(1, kMetaOriginPrefix);
  return key.append(id.key());
}

std::string EncodeKeyRow(const WrappedKey& key) {
  std::string bytes(kKeyRowBytes, '\0');
  ByteWriter out(bytes.data());
  out.U8(kKeyRowFormat);
  out.U32(key.epoch);
  out.Raw(View(key.bytes));
  return bytes;
}

StatusOr<WrappedKey> DecodeKeyRow(std::string_view bytes) {
  ByteReader in(bytes);
  WrappedKey key;
  if (in.U8() != kKeyRowFormat) return Refuse("key row: of a format this version does not know");
  ReadWrappedKey(in, &key);
  if (!in.AtEnd()) return Refuse("key row: its lengths do not add up");
  return key;
}

void WriteEnvelopeRowHead(uint32_t incarnation, const WrappedKey& key, ByteWriter& out) {
  out.U8(kEnvelopeRowFormat);
  out.U32(incarnation);
  out.U32(key.epoch);
  out.Raw(View(key.bytes));
}

StatusOr<EnvelopeRow> DecodeEnvelopeRow(std::string_view bytes) {
  ByteReader in(bytes);
  EnvelopeRow row;
  if (in.U8() != kEnvelopeRowFormat) {
    return Refuse("envelope row: of a format this version does not know");
  }
  row.incarnation = in.U32();
  ReadWrappedKey(in, &row.key);
  if (!in.ok()) return Refuse("envelope row: cut short");
  row.record = in.Raw(in.left());
  return row;
}

void WriteOutboxRowHead(uint32_t events, ByteWriter& out) {
  out.U8(kOutboxRowFormat);
  out.U32(events);
}

StatusOr<std::vector<StoredEvent>> DecodeOutboxRow(std::string_view bytes) {
  ByteReader in(bytes);
  if (in.U8() != kOutboxRowFormat)
    return Refuse("outbox row: of a format this version does not know");
  uint32_t count = in.U32();
  std::vector<StoredEvent> events;
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    std::string_view record = in.Text32();
    if (!in.ok()) break;
    StatusOr<StoredEvent> event = DecodeEvent(record);
    if (!event.ok()) return event.status();
    events.push_back(*std::move(event));
  }
  if (!in.AtEnd()) return Refuse("outbox row: its lengths do not add up");
  return events;
}

std::array<char, kIndexedKeyBytes> ChunkContext(const MessageId& id, uint32_t chunk) {
  return IndexedKey(id, chunk);
}

std::array<uint8_t, tls::kNonceBytes> ChunkNonce(uint32_t chunk) {
  std::array<uint8_t, tls::kNonceBytes> nonce{};
  for (size_t i = 0; i < 4; ++i) nonce[8 + i] = static_cast<uint8_t>(chunk >> (24 - 8 * i));
  return nonce;
}

std::array<char, kIndexedKeyBytes> KeyContext(const MessageId& id, uint32_t epoch) {
  return IndexedKey(id, epoch);
}

std::optional<IndexedId> ParseIndexedKey(std::string_view key) {
  if (key.size() != kIndexedKeyBytes) return std::nullopt;
  ByteReader in(key);
  IndexedId parsed;
  parsed.id = MessageId::FromKey(in.Raw(kMessageKeyBytes));
  parsed.index = in.U32();
  return parsed;
}

}  // namespace ringpost::storage
