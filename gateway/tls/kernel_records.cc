#include "gateway/tls/kernel_records.h"

#include <arpa/inet.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/mem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace ringpost::tls {
namespace {

// In the order of RecordCipher.
constexpr const char* kNames[] = {"AES128-GCM", "AES256-GCM", "CHACHA20-POLY1305"};

void PutSequence(uint64_t sequence, unsigned char* out) {
  for (int i = 0; i < 8; ++i) out[i] = static_cast<unsigned char>(sequence >> (56 - 8 * i));
}

// GCM: four bytes that never change, and eight that TLS 1.2 writes into each record. Those count on
// from where BoringSSL, which puts the record's number there, left off.
template <typename Info>
void FillGcm(const RecordKeys& keys, Info* info) {
  std::memcpy(info->key, keys.key.data(), sizeof info->key);
  std::memcpy(info->salt, keys.iv.data(), sizeof info->salt);
  if (keys.tls13) {
    std::memcpy(info->iv, keys.iv.data() + sizeof info->salt, sizeof info->iv);
  } else {
    PutSequence(keys.sequence, info->iv);
  }
}

template <typename Info>
Info Head(const RecordKeys& keys, uint16_t cipher_type) {
  Info info{};
  info.info.version = keys.tls13 ? TLS_1_3_VERSION : TLS_1_2_VERSION;
  info.info.cipher_type = cipher_type;
  PutSequence(keys.sequence, info.rec_seq);
  return info;
}

// Both ends of a connection over loopback.
class LoopbackPair {
 public:
  LoopbackPair() {
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listening, generic, length) == 0 && listen(listening, 1) == 0 &&
        getsockname(listening, generic, &length) == 0 && connect(client_, generic, length) == 0) {
      server_ = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    }
    if (listening >= 0) close(listening);
  }
  ~LoopbackPair() {
    if (client_ >= 0) close(client_);
    if (server_ >= 0) close(server_);
  }
  bool ok() const { return server_ >= 0; }
  int client() const { return client_; }

 private:
  int client_ = -1;
  int server_ = -1;
};

// 0, or -errno.
int TryKeys(const RecordKeys& keys) {
  LoopbackPair pair;
  if (!pair.ok()) return -errno;
  KernelKeys kernel(keys);
  auto set = [&](int direction) {
    return setsockopt(pair.client(), SOL_TLS, direction, kernel.bytes().data(),
                      static_cast<socklen_t>(kernel.bytes().size()));
  };
  bool taken = setsockopt(pair.client(), IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") == 0 &&
               set(TLS_TX) == 0 && set(TLS_RX) == 0;
  return taken ? 0 : -errno;
}

}  // namespace

KernelKeys::KernelKeys(const RecordKeys& keys) {
  auto put = [this](auto& info) {
    static_assert(sizeof info <= sizeof bytes_);
    std::memcpy(bytes_, &info, sizeof info);
    size_ = sizeof info;
    OPENSSL_cleanse(&info, sizeof info);
  };
  switch (keys.cipher) {
    case RecordCipher::kAes128Gcm: {
      auto info = Head<tls12_crypto_info_aes_gcm_128>(keys, TLS_CIPHER_AES_GCM_128);
      FillGcm(keys, &info);
      put(info);
      return;
    }
    case RecordCipher::kAes256Gcm: {
      auto info = Head<tls12_crypto_info_aes_gcm_256>(keys, TLS_CIPHER_AES_GCM_256);
      FillGcm(keys, &info);
      put(info);
      return;
    }
    case RecordCipher::kChaCha20Poly1305: {
      auto info = Head<tls12_crypto_info_chacha20_poly1305>(keys, TLS_CIPHER_CHACHA20_POLY1305);
      std::memcpy(info.key, keys.key.data(), sizeof info.key);
      std::memcpy(info.iv, keys.iv.data(), sizeof info.iv);
      put(info);
      return;
    }
  }
}

KernelKeys::~KernelKeys() { OPENSSL_cleanse(bytes_, sizeof bytes_); }

std::string KernelRecordSupport::ToString() const {
  std::string words;
  for (size_t i = 0; i < kRecordCiphers; ++i) {
    bool new_version = Has(true, static_cast<RecordCipher>(i));
    bool old_version = Has(false, static_cast<RecordCipher>(i));
    if (!new_version && !old_version) continue;
    if (!words.empty()) words.push_back(' ');
    words.append(kNames[i]);
    if (new_version != old_version) words.append(new_version ? " (TLSv1.3)" : " (TLSv1.2)");
  }
  return words.empty() ? "none" : words;
}

KernelRecordSupport ProbeKernelRecords() {
  KernelRecordSupport support;
  for (bool tls13 : {false, true}) {
    for (size_t i = 0; i < kRecordCiphers; ++i) {
      RecordKeys keys;
      keys.tls13 = tls13;
      keys.cipher = static_cast<RecordCipher>(i);
      if (TryKeys(keys) == 0) support.Add(tls13, keys.cipher);
    }
  }
  return support;
}

KernelRecordRule KernelRecordRule::Make(Mode mode, KernelRecordSupport support) {
  KernelRecordRule rule;
  if (mode != Mode::kOn || support.empty()) return rule;
  rule.support = support;
  rule.send_from_bytes = rule.receive_from_bytes = 0;
  return rule;
}

}  // namespace ringpost::tls
