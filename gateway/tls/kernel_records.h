// Kernel TLS: which records this kernel can make, the form in which it wants the keys, and when it
// is to be given them (Linux Documentation/networking/tls.rst; decisions/041-kernel-tls.md).
//
// The socket calls are reactor::Io's, and who moves a connection's records is
// session/secure_stream.h.
//
// Threads: values; ProbeKernelRecords opens sockets of its own and blocks for less than a
// millisecond.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "gateway/base/limits.h"
#include "gateway/tls/record_keys.h"

namespace ringpost::tls {

// The kernel's struct tls12_crypto_info_*; it wipes itself.
class KernelKeys {
 public:
  explicit KernelKeys(const RecordKeys& keys);
  ~KernelKeys();
  KernelKeys(const KernelKeys&) = delete;
  KernelKeys& operator=(const KernelKeys&) = delete;
  std::span<const std::byte> bytes() const { return {bytes_, size_}; }

 private:
  alignas(8) std::byte bytes_[64];
  size_t size_ = 0;
};

// Versions and ciphers that this kernel takes in both directions. Empty: it has no kernel TLS, or
// the module is not loaded, which is root's to do.
class KernelRecordSupport {
 public:
  bool Has(bool tls13, RecordCipher cipher) const { return bits_ >> Bit(tls13, cipher) & 1; }
  bool Has(const RecordKeys& keys) const { return Has(keys.tls13, keys.cipher); }
  void Add(bool tls13, RecordCipher cipher) {
    bits_ = static_cast<uint8_t>(bits_ | 1u << Bit(tls13, cipher));
  }
  bool empty() const { return bits_ == 0; }
  // "AES128-GCM AES256-GCM CHACHA20-POLY1305"; "none". One that only one version has is named with
  // it.
  std::string ToString() const;

 private:
  static unsigned Bit(bool tls13, RecordCipher cipher) {
    return static_cast<unsigned>(cipher) * 2 + (tls13 ? 1 : 0);
  }
  uint8_t bits_ = 0;
};

// Found by trying, on a connection to itself over loopback.
KernelRecordSupport ProbeKernelRecords();

// When the kernel takes over a direction of a connection: once so many bytes of mail have gone
// through it, at the next point where it can.
struct KernelRecordRule {
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  enum class Mode : uint8_t { kAuto, kOn, kOff };
  // Automatically is never: the kernel's records cost no less in either direction, by what was
  // counted (decisions/041-kernel-tls.md).
  static KernelRecordRule Make(Mode mode, KernelRecordSupport support);

  KernelRecordSupport support;
  uint64_t send_from_bytes = kNever;
  uint64_t receive_from_bytes = kNever;
  uint64_t records_max = limits::kKernelTlsRecordsMax;
};

}  // namespace ringpost::tls
