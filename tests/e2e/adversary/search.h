// The searches: every window of 32 bytes as a key, every window of 60 bytes as a wrapped key, and
// sealed bodies by how they begin. Each goes over all bytes of all sources, on every processor.
//
// Left out are windows in which no byte has its highest bit set: zeros, text. A random key is one
// of these with a probability of 2^-32.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/adversary/evidence.h"

namespace adversary {

// What a window opens if it is the right key.
struct Targets {
  // 32 sealed bytes, of which the tag says whether a key is theirs.
  struct Box {
    std::string name;
    std::string associated;  // at most two blocks
    std::string wrapped;
  };
  std::vector<Box> boxes;
  // The first sealed block of each body.
  std::vector<std::string> bodies;
  std::string prefix;  // how each body begins: one block
};

struct Hit {
  size_t source = 0;
  uint64_t offset = 0;
  bool body = false;  // else a box
  size_t target = 0;  // index among the bodies or boxes
  Key key{};
};

struct SearchResult {
  std::vector<Hit> hits;
  uint64_t windows = 0;  // all
  uint64_t tried = 0;    // less those that no key can be
};

// Every window as a key against every target.
SearchResult SearchKeys(const std::vector<Source>& sources, const Targets& targets);

// Every window as a message's key wrapped by this epoch key: hits' `target` is the message.
SearchResult SearchWrapped(const std::vector<Source>& sources, const Key& epoch_key, uint32_t epoch,
                           const std::vector<Message>& messages);

// The first sealed block of a body under this key.
std::string SealedPrefix(const Key& key, std::string_view prefix);

// The first chunk of a message's body, found by its first block, taken out of a log, a blob file or
// a memtable, and opened. Nothing: it is nowhere, or nowhere whole.
std::optional<Chunk> FindChunk(const std::vector<Source>& sources, size_t message_index,
                               const Message& message, const Key& key, std::string_view prefix,
                               std::string* plain, std::string* where);

// Opens a chunk that was found before.
bool OpenChunk(const Chunk& chunk, const Message& message, const Key& key, std::string* plain);

// Where `text` stands in the source.
std::vector<uint64_t> FindText(const Source& source, std::string_view text);

}  // namespace adversary
