// PasswordRecord: what is stored of a password. One record serves PLAIN, LOGIN and SCRAM-SHA-256
// (RFC 5802 section 3, RFC 7677): who reads it can neither say the password nor log in with it.
//
// It is not the credential: whose it is, and whether that one may log in now, is not in here.
//
// A name that nobody has gets a record all the same, from UnknownNames: what is answered, asked and
// computed is then the same as for a wrong password, and which names there are is not told.
//
// Make and Verify take the iterations' time (tens of milliseconds): a worker's, never a shard's.
// CheckProof and the rest take microseconds.
//
// Threads: a record is a value, UnknownNames immutable.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/tls/aead.h"
#include "gateway/tls/password_hash.h"

namespace ringpost::identity {

inline constexpr size_t kPasswordSaltBytes = 16;
using PasswordSalt = std::array<uint8_t, kPasswordSaltBytes>;
// version (1), iterations (4, big-endian), salt (16), StoredKey (32), ServerKey (32).
inline constexpr size_t kPasswordRecordBytes = 1 + 4 + kPasswordSaltBytes + 32 + 32;
using PasswordRecordBytes = std::array<char, kPasswordRecordBytes>;

// Printable ASCII: what a password can be (password_choice.h says why).
bool IsPasswordText(std::string_view text);

struct PasswordRecord {
  // `iterations` is within limits::kPasswordIterationsMin and Max.
  static PasswordRecord Make(std::string_view password, const PasswordSalt& salt,
                             uint32_t iterations);
  // With a salt of its own.
  static PasswordRecord Make(std::string_view password);

  PasswordRecordBytes Encode() const;
  // Nothing where that is no record, of another version, or its iterations are out of bounds.
  static std::optional<PasswordRecord> Decode(std::string_view bytes);

  // PLAIN and LOGIN. Costs the same whether or not it is right, whatever `password` holds.
  bool Verify(std::string_view password) const;

  // SCRAM: the client's proof of `auth_message` (RFC 5802 section 3). True: it knows the password,
  // and `*server_signature` is what shows that we do.
  bool CheckProof(std::string_view auth_message, std::string_view proof,
                  tls::Digest* server_signature) const;

  bool operator==(const PasswordRecord&) const = default;

  uint32_t iterations = limits::kPasswordIterationsDefault;
  PasswordSalt salt{};
  tls::Digest stored_key{};
  tls::Digest server_key{};
};

// The server's part of a SCRAM nonce: 144 random bits as text.
std::string MakeScramNonce();

// The records of names that nobody has: of each name always the same, so that SCRAM's salt does not
// tell them from others (RFC 5802 section 9). No password is right for one. Who is careful asks for
// it of each name, known ones too: then not even its microseconds tell. They show the iterations of
// new records: where those have changed since, older records differ from them. As everywhere, a
// name is the same in upper and lower case of ASCII.
class UnknownNames {
 public:
  // `secret` is the same in every process of a gateway, for as long as it lives.
  explicit UnknownNames(const tls::Key& secret) : secret_(tls::Key::From(secret.view())) {}
  PasswordRecord RecordOf(std::string_view name) const;

 private:
  tls::Key secret_;
};

}  // namespace ringpost::identity
