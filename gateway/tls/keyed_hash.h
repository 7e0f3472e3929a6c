// KeyedHash: a hash for tables that a peer must not be able to fill at one place. SipHash-2-4
// (Aumasson and Bernstein, 2012) with a key of its own from the system: who does not know the key
// cannot tell which inputs meet, and inputs that are alike meet no more often than others.
//
// It is no digest: 64 bits, and another key in every process.
//
// Threads: any, once constructed.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringpost::tls {

class KeyedHash {
 public:
  KeyedHash();
  uint64_t operator()(std::string_view bytes) const;

 private:
  uint64_t key_[2];
};

}  // namespace ringpost::tls
