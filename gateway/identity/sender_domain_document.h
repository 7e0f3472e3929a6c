// A SenderDomain in an export, and what becomes of it where it is imported.
//
// It is the domain's record (sender_domain_json.h) but for what its last check found, with the name
// of its account in place of the number and, in an export with secrets, its private keys:
//
//   {..., "account":"acme", ..., "keys":{"SELECTOR":"PKCS #8 in base64"}}
//
// What the customer has published, leads to this document's labels and tokens: with them it stays
// right on another gateway with the same zone. With the keys what is on its way stays verifiable,
// too, and the first message is signed.
//
// Pure. Threads: functions over values. Keys are secret: the caller wipes them.
#pragma once

#include <cstddef>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/identity/records.h"
#include "gateway/identity/sender_domain.h"

namespace ringpost::identity {

// PKCS #8 of each slot, in their order; "": it has none, or it is not known.
using SlotKeys = std::vector<std::string>;

// The most that the keys of a domain take in its document.
inline constexpr size_t kDocumentKeysBytes = 8192;

// `keys`: empty, or one of each slot.
Json DomainDocument(const SenderDomain& domain, std::string_view account, const SlotKeys& keys);

struct DocumentedDomain {
  SenderDomain domain;  // its account 0
  std::string account;
  SlotKeys keys;  // one of each slot
};
// INVALID_ARGUMENT: in words, without anything of a key.
StatusOr<DocumentedDomain> ParseDomainDocument(const Json& record);

struct DomainImport {
  enum class What { kAdded, kChanged, kUnchanged };
  What what = What::kUnchanged;
  SenderDomain domain;
  SlotKeys keys;  // to be stored; "": what is there stays
};
// `there`: the gateway's own, of the same account; nothing: it has none. A new one is what the
// document says, to be checked at once; a slot whose key the document lacks gets another by
// rotation, and until then the domain is pending. One that is there already keeps its keys, which
// turn by themselves: of the document it takes slots of Ed25519, and whether these are wanted.
// FAILED_PRECONDITION: it is there with other labels; in words.
StatusOr<DomainImport> ImportDomain(const std::optional<SenderDomain>& there,
                                    const DocumentedDomain& document, uint32_t account,
                                    WallTime now);

}  // namespace ringpost::identity
