// A simulated kernel that makes TLS records: what it is given is read in the kernel's own form.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gateway/reactor/sim_records.h"
#include "gateway/tls/kernel_records.h"
#include "tests/unit/tls/records/record_layer.h"

namespace ringpost::session {

class SimLayer final : public reactor::SimRecordLayer {
 public:
  explicit SimLayer(const tls::RecordKeys& keys) : records_(keys) {}
  std::string Seal(uint8_t type, std::string_view bytes) override {
    return records_.Seal(type, bytes);
  }
  std::optional<Record> Open(std::string_view record) override {
    auto opened = records_.Open(record);
    if (!opened) return std::nullopt;
    return Record{opened->first, std::move(opened->second)};
  }

 private:
  tls::RecordLayer records_;
};

inline reactor::SimKernelTls SimKernel() {
  reactor::SimKernelTls kernel;
  kernel.make = [](std::span<const std::byte> bytes) -> std::unique_ptr<reactor::SimRecordLayer> {
    auto keys = tls::RecordLayer::FromKernel(bytes);
    if (!keys) return nullptr;
    return std::make_unique<SimLayer>(*keys);
  };
  return kernel;
}

inline tls::KernelRecordSupport EveryKernelCipher() {
  tls::KernelRecordSupport support;
  for (size_t i = 0; i < tls::kRecordCiphers; ++i) {
    support.Add(true, static_cast<tls::RecordCipher>(i));
    support.Add(false, static_cast<tls::RecordCipher>(i));
  }
  return support;
}

}  // namespace ringpost::session
