// What shards go by of who may send: handed to each of them, whole, after a change.
//
// Threads: plain data; what it points to is immutable, but for the keys, which any may ask.
#pragma once

#include <memory>

#include "gateway/identity/directory.h"
#include "gateway/mail/return_paths.h"
#include "gateway/mail/sender_domains.h"
#include "gateway/session/signing_keys.h"

namespace ringpost::app {

struct IdentityView {
  std::shared_ptr<const identity::Directory> directory;
  std::shared_ptr<const mail::SenderDomains> domains;
  std::shared_ptr<session::SigningKeys> keys;
  std::shared_ptr<const mail::ReturnPaths> return_paths;  // null: there is no zone to have any in
  bool operator==(const IdentityView&) const = default;   // the very same
};

}  // namespace ringpost::app
