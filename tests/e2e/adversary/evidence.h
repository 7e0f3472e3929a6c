// What the adversary looks through (Source), what it is after (Message) and what it has found so
// far. The forms are those of storage/FORMAT.md. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/adversary/gcm.h"

namespace adversary {

// A file that is mapped to be read: an image of a device, of a process's memory, a key file.
struct Source {
  std::string name;
  std::string_view bytes;
};
// Ends the program where there is none.
Source MapFile(const std::string& name, const std::string& path);

// Known of a message: its id (the client was told) and how its body begins (all that are looked for
// begin alike).
struct Message {
  std::string name;
  std::string id;  // 16 bytes
};

// A slot of `epochs`, wherever it was found.
struct Slot {
  std::optional<uint32_t> number;  // where that is known: in the file itself
  uint32_t epoch = 0;
  std::string start;    // 8 bytes
  std::string wrapped;  // kWrappedBytes
};

struct WrappedKey {
  size_t message = 0;
  uint32_t epoch = 0;
  std::string bytes;  // kWrappedBytes
};

// The first sealed chunk of a body.
struct Chunk {
  size_t message = 0;
  std::string sealed;
};

struct Evidence {
  std::vector<Slot> slots;
  std::vector<WrappedKey> wrapped;
  std::vector<Chunk> chunks;
  std::vector<Key> store_keys;
  std::map<uint32_t, Key> epoch_keys;
  std::map<size_t, Key> message_keys;

  // Sealed bodies and wrapped message keys, kept from one look at the machine to the next: what
  // somebody could have copied while the message was queued. Not slots and not keys: with a copy of
  // a slot and the store's key everything opens, and nobody promises otherwise.
  void Save(const std::string& path, const std::vector<Message>& messages) const;
  void Load(const std::string& path, const std::vector<Message>& messages);
};

std::string BigEndian(uint64_t number, size_t bytes);
uint64_t FromBigEndian(std::string_view bytes);

// Associated data of the three sealings.
std::string SlotContext(uint32_t number, const Slot& slot);
std::string KeyContext(const Message& message, uint32_t epoch);
std::string ChunkContext(const Message& message, uint32_t chunk);

// Blocks that look like a slot in use. The source that is called "epochs" is the file itself.
void CollectSlots(const Source& source, std::vector<Slot>* slots);

[[noreturn]] void Die(const std::string& words);

}  // namespace adversary
