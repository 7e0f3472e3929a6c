#include "tests/e2e/adversary/evidence.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace adversary {
namespace {

constexpr size_t kSlotBytes = 4096;
constexpr size_t kSlotUsedBytes = 1 + 4 + 8 + kWrappedBytes;

std::string Hex(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<uint8_t>(c));
    text += two;
  }
  return text;
}

std::string FromHex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

}  // namespace

void Die(const std::string& words) {
  std::fprintf(stderr, "adversary: %s\n", words.c_str());
  std::exit(2);
}

Source MapFile(const std::string& name, const std::string& path) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about{};
  if (file < 0 || fstat(file, &about) != 0 || about.st_size == 0) Die("nothing to read: " + path);
  auto bytes = static_cast<size_t>(about.st_size);
  void* memory = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  if (memory == MAP_FAILED) Die("cannot map " + path);
  return {name, {static_cast<const char*>(memory), bytes}};
}

std::string BigEndian(uint64_t number, size_t bytes) {
  std::string text;
  for (size_t i = bytes; i-- > 0;) text += static_cast<char>(number >> (8 * i));
  return text;
}

uint64_t FromBigEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (char c : bytes) number = number << 8 | static_cast<uint8_t>(c);
  return number;
}

std::string SlotContext(uint32_t number, const Slot& slot) {
  return BigEndian(number, 4) + BigEndian(slot.epoch, 4) + slot.start;
}

std::string KeyContext(const Message& message, uint32_t epoch) {
  return message.id + BigEndian(epoch, 4);
}

std::string ChunkContext(const Message& message, uint32_t chunk) {
  return message.id + BigEndian(chunk, 4);
}

void CollectSlots(const Source& source, std::vector<Slot>* slots) {
  for (size_t at = 0; at + kSlotBytes <= source.bytes.size(); at += kSlotBytes) {
    std::string_view block = source.bytes.substr(at, kSlotBytes);
    if (block[0] != 1) continue;
    std::string_view rest = block.substr(kSlotUsedBytes);
    if (std::any_of(rest.begin(), rest.end(), [](char c) { return c != 0; })) continue;
    Slot slot;
    if (source.name == "epochs") slot.number = static_cast<uint32_t>(at / kSlotBytes);
    slot.epoch = static_cast<uint32_t>(FromBigEndian(block.substr(1, 4)));
    slot.start = block.substr(5, 8);
    slot.wrapped = block.substr(13, kWrappedBytes);
    slots->push_back(std::move(slot));
  }
}

void Evidence::Save(const std::string& path, const std::vector<Message>& messages) const {
  std::ofstream out(path);
  for (const WrappedKey& key : wrapped) {
    out << "key " << key.epoch << ' ' << Hex(key.bytes) << ' ' << messages[key.message].name
        << '\n';
  }
  for (const Chunk& chunk : chunks) {
    out << "chunk 0 " << Hex(chunk.sealed) << ' ' << messages[chunk.message].name << '\n';
  }
  if (!out.flush()) Die("cannot write " + path);
}

void Evidence::Load(const std::string& path, const std::vector<Message>& messages) {
  std::ifstream in(path);
  std::string kind, name, hex;
  uint32_t epoch = 0;
  while (in >> kind >> epoch >> hex && std::getline(in >> std::ws, name)) {
    auto found = std::find_if(messages.begin(), messages.end(),
                              [&](const Message& message) { return message.name == name; });
    if (found == messages.end()) continue;
    auto index = static_cast<size_t>(found - messages.begin());
    if (kind == "key") {
      wrapped.push_back({index, epoch, FromHex(hex)});
    } else {
      chunks.push_back({index, FromHex(hex)});
    }
  }
  if (wrapped.empty() || chunks.empty()) Die("nothing was kept in " + path);
}

}  // namespace adversary
