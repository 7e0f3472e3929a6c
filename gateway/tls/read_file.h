// Reading the files of certificates, keys and passwords, whole and bounded.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/status.h"

namespace ringpost::tls {

// Anything but a regular file of at most `bytes_max` bytes is an error that names it.
StatusOr<std::string> ReadPublicFile(const std::string& path, size_t bytes_max);
// The same, and an error where others could read it, or group or others write it, or where it
// belongs to somebody who is neither root nor us. Group may read: that is how a key is lent to a
// service that is not root. `what` it is, for the words of an error. The caller wipes it; moved, it
// leaves no copy behind.
StatusOr<std::string> ReadSecretFile(const std::string& path, size_t bytes_max,
                                     std::string_view what = "private key");

}  // namespace ringpost::tls
