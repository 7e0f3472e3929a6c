// The store's key file: 32 random bytes, 0600, made once with the store.
#pragma once

#include <string>

#include "gateway/base/status.h"
#include "gateway/tls/aead.h"

namespace ringpost::storage {

// For a new store: makes the key and syncs it, unless one is there already.
Status EnsureStoreKey(const std::string& path);
// FAILED_PRECONDITION where the file is missing, of another size, or readable by others.
Status ReadStoreKey(const std::string& path, tls::Key* key);

}  // namespace ringpost::storage
