// SenderDomain: a domain of a customer that mail may come from, what its owner publishes for that,
// and what we publish for it.
//
// The owner publishes aliases (CNAME) once, each to a name of that domain alone in the operator's
// zone: one for the return path (SPF is aligned by it: RFC 7208, RFC 9989), two for DKIM, A and B
// (RFC 6376), and two more where Ed25519 (RFC 8463) is wanted. Keys, hosts and regions change in
// the operator's zone only, so keys turn with nobody's help (key_rotation.h).
//
// Labels and tokens are random letters and digits, of no fixed length: nothing tells whose product
// it is, which names are one customer's, or what another's would be.
//
// Plain data; private keys and their texts are not in it. As JSON: sender_domain_json.h. What DNS
// shows of it: domain_check.h.
//
// Threads: values and functions; any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/dns/record.h"
#include "gateway/tls/dkim_key.h"

namespace ringpost::identity {

enum class KeySlot : uint8_t { kA, kB };

// The life of a key. Of one kind at most one is active.
enum class KeyState : uint8_t {
  kNone,     // none was made yet, or the last one is gone
  kWaiting,  // published, and not seen in DNS yet under the customer's name
  kStandby,  // seen; the next one
  kActive,   // signs
  kRetired,  // signs no more; stays published while mail is on its way
};

// A selector of the domain, and the key that is behind it now.
struct DkimSlot {
  tls::DkimKey::Kind kind = tls::DkimKey::Kind::kRsa;
  KeySlot slot = KeySlot::kA;
  std::string selector;  // <selector>._domainkey.<domain> is the customer's alias
  std::string token;     // <token>.dkim.<operator's zone> is what it leads to
  KeyState state = KeyState::kNone;
  WallTime since;           // of that state
  WallTime until;           // kRetired: so long it stays published
  uint32_t generation = 0;  // which key of this slot: counts those that were made

  bool operator==(const DkimSlot&) const = default;
};

enum class DnsState : uint8_t { kPending, kVerified, kBroken };

struct SenderDomain {
  std::string name;  // A-labels in lower case (smtp/idna.h)
  uint32_t account = 0;
  WallTime created;
  std::string return_path_label;  // <label>.<domain>, an alias
  std::string return_path_token;  // of <token>.rp.<operator's zone>
  bool ed25519_wanted = false;
  std::vector<DkimSlot> slots;  // RSA A and B; Ed25519 A and B, where wanted or not yet gone

  DnsState dns = DnsState::kPending;
  WallTime dns_since;   // of that state
  WallTime last_check;  // the epoch: none yet
  WallTime next_check;
  std::vector<std::string> words;   // what the last check found: one sentence each
  std::vector<std::string> advice;  // what it found beside: the state is none of its business

  bool operator==(const SenderDomain&) const = default;
};

// With new labels and tokens, no keys, to be checked at once. INVALID_ARGUMENT: `name`, in any
// spelling, is no domain that can send (host names of two labels at least, not too long for the
// names below it).
StatusOr<SenderDomain> NewSenderDomain(std::string_view name, uint32_t account, bool ed25519_wanted,
                                       WallTime now);
// Adds the slots that are missing where it is wanted now; key_rotation.h lets go of the others.
void WantEd25519(SenderDomain* domain, bool wanted, WallTime now);
// What is too long, too much or there already is cut off, or left out.
void AddSentence(std::string sentence, std::vector<std::string>* sentences);
// INVALID_ARGUMENT: a member that NewSenderDomain, rotation and checks would not make; in words.
Status CheckSenderDomain(const SenderDomain& domain);

std::string ReturnPathName(const SenderDomain& domain);
std::string SelectorName(const SenderDomain& domain, const DkimSlot& slot);
std::string ReturnPathTarget(const SenderDomain& domain, std::string_view operator_zone);
std::string KeyTarget(const DkimSlot& slot, std::string_view operator_zone);

// What the customer publishes.
struct RecordToPublish {
  std::string owner;
  dns::RecordType type = dns::RecordType::kCname;
  std::string value;
  std::string why;       // a sentence
  bool required = true;  // it is not verified without
  int slot = -1;         // in SenderDomain::slots; -1: the return path

  bool operator==(const RecordToPublish&) const = default;
};
std::vector<RecordToPublish> RecordsToPublish(const SenderDomain& domain,
                                              std::string_view operator_zone);

// Where bounces of a region go, and who may send with its return paths.
struct RegionMail {
  struct Exchange {
    uint16_t preference = 10;
    std::string host;
  };
  std::vector<Exchange> exchanges;
  std::string spf;                 // "v=spf1 ip4:192.0.2.0/24 -all"
  std::vector<IpAddress> sources;  // its mail leaves from here; empty: not known
};

// What the operator's zone has of it. `key_texts`: the TXT record of each slot's key, in their
// order; "" where it has none, or is not known. A slot of kNone publishes nothing.
std::vector<dns::Record> ZoneRecords(const SenderDomain& domain, std::string_view operator_zone,
                                     std::span<const std::string> key_texts,
                                     const RegionMail& region, uint32_t ttl_seconds);

}  // namespace ringpost::identity
