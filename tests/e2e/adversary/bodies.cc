// Sealed bodies: where they lie and what is in them.
#include <algorithm>
#include <cstring>

#include "tests/e2e/adversary/search.h"

namespace adversary {
namespace {

constexpr uint8_t kFirstNonce[kNonceBytes] = {};
constexpr size_t kChunkPlainBytesMax = 1 << 20;
// A log's records are cut at blocks of this size, with a header in front of each piece.
constexpr size_t kLogBlockBytes = 32 << 10;
constexpr size_t kLogHeaderBytes = 7;
constexpr size_t kFileBlockBytes = 4 << 10;

// The length that stands in front of `at` as a varint of `width` bytes.
std::optional<size_t> LengthBefore(std::string_view bytes, size_t at, size_t width) {
  size_t length = 0;
  for (size_t i = 0; i < width; ++i) {
    auto byte = static_cast<uint8_t>(bytes[at - width + i]);
    bool more = (byte & 0x80) != 0;
    if (more != (i + 1 < width)) return std::nullopt;
    length |= size_t{byte & 0x7Fu} << (7 * i);
  }
  return length;
}

// How long the value at `at` may be: in a log or a memtable the length stands before it, and the
// key before that (in a memtable with eight bytes more); in a blob file the key is between.
std::vector<size_t> LengthsAt(std::string_view bytes, size_t at, std::string_view row_key) {
  std::vector<size_t> lengths;
  auto key_ends_at = [&](size_t end) {
    return end >= row_key.size() && bytes.substr(end - row_key.size(), row_key.size()) == row_key;
  };
  for (size_t width = 1; width <= 4 && width + 8 <= at; ++width) {
    std::optional<size_t> length = LengthBefore(bytes, at, width);
    if (length && (key_ends_at(at - width) || key_ends_at(at - width - 8))) {
      lengths.push_back(*length);
    }
  }
  constexpr size_t kBlobHeaderBytes = 32;  // little-endian: key size, value size, ...
  if (key_ends_at(at) && at >= row_key.size() + kBlobHeaderBytes) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at - row_key.size() - kBlobHeaderBytes + 8, sizeof length);
    lengths.push_back(length);
  }
  std::erase_if(lengths, [](size_t length) {
    return length < kTagBytes + kBlockBytes || length > kChunkPlainBytesMax + kTagBytes;
  });
  return lengths;
}

// `length` bytes from `at` on, without the headers of a log whose blocks begin at file block
// `phase`. Empty: they end before.
std::string WithoutLogHeaders(std::string_view bytes, size_t at, size_t length, size_t phase) {
  std::string value;
  while (value.size() < length) {
    size_t in_block = (at + kLogBlockBytes - phase * kFileBlockBytes) % kLogBlockBytes;
    if (in_block == 0) at += kLogHeaderBytes;
    size_t count = std::min(length - value.size(),
                            kLogBlockBytes - in_block - (in_block == 0 ? kLogHeaderBytes : 0));
    if (at + count > bytes.size()) return {};
    value.append(bytes.substr(at, count));
    at += count;
  }
  return value;
}

}  // namespace

std::string SealedPrefix(const Key& key, std::string_view prefix) {
  __m128i stream = Schedule(key.data()).Encrypt(CounterBlock(kFirstNonce, 2));
  std::string sealed(kBlockBytes, '\0');
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sealed.data()),
                   _mm_xor_si128(stream, Load(prefix.data())));
  return sealed;
}

bool OpenChunk(const Chunk& chunk, const Message& message, const Key& key, std::string* plain) {
  return Open(key, kFirstNonce, ChunkContext(message, 0), chunk.sealed, plain);
}

std::vector<uint64_t> FindText(const Source& source, std::string_view text) {
  std::vector<uint64_t> places;
  for (size_t at = 0;; at += 1) {
    const void* found =
        memmem(source.bytes.data() + at, source.bytes.size() - at, text.data(), text.size());
    if (!found) return places;
    at = static_cast<size_t>(static_cast<const char*>(found) - source.bytes.data());
    places.push_back(at);
  }
}

std::optional<Chunk> FindChunk(const std::vector<Source>& sources, size_t message_index,
                               const Message& message, const Key& key, std::string_view prefix,
                               std::string* plain, std::string* where) {
  std::string row_key = ChunkContext(message, 0);
  std::string begin = SealedPrefix(key, prefix);
  for (const Source& source : sources) {
    for (uint64_t at : FindText(source, begin)) {
      for (size_t length : LengthsAt(source.bytes, at, row_key)) {
        if (at + length > source.bytes.size()) continue;
        Chunk chunk{message_index, std::string(source.bytes.substr(at, length))};
        bool opens = OpenChunk(chunk, message, key, plain);
        for (size_t phase = 0; !opens && phase < kLogBlockBytes / kFileBlockBytes; ++phase) {
          chunk.sealed = WithoutLogHeaders(source.bytes, at, length, phase);
          opens = OpenChunk(chunk, message, key, plain);
        }
        if (!opens) continue;
        *where = source.name;
        return chunk;
      }
    }
  }
  return std::nullopt;
}

}  // namespace adversary
