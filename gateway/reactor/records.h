// Kernel TLS as Io offers it: the names of its two directions, and what comes that is no data
// (Linux Documentation/networking/tls.rst).
#pragma once

#include <cstdint>
#include <string>

namespace ringpost::reactor {

enum class RecordSide : uint8_t { kReceive, kSend };

struct ControlRecord {
  int error = 0;  // -errno: there is none, or it cannot be had
  uint8_t type = 0;
  std::string bytes;  // plaintext
};

}  // namespace ringpost::reactor
