// A client that shakes hands as any does, by the library, and then writes records by hand, under
// the keys that were agreed: empty ones, alerts, KeyUpdates, whatever a library would not send.
#pragma once

#include <gtest/gtest.h>
#include <openssl/aead.h>
#include <openssl/hkdf.h>
#include <openssl/ssl.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/tls/tls_pair.h"

namespace ringpost::tls {

// RFC 8446 section 5.1.
enum class RecordType : uint8_t { kAlert = 21, kHandshake = 22, kData = 23 };

class RecordForger {
 public:
  // `version`: TLS1_2_VERSION or TLS1_3_VERSION. `in_place`: how the server opens.
  RecordForger(std::shared_ptr<const ServerContext> server, uint16_t version, bool in_place = false)
      : version_(version) {
    server_.in_place = in_place;
    server_.connection = Connection::Accept(std::move(server));
    context_.reset(SSL_CTX_new(TLS_method()));
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_strict_cipher_list(context_.get(), "ECDHE-ECDSA-AES128-GCM-SHA256");
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_connect_state(ssl_.get());
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    while (SSL_do_handshake(ssl_.get()) != 1 && Carry()) {
    }
    Carry();
    EXPECT_TRUE(SSL_is_init_finished(ssl_.get()) && server_.secured);
    TakeKeys();
  }

  Side& server() { return server_; }

  // Seals a record and feeds it to the server, `step` bytes at a time. Under TLS 1.3 its type is
  // the inner one, and padding may stand behind it.
  void Send(RecordType type, std::string_view content, size_t padding = 0, size_t step = SIZE_MAX) {
    server_.Feed(Seal(type, content, padding), step);
  }
  void Alert(uint8_t level, uint8_t description) {
    Send(RecordType::kAlert,
         std::string({static_cast<char>(level), static_cast<char>(description)}));
  }
  // RFC 8446 section 4.6.3; the keys that follow it are used from then on.
  void KeyUpdate(bool requested) {
    Send(RecordType::kHandshake, std::string({24, 0, 0, 1, static_cast<char>(requested)}));
    secret_ = Expand("traffic upd", secret_.size());
    UseSecret();
  }

 private:
  bool Carry() {
    std::string there = Drain(SSL_get_wbio(ssl_.get()));
    if (!there.empty()) server_.Feed(there);
    std::string back = server_.Take();
    BIO_write(SSL_get_rbio(ssl_.get()), back.data(), static_cast<int>(back.size()));
    return !there.empty() || !back.empty();
  }

  static std::string Drain(BIO* bio) {
    std::string bytes(BIO_pending(bio), '\0');
    if (!bytes.empty()) BIO_read(bio, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }

  // TLS 1.2's are AES-128-GCM's, as asked for (RFC 5288); TLS 1.3's are what the two chose.
  void TakeKeys() {
    if (version_ == TLS1_2_VERSION) {
      std::string block(SSL_get_key_block_len(ssl_.get()), '\0');
      EXPECT_EQ(block.size(), 40u);
      SSL_generate_key_block(ssl_.get(), Bytes(&block), block.size());
      Use(EVP_aead_aes_128_gcm(), block.substr(0, 16));
      iv_ = block.substr(32, 4);
      sequence_ = 1;  // Finished was 0
      return;
    }
    uint16_t cipher = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl_.get()));
    aead_ = cipher == 0x1301   ? EVP_aead_aes_128_gcm()
            : cipher == 0x1302 ? EVP_aead_aes_256_gcm()
                               : EVP_aead_chacha20_poly1305();
    digest_ = cipher == 0x1302 ? EVP_sha384() : EVP_sha256();
    bssl::Span<const uint8_t> read, write;
    EXPECT_TRUE(SSL_get_traffic_secrets(ssl_.get(), &read, &write));
    secret_.assign(reinterpret_cast<const char*>(write.data()), write.size());
    UseSecret();
  }

  void UseSecret() {
    Use(aead_, Expand("key", EVP_AEAD_key_length(aead_)));
    iv_ = Expand("iv", 12);
    sequence_ = 0;
  }

  void Use(const EVP_AEAD* aead, const std::string& key) {
    sealer_.Reset();
    EXPECT_TRUE(EVP_AEAD_CTX_init(sealer_.get(), aead, Bytes(key), key.size(),
                                  EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr));
  }

  // HKDF-Expand-Label without context (RFC 8446 section 7.1).
  std::string Expand(std::string_view label, size_t size) const {
    std::string info({static_cast<char>(size >> 8), static_cast<char>(size),
                      static_cast<char>(label.size() + 6)});
    info.append("tls13 ").append(label).push_back('\0');
    std::string out(size, '\0');
    EXPECT_TRUE(HKDF_expand(Bytes(&out), size, digest_, Bytes(secret_), secret_.size(), Bytes(info),
                            info.size()));
    return out;
  }

  std::string Seal(RecordType type, std::string_view content, size_t padding) {
    bool old = version_ == TLS1_2_VERSION;
    std::string inner(content), sequence = Number(sequence_++), nonce = iv_;
    if (old) {
      nonce += sequence;
    } else {
      inner.push_back(static_cast<char>(type));
      inner.append(padding, '\0');
      for (size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<char>(nonce[4 + i] ^ sequence[i]);
    }
    size_t tag = 16, on_wire = inner.size() + tag + (old ? 8 : 0);
    std::string header({static_cast<char>(old ? type : RecordType::kData), 3, 3});
    auto length = [](size_t size) {
      return std::string({static_cast<char>(size >> 8), static_cast<char>(size)});
    };
    std::string extra = old ? sequence + header + length(inner.size()) : header + length(on_wire);
    std::string sealed(inner.size() + tag, '\0');
    size_t written = 0;
    EXPECT_TRUE(EVP_AEAD_CTX_seal(sealer_.get(), Bytes(&sealed), &written, sealed.size(),
                                  Bytes(nonce), nonce.size(), Bytes(inner), inner.size(),
                                  Bytes(extra), extra.size()));
    return header + length(on_wire) + (old ? sequence : "") + sealed;
  }

  static std::string Number(uint64_t value) {
    std::string bytes(8, '\0');
    for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (56 - 8 * i));
    return bytes;
  }
  static const uint8_t* Bytes(const std::string& text) {
    return reinterpret_cast<const uint8_t*>(text.data());
  }
  static uint8_t* Bytes(std::string* text) { return reinterpret_cast<uint8_t*>(text->data()); }

  uint16_t version_;
  Side server_;
  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<SSL> ssl_;
  bssl::ScopedEVP_AEAD_CTX sealer_;
  const EVP_AEAD* aead_ = nullptr;
  const EVP_MD* digest_ = nullptr;
  std::string secret_, iv_;
  uint64_t sequence_ = 0;
};

}  // namespace ringpost::tls
