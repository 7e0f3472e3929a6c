// Keys and the values that are not plain records: what FORMAT.md describes, in code. Private to
// storage.
//
// Keys are fixed-width and big-endian: byte order is id order, and id order is time order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/tls/aead.h"
#include "storage/byte_codec.h"
#include "storage/records.h"

namespace ringpost::storage {

inline constexpr uint32_t kFormatVersion = 1;  // of the whole store, in `meta`

inline constexpr size_t kMessageKeyBytes = 16;
inline constexpr size_t kIndexedKeyBytes = 20;
inline constexpr size_t kOutboxKeyBytes = 8;

// id | index: rows of `rcpt` (recipient) and `body` (chunk).
inline std::array<char, kIndexedKeyBytes> IndexedKey(const MessageId& id, uint32_t index) {
  std::array<char, kIndexedKeyBytes> key;
  ByteWriter out(key.data());
  out.Raw(id.key());
  out.U32(index);
  return key;
}
inline std::array<char, kOutboxKeyBytes> OutboxKey(uint64_t sequence) {
  std::array<char, kOutboxKeyBytes> key;
  ByteWriter(key.data()).U64(sequence);
  return key;
}
// kMetaOriginPrefix (database.h), id: 17 bytes, so that no repair takes it for a message's own row.
std::string OriginKey(const MessageId& id);
template <size_t N>
std::string_view View(const std::array<char, N>& bytes) {
  return {bytes.data(), N};
}

// A message's key, wrapped by the key of `epoch`.
struct WrappedKey {
  uint32_t epoch = 0;
  std::array<char, tls::kWrappedKeyBytes> bytes{};
};

// Value of `key`: format byte, epoch, wrapped key. Also the middle of an envelope row.
inline constexpr size_t kKeyRowBytes = 1 + 4 + tls::kWrappedKeyBytes;
std::string EncodeKeyRow(const WrappedKey& key);
StatusOr<WrappedKey> DecodeKeyRow(std::string_view bytes);

// Value of `envelope`: format byte, incarnation (which opening of the store wrote it), the wrapped
// key, then the envelope record of records.h.
struct EnvelopeRow {
  uint32_t incarnation = 0;
  WrappedKey key;
  std::string_view record;  // points into the row
};
inline constexpr size_t kEnvelopeRowHeadBytes = 1 + 4 + 4 + tls::kWrappedKeyBytes;
void WriteEnvelopeRowHead(uint32_t incarnation, const WrappedKey& key, ByteWriter& out);
StatusOr<EnvelopeRow> DecodeEnvelopeRow(std::string_view bytes);

// Value of `outbox`: format byte, count, then length and event record of each: the events of one
// group.
inline constexpr size_t kOutboxRowHeadBytes = 1 + 4;
void WriteOutboxRowHead(uint32_t events, ByteWriter& out);
StatusOr<std::vector<StoredEvent>> DecodeOutboxRow(std::string_view bytes);

// What the sealing of a body chunk is bound to, and its nonce. One key seals one message, so the
// chunk number never repeats under a key.
std::array<char, kIndexedKeyBytes> ChunkContext(const MessageId& id, uint32_t chunk);
std::array<uint8_t, tls::kNonceBytes> ChunkNonce(uint32_t chunk);
// What the wrapping of a message's key is bound to.
std::array<char, kIndexedKeyBytes> KeyContext(const MessageId& id, uint32_t epoch);

// Reads the id and the index out of a key of `rcpt` or `body`; nothing where it is not 20 bytes.
struct IndexedId {
  MessageId id;
  uint32_t index = 0;
};
std::optional<IndexedId> ParseIndexedKey(std::string_view key);

}  // namespace ringpost::storage
