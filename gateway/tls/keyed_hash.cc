#include "gateway/tls/keyed_hash.h"

#include <openssl/siphash.h>

#include "gateway/tls/aead.h"

namespace ringpost::tls {

KeyedHash::KeyedHash() { RandomBytes({reinterpret_cast<uint8_t*>(key_), sizeof key_}); }

uint64_t KeyedHash::operator()(std::string_view bytes) const {
  return SIPHASH_24(key_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace ringpost::tls
