// Reads the mail of a store whose device, files and memory it has been given: the adversary of
// test_body_gone.py. It knows storage/FORMAT.md and shares no code with the gateway.
//
//   adversary --source NAME=FILE ... --prefix TEXT --message NAME=ID ... [--text NAME=TEXT ...]
//             --bodies FOLDER [--load FILE] [--save FILE]
//
// It tries every window of 32 bytes of all sources as the store's key, as an epoch's and as a
// message's, unwraps with what it has found what it can find wrapped, and writes each body it opens
// (its first chunk) to FOLDER/NAME. Each --text is looked for in clear. --save keeps sealed bodies
// and wrapped message keys for another run, which --load reads. What it did goes to standard
// output, a line of JSON each.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>

#include "tests/e2e/adversary/evidence.h"
#include "tests/e2e/adversary/search.h"

namespace adversary {
namespace {

constexpr uint32_t kSlots = 8;
constexpr size_t kPlacesShown = 5;

struct Options {
  std::vector<Source> sources;
  std::vector<Message> messages;
  std::vector<std::pair<std::string, std::string>> texts;  // name, text
  std::string prefix, bodies, load, save;
};

std::string FromHexId(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  if (bytes.size() != 16) Die("an id is 32 hexadecimal digits, not " + text);
  return bytes;
}

Options ReadOptions(int count, char** words) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    std::string option = words[i], value = words[i + 1];
    size_t equals = value.find('=');
    std::string name = value.substr(0, equals);
    if (option == "--source") {
      options.sources.push_back(MapFile(name, value.substr(equals + 1)));
    } else if (option == "--message") {
      options.messages.push_back({name, FromHexId(value.substr(equals + 1))});
    } else if (option == "--text") {
      options.texts.emplace_back(name, value.substr(equals + 1));
    } else if (option == "--prefix") {
      options.prefix = value;
    } else if (option == "--bodies") {
      options.bodies = value;
    } else if (option == "--load") {
      options.load = value;
    } else if (option == "--save") {
      options.save = value;
    } else {
      Die("no such option: " + option);
    }
  }
  if (options.prefix.size() != kBlockBytes) Die("--prefix takes 16 bytes");
  if (options.sources.empty() || options.messages.empty()) Die("nothing to look for");
  return options;
}

class Adversary {
 public:
  explicit Adversary(Options options) : options_(std::move(options)) {
    if (!options_.load.empty()) evidence_.Load(options_.load, options_.messages);
    for (const Source& source : options_.sources) CollectSlots(source, &evidence_.slots);
  }

  void Run() {
    // Each round may find what the next one can use; the last one found nothing new.
    size_t known = SIZE_MAX;
    while (Known() != known) {
      known = Known();
      TryWindows();
      OpenSlots();
      for (const auto& [epoch, key] : evidence_.epoch_keys) FindWrapped(epoch, key);
      FindBodies();
    }
    OpenBodies();
    FindTexts();
    if (!options_.save.empty()) evidence_.Save(options_.save, options_.messages);
  }

 private:
  size_t Known() const {
    return evidence_.wrapped.size() + evidence_.chunks.size() + evidence_.store_keys.size() +
           evidence_.epoch_keys.size() + evidence_.message_keys.size();
  }
  const std::string& NameOf(size_t message) const { return options_.messages[message].name; }

  // All slots are wrapped by the one store key, and all keys of an epoch by that epoch's: one of
  // each is enough to know the key by.
  Targets MakeTargets() {
    Targets targets;
    targets.prefix = options_.prefix;
    box_epochs_.clear();
    for (const Slot& slot : evidence_.slots) {
      if (!slot.number || !targets.boxes.empty()) continue;
      targets.boxes.push_back({"store key", SlotContext(*slot.number, slot), slot.wrapped});
      box_epochs_.push_back(0);
    }
    std::set<uint32_t> epochs;
    for (const WrappedKey& key : evidence_.wrapped) {
      if (!epochs.insert(key.epoch).second) continue;
      targets.boxes.push_back({"key of epoch " + std::to_string(key.epoch),
                               KeyContext(options_.messages[key.message], key.epoch), key.bytes});
      box_epochs_.push_back(key.epoch);
    }
    for (const Chunk& chunk : evidence_.chunks) {
      targets.bodies.push_back(chunk.sealed.substr(0, kBlockBytes));
    }
    return targets;
  }

  void TryWindows() {
    Targets targets = MakeTargets();
    auto start = std::chrono::steady_clock::now();
    SearchResult result = SearchKeys(options_.sources, targets);
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf(
        "{\"did\":\"windows\",\"windows\":%llu,\"tried\":%llu,\"boxes\":%zu,\"bodies\":%zu,"
        "\"seconds\":%.2f}\n",
        static_cast<unsigned long long>(result.windows),
        static_cast<unsigned long long>(result.tried), targets.boxes.size(), targets.bodies.size(),
        seconds.count());
    for (const Hit& hit : result.hits) {
      std::string what;
      if (hit.body) {
        size_t message = evidence_.chunks[hit.target].message;
        evidence_.message_keys[message] = hit.key;
        what = "key of message " + NameOf(message);
      } else if (uint32_t epoch = box_epochs_[hit.target]) {
        evidence_.epoch_keys[epoch] = hit.key;
        what = targets.boxes[hit.target].name;
      } else {
        AddStoreKey(hit.key);
        what = "store key";
      }
      std::printf("{\"did\":\"found\",\"what\":\"%s\",\"source\":\"%s\",\"offset\":%llu}\n",
                  what.c_str(), options_.sources[hit.source].name.c_str(),
                  static_cast<unsigned long long>(hit.offset));
    }
  }

  void AddStoreKey(const Key& key) {
    for (const Key& known : evidence_.store_keys) {
      if (known == key) return;
    }
    evidence_.store_keys.push_back(key);
  }

  void OpenSlots() {
    for (const Slot& slot : evidence_.slots) {
      for (const Key& store_key : evidence_.store_keys) {
        for (uint32_t number = 0; number < kSlots; ++number) {
          std::string plain;
          const auto* nonce = reinterpret_cast<const uint8_t*>(slot.wrapped.data());
          if (!Open(store_key, nonce, SlotContext(number, slot),
                    std::string_view(slot.wrapped).substr(kNonceBytes), &plain)) {
            continue;
          }
          bool fresh = !evidence_.epoch_keys.contains(slot.epoch);
          std::copy(plain.begin(), plain.end(), evidence_.epoch_keys[slot.epoch].begin());
          if (fresh) {
            std::printf("{\"did\":\"unwrapped\",\"what\":\"key of epoch %u\",\"slot\":%u}\n",
                        slot.epoch, number);
          }
        }
      }
    }
  }

  void FindWrapped(uint32_t epoch, const Key& key) {
    if (!epochs_searched_.insert(epoch).second) return;
    SearchResult result = SearchWrapped(options_.sources, key, epoch, options_.messages);
    for (const WrappedKey& wrapped : evidence_.wrapped) {
      if (wrapped.epoch == epoch) Unwrap(wrapped, key);
    }
    std::set<std::string> seen;
    for (const Hit& hit : result.hits) {
      std::string bytes(options_.sources[hit.source].bytes.substr(hit.offset, kWrappedBytes));
      evidence_.message_keys[hit.target] = hit.key;
      if (!seen.insert(bytes).second) continue;
      evidence_.wrapped.push_back({hit.target, epoch, bytes});
      std::printf("{\"did\":\"unwrapped\",\"what\":\"key of message %s\",\"epoch\":%u}\n",
                  NameOf(hit.target).c_str(), epoch);
    }
  }

  void Unwrap(const WrappedKey& wrapped, const Key& epoch_key) {
    std::string plain;
    const auto* nonce = reinterpret_cast<const uint8_t*>(wrapped.bytes.data());
    if (!Open(epoch_key, nonce, KeyContext(options_.messages[wrapped.message], wrapped.epoch),
              std::string_view(wrapped.bytes).substr(kNonceBytes), &plain)) {
      return;
    }
    std::copy(plain.begin(), plain.end(), evidence_.message_keys[wrapped.message].begin());
  }

  // What was kept from before is not looked for again: the strongest adversary has it.
  void FindBodies() {
    for (const auto& [message, key] : evidence_.message_keys) {
      bool have = false;
      for (const Chunk& chunk : evidence_.chunks) have |= chunk.message == message;
      if (have) continue;
      std::string plain, where;
      auto chunk = FindChunk(options_.sources, message, options_.messages[message], key,
                             options_.prefix, &plain, &where);
      if (!chunk) continue;
      std::printf("{\"did\":\"sealed body\",\"message\":\"%s\",\"source\":\"%s\",\"bytes\":%zu}\n",
                  NameOf(message).c_str(), where.c_str(), chunk->sealed.size());
      evidence_.chunks.push_back(*std::move(chunk));
    }
  }

  void OpenBodies() {
    for (const Chunk& chunk : evidence_.chunks) {
      auto key = evidence_.message_keys.find(chunk.message);
      std::string plain;
      if (key == evidence_.message_keys.end() ||
          !OpenChunk(chunk, options_.messages[chunk.message], key->second, &plain)) {
        continue;
      }
      std::ofstream(options_.bodies + "/" + NameOf(chunk.message), std::ios::binary) << plain;
      std::printf("{\"did\":\"opened\",\"message\":\"%s\",\"bytes\":%zu}\n",
                  NameOf(chunk.message).c_str(), plain.size());
    }
  }

  void FindTexts() {
    for (const auto& [name, text] : options_.texts) {
      for (const Source& source : options_.sources) {
        std::vector<uint64_t> places = FindText(source, text);
        if (places.empty()) continue;
        std::printf(
            "{\"did\":\"clear\",\"what\":\"%s\",\"source\":\"%s\",\"count\":%zu,\"offsets\":[",
            name.c_str(), source.name.c_str(), places.size());
        for (size_t i = 0; i < places.size() && i < kPlacesShown; ++i) {
          std::printf("%s%llu", i ? "," : "", static_cast<unsigned long long>(places[i]));
        }
        std::printf("]}\n");
      }
    }
  }

  Options options_;
  Evidence evidence_;
  std::vector<uint32_t> box_epochs_;  // of the targets; 0: a slot
  std::set<uint32_t> epochs_searched_;
};

}  // namespace
}  // namespace adversary

int main(int count, char** words) {
  adversary::Adversary(adversary::ReadOptions(count, words)).Run();
  return 0;
}
