// VerifiedCache: passwords that were right lately, so that a client that logs in anew for each of
// its messages does not pay the iterations of each.
//
// No password is in it: an entry is the HMAC, under a key of this cache alone, of whose it is, of
// the record it was right for, and of the password. So a record that has changed is never met
// again, and a wrong password meets nothing: it is verified as if there were no cache. Whether the
// credential may log in at all, and LoginThrottle, are asked before, each time.
//
// SCRAM does not need it: there the client pays.
//
// Bounded by limits::kVerifiedLoginsMax and kVerifiedLoginSeconds (from the last verification, not
// from the last use). Takes 160 KiB.
//
// Threads: one shard's own.
#pragma once

#include <string_view>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/identity/password_record.h"
#include "gateway/tls/aead.h"
#include "gateway/tls/keyed_hash.h"

namespace ringpost::identity {

class VerifiedCache {
 public:
  VerifiedCache();

  // Whether `password` was right for the credential's `record`, as it is now, a short time ago.
  bool Knows(std::string_view credential, const PasswordRecord& record, std::string_view password,
             MonoTime now) const;
  // It was right just now: record.Verify(password) said so, of this very record.
  void Remember(std::string_view credential, const PasswordRecord& record,
                std::string_view password, MonoTime now);

 private:
  struct Entry {
    tls::Digest mark{};
    MonoTime until = MonoTime::min();
  };
  size_t BucketOf(std::string_view credential) const;
  tls::Digest MarkOf(std::string_view credential, const PasswordRecord& record,
                     std::string_view password) const;

  tls::Key key_ = tls::Key::Random();
  tls::KeyedHash hash_;
  std::vector<Entry> entries_;
};

}  // namespace ringpost::identity
