// Kernel TLS of a simulated ring. The reactor has no cryptography: a test brings the record layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::reactor {

// One direction's records, under the keys that the kernel was given.
class SimRecordLayer {
 public:
  struct Record {
    uint8_t type;
    std::string bytes;
  };
  virtual ~SimRecordLayer() = default;
  virtual std::string Seal(uint8_t type, std::string_view bytes) = 0;
  // A whole record; nothing: it does not open.
  virtual std::optional<Record> Open(std::string_view record) = 0;
};

struct SimKernelTls {
  using MakeLayer = std::function<std::unique_ptr<SimRecordLayer>(std::span<const std::byte> keys)>;

  MakeLayer make;  // none: this kernel has no kernel TLS
  // What the calls answer: 0, or -errno.
  int attach_error = 0;
  int receive_error = 0;
  int send_error = 0;
  // As Linux has it from 6.14 on: behind a KeyUpdate a receive ends with -EKEYEXPIRED. Else what
  // comes then is tried under the keys that there are.
  bool expires_keys = false;
};

// A socket's part of it.
struct SimSocketRecords {
  bool HasNews() const { return bad || expired || !opened.empty(); }

  bool attached = false;
  std::unique_ptr<SimRecordLayer> receives, sends;
  std::string sealed;  // came; not a whole record yet
  std::deque<SimRecordLayer::Record> opened;
  bool bad = false;      // one did not open
  bool expired = false;  // a KeyUpdate was taken, and keys expire
};

}  // namespace ringpost::reactor
