#include "storage/log_format.h"

#include <algorithm>
#include <optional>

#include "storage/crc32c.h"

namespace ringpost::storage {
namespace {

constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kHeadBytes = 7;
enum Type : uint8_t { kNone = 0, kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

uint32_t Little(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

struct Fragment {
  Type type = kNone;
  std::string_view payload;
  size_t size() const { return kHeadBytes + payload.size(); }
};

// The fragment at the front of `bytes`, where one reads there.
std::optional<Fragment> FragmentAt(std::string_view bytes) {
  if (bytes.size() < kHeadBytes) return std::nullopt;
  size_t size = Little(bytes.substr(4, 2));
  auto type = static_cast<uint8_t>(bytes[6]);
  if (type < kFull || type > kLast || size > bytes.size() - kHeadBytes) return std::nullopt;
  if (MaskedCrc32c(bytes.substr(6, 1 + size)) != Little(bytes.substr(0, 4))) return std::nullopt;
  return Fragment{static_cast<Type>(type), bytes.substr(kHeadBytes, size)};
}

bool AllZeros(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Puts fragments together again.
class Assembler {
 public:
  explicit Assembler(const std::function<void(const LogRecord&)>& emit) : emit_(emit) {}

  void Take(const Fragment& fragment) {
    if (fragment.type == kFull || fragment.type == kFirst) {
      record_.whole = false;  // the one before it, if any, has not come to its end
      Emit();
      record_.whole = true;
      begun_ = true;
    } else if (!begun_) {
      begun_ = true;  // its first part was in a gap
    }
    (record_.whole ? record_.head : record_.tail).append(fragment.payload);
    if (fragment.type == kFull || fragment.type == kLast) Emit();
  }
  void Gap() {
    record_.whole = false;
    record_.tail.clear();  // it does not reach to the end
  }
  void Finish() {
    if (!record_.whole) Emit();
  }

 private:
  void Emit() {
    if (begun_) emit_(record_);
    begun_ = false;
    record_ = LogRecord();
  }

  const std::function<void(const LogRecord&)>& emit_;
  LogRecord record_;
  bool begun_ = false;
};

}  // namespace

void ReadLog(std::string_view log, const std::function<void(const LogRecord&)>& on_record,
             const std::function<void(const LogGap&)>& on_gap) {
  Assembler assembler(on_record);
  for (size_t start = 0; start < log.size(); start += kBlockBytes) {
    std::string_view block = log.substr(start, kBlockBytes);
    size_t at = 0, gap = 0;  // from `gap` to `at` nothing reads
    auto end_gap = [&] {
      std::string_view bytes = block.substr(gap, at - gap);
      if (AllZeros(bytes)) return;
      assembler.Gap();
      on_gap({start + gap, bytes});
    };
    while (at < block.size() && !AllZeros(block.substr(at))) {
      std::optional<Fragment> fragment = FragmentAt(block.substr(at));
      if (!fragment) {
        ++at;  // what damaged it may have hit its size: the next one is looked for
        continue;
      }
      end_gap();
      assembler.Take(*fragment);
      gap = at += fragment->size();
    }
    at = block.size();
    end_gap();
  }
  assembler.Finish();
}

void LogWriter::Add(std::string_view record) {
  bool first = true;
  do {
    size_t left = kBlockBytes - bytes_.size() % kBlockBytes;
    if (left < kHeadBytes) {
      bytes_.append(left, '\0');
      left = kBlockBytes;
    }
    std::string_view payload = record.substr(0, left - kHeadBytes);
    record.remove_prefix(payload.size());
    Type type = first ? (record.empty() ? kFull : kFirst) : (record.empty() ? kLast : kMiddle);
    std::string typed(1, static_cast<char>(type));
    typed.append(payload);
    uint32_t crc = MaskedCrc32c(typed);
    for (int i = 0; i < 4; ++i) bytes_ += static_cast<char>(crc >> (8 * i));
    for (int i = 0; i < 2; ++i) bytes_ += static_cast<char>(payload.size() >> (8 * i));
    bytes_.append(typed);
    first = false;
  } while (!record.empty());
}

}  // namespace ringpost::storage
