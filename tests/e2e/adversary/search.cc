// The two searches over all windows.
#include "tests/e2e/adversary/search.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

namespace adversary {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kPieceBytes = 1 << 20;  // what one thread takes at a time
constexpr size_t kHitsMax = 10'000;
constexpr uint8_t kFirstNonce[kNonceBytes] = {};  // of chunk 0

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

// No byte of these 32 has its highest bit set.
bool NoKey(const uint8_t* window) {
  return _mm_movemask_epi8(_mm_or_si128(Load(window), Load(window + kBlockBytes))) == 0;
}

bool ZeroPage(const uint8_t* page) {
  static const uint8_t zeros[kPageBytes] = {};
  return std::memcmp(page, zeros, kPageBytes) == 0;
}

// Calls try(source, offset, window) for each window of `width` bytes that may hold a key. Tries
// runs on all threads at once.
template <typename Try>
void ForEachWindow(const std::vector<Source>& sources, size_t width, SearchResult* result,
                   const Try& attempt) {
  struct Piece {
    size_t source;
    uint64_t begin, end;
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < sources.size(); ++i) {
    uint64_t windows = sources[i].bytes.size() + 1 - std::min(width, sources[i].bytes.size() + 1);
    result->windows += windows;
    for (uint64_t at = 0; at < windows; at += kPieceBytes) {
      pieces.push_back({i, at, std::min<uint64_t>(at + kPieceBytes, windows)});
    }
  }
  std::atomic<size_t> next{0};
  std::atomic<uint64_t> tried{0};
  auto work = [&] {
    uint64_t count = 0;
    for (size_t i; (i = next.fetch_add(1)) < pieces.size();) {
      const Piece& piece = pieces[i];
      const uint8_t* bytes = Bytes(sources[piece.source].bytes);
      for (uint64_t at = piece.begin; at < piece.end; ++at) {
        bool page = at % kPageBytes == 0 && at + kPageBytes <= piece.end;
        if (page && ZeroPage(bytes + at)) {
          at += kPageBytes - width;
        } else if (!NoKey(bytes + at)) {
          attempt(piece.source, at, bytes + at);
          ++count;
        }
      }
    }
    tried.fetch_add(count);
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) thread.join();
  result->tried = tried.load();
}

class Hits {
 public:
  explicit Hits(SearchResult* result) : result_(result) {}
  void Add(const Hit& hit) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (result_->hits.size() < kHitsMax) result_->hits.push_back(hit);
  }

 private:
  std::mutex mutex_;
  SearchResult* result_;
};

// A vector of __m128i itself would lose its alignment.
struct Block {
  __m128i bits;
};

// A box, made ready: what does not depend on the key.
struct ReadyBox {
  __m128i counter;        // of the tag
  __m128i associated[2];  // swapped; one or two blocks
  bool two = false;
  __m128i text[2];  // swapped
  __m128i lengths;
  __m128i tag;  // swapped

  explicit ReadyBox(const Targets::Box& box) {
    alignas(16) uint8_t padded[2 * kBlockBytes] = {};
    if (box.associated.size() > sizeof padded) Die("too much associated data");
    std::memcpy(padded, box.associated.data(), box.associated.size());
    const uint8_t* wrapped = Bytes(box.wrapped);
    counter = CounterBlock(wrapped, 1);
    for (size_t i = 0; i < 2; ++i) {
      associated[i] = Swap(Load(padded + i * kBlockBytes));
      text[i] = Swap(Load(wrapped + kNonceBytes + i * kBlockBytes));
    }
    two = box.associated.size() > kBlockBytes;
    lengths = Lengths(box.associated.size(), kKeyBytes);
    tag = Swap(Load(wrapped + kNonceBytes + kKeyBytes));
  }
  bool OpensUnder(const Schedule& key, __m128i hash_key) const {
    __m128i hash = Multiply(associated[0], hash_key);
    if (two) hash = Multiply(_mm_xor_si128(hash, associated[1]), hash_key);
    hash = Multiply(_mm_xor_si128(hash, text[0]), hash_key);
    hash = Multiply(_mm_xor_si128(hash, text[1]), hash_key);
    hash = Multiply(_mm_xor_si128(hash, lengths), hash_key);
    return Same(_mm_xor_si128(hash, Swap(key.Encrypt(counter))), tag);
  }
};

Key KeyAt(const uint8_t* window) {
  Key key;
  std::memcpy(key.data(), window, kKeyBytes);
  return key;
}

}  // namespace

SearchResult SearchKeys(const std::vector<Source>& sources, const Targets& targets) {
  SearchResult result;
  Hits hits(&result);
  std::vector<ReadyBox> boxes(targets.boxes.begin(), targets.boxes.end());
  // All bodies have the same nonce and begin alike: one block says whether the window is the key of
  // any of them.
  std::vector<Block> streams;
  for (const std::string& body : targets.bodies) {
    streams.push_back({_mm_xor_si128(Load(body.data()), Load(targets.prefix.data()))});
  }
  const __m128i body_counter = CounterBlock(kFirstNonce, 2);
  ForEachWindow(sources, kKeyBytes, &result,
                [&](size_t source, uint64_t offset, const uint8_t* window) {
                  Schedule key(window);
                  __m128i stream = key.Encrypt(body_counter);
                  for (size_t i = 0; i < streams.size(); ++i) {
                    if (Same(stream, streams[i].bits))
                      hits.Add({source, offset, true, i, KeyAt(window)});
                  }
                  __m128i hash_key = key.HashKey();
                  for (size_t i = 0; i < boxes.size(); ++i) {
                    if (boxes[i].OpensUnder(key, hash_key)) {
                      hits.Add({source, offset, false, i, KeyAt(window)});
                    }
                  }
                });
  return result;
}

// GHASH is linear: what the associated data (which message) and the lengths add is the same for all
// windows, and is worked out before.
SearchResult SearchWrapped(const std::vector<Source>& sources, const Key& epoch_key, uint32_t epoch,
                           const std::vector<Message>& messages) {
  SearchResult result;
  Hits hits(&result);
  Schedule key(epoch_key.data());
  __m128i hash_key = key.HashKey();
  __m128i squared = Multiply(hash_key, hash_key);
  __m128i cubed = Multiply(squared, hash_key);
  std::vector<Block> constants;
  for (const Message& message : messages) {
    std::string context = KeyContext(message, epoch);
    __m128i hash = Hash(_mm_setzero_si128(), hash_key, context);
    constants.push_back({_mm_xor_si128(Multiply(hash, cubed),
                                       Multiply(Lengths(context.size(), kKeyBytes), hash_key))});
  }
  ForEachWindow(
      sources, kWrappedBytes, &result, [&](size_t source, uint64_t offset, const uint8_t* window) {
        const uint8_t* text = window + kNonceBytes;
        __m128i sum =
            Swap(_mm_xor_si128(Load(text + kKeyBytes), key.Encrypt(CounterBlock(window, 1))));
        sum = _mm_xor_si128(sum, Multiply(Swap(Load(text)), cubed));
        sum = _mm_xor_si128(sum, Multiply(Swap(Load(text + kBlockBytes)), squared));
        for (size_t i = 0; i < constants.size(); ++i) {
          if (!Same(sum, constants[i].bits)) continue;
          std::string plain;
          std::string_view wrapped(reinterpret_cast<const char*>(window), kWrappedBytes);
          if (!Open(epoch_key, window, KeyContext(messages[i], epoch), wrapped.substr(kNonceBytes),
                    &plain)) {
            Die("a tag that fits and does not open");
          }
          hits.Add({source, offset, false, i, KeyAt(Bytes(plain))});
        }
      });
  return result;
}

}  // namespace adversary
