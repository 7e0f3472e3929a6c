// Bounds of names, answers, updates and questions, with what happens at each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::dns::limits {

// --- Names and records
// Bytes of a label, and of a name as text without a dot at its end (RFC 1035 section 2.3.4: 255 on
// the wire); longer is no name.
inline constexpr size_t kLabelBytesMax = 63;
// As above.
inline constexpr size_t kNameBytesMax = 253;
// A character-string (RFC 1035 section 3.3); a longer text is cut into several.
inline constexpr size_t kCharacterStringBytesMax = 255;
// The text of a TXT record; longer is refused. An RSA key of 4096 bits takes 730.
inline constexpr size_t kTextBytesMax = 4096;
// How long others may keep a record (RFC 2181 section 8 has 31 bits; a week is what any zone of
// ours may want). Outside: refused.
inline constexpr uint32_t kTtlSecondsMax = 7 * 86'400;

// --- Answers
// Records of one section of a message; more: it is malformed for us.
inline constexpr size_t kSectionRecordsMax = 512;
// Pointers followed in one name (RFC 1035 section 4.1.4): each goes backwards, so loops are none;
// more than labels can need: malformed.
inline constexpr size_t kNamePointersMax = 128;
// Aliases followed from the name that was asked; more: the answer counts as a failure.
inline constexpr size_t kAliasesMax = 16;
// Why an answer is bogus, of the resolver's words; the rest is cut off.
inline constexpr size_t kWordsBytesMax = 300;

// --- Questions
// From the question to its answer; later: a failure, and nothing is known.
inline constexpr uint32_t kAskMillisDefault = 15'000;
// Questions that are asked together; more: one after the other.
inline constexpr size_t kQuestionsAtOnceMax = 64;
// Questions of one AsyncResolver at once; one more is answered with a failure. Less than the
// library has room for, which has questions of its own on the way to an answer.
inline constexpr size_t kQuestionsInFlightMax = 1000;
// Lookups for delivery by MX that are open at once, in work or waiting to be; one more is answered
// at once, as a failure.
inline constexpr size_t kMailLookupsOpenMax = 20'000;
// Sockets and questions in work that the library may have at once, and its caches.
inline constexpr uint32_t kResolverSocketsMax = 1024;
// As above.
inline constexpr uint32_t kResolverQuestionsMax = 1024;
// How long a server that did not answer is left alone, and how long "there is none" is believed: a
// customer who has just published a record does not wait for longer.
inline constexpr uint32_t kServerForgetSeconds = 60;
// As above.
inline constexpr uint32_t kNegativeCacheSecondsMax = 300;

// --- Exchangers
// Hosts of a domain that are kept; of more, the best. Big domains have five or six.
inline constexpr size_t kExchangersMax = 32;
// For how long what the DNS says of a domain's mail is good: the records' lifetime, but no less and
// no more than this.
inline constexpr uint32_t kExchangersTtlMin = 60;
// As above.
inline constexpr uint32_t kExchangersTtlMax = 86'400;
// As above, for failures.
inline constexpr uint32_t kExchangersFailureSeconds = 60;

// --- MTA-STS
// The id of an edition of a policy (RFC 8461 section 3.1); longer is malformed.
inline constexpr size_t kStsIdBytesMax = 32;
// As above, the name of a field (sections 3.1 and 3.2).
inline constexpr size_t kStsFieldNameBytesMax = 32;
// A policy as it is served (RFC 8461 section 3.3); longer is none.
inline constexpr size_t kStsPolicyBytesMax = 65'536;
// Patterns of one policy; more: it is none. The biggest providers have ten.
inline constexpr size_t kStsPatternsMax = 200;
// How long a policy may be kept (RFC 8461 section 3.2: a year); what says longer is kept so long.
inline constexpr uint32_t kStsMaxAgeSecondsMax = 31'557'600;
// Mail waits for a policy that is fetched for so long; then it goes by what is known.
inline constexpr uint32_t kStsWaitMillis = 15'000;
// Policies that a shard keeps, of the domains that it sends to; at one more all are forgotten, and
// found again when their domains are asked for.
inline constexpr size_t kStsPoliciesPerShardMax = 65'536;

// --- DANE
// TLSA records of a host that are gone by; of more, the first. Of a host's certificates one record
// each is published, and another while it is changed.
inline constexpr size_t kTlsaRecordsMax = 64;
// A whole certificate or key in one of them; longer: the record cannot be used.
inline constexpr size_t kTlsaDataBytesMax = 16'384;
// Questions for a host's TLSA records, after those for its addresses: the alias's security, or the
// end of its aliases, and the host itself. There are no more.
inline constexpr size_t kDaneQuestionsMax = 2;
// For how long what was found is good: the records' lifetime, but no less and no more than this.
inline constexpr uint32_t kDaneTtlMin = 60;
// As above.
inline constexpr uint32_t kDaneTtlMax = 86'400;

// --- Updates and zones
// Records of one zone file, and of one update; more: refused. 50,000 domains have 350,000.
inline constexpr size_t kZoneRecordsMax = 2'000'000;
// As above.
inline constexpr size_t kUpdateRecordsMax = 500;
// One message over TCP (RFC 1035 section 4.2.2: two bytes say how long).
inline constexpr size_t kMessageBytesMax = 65'535;
// A key of TSIG (RFC 8945); shorter or longer: refused.
inline constexpr size_t kTsigKeyBytesMin = 16;
// As above.
inline constexpr size_t kTsigKeyBytesMax = 128;
// How far the clocks of both may be apart (RFC 8945 section 10 recommends 300).
inline constexpr uint32_t kTsigFudgeSeconds = 300;
// An update from the connection to its answer; later: a failure, and it may have been carried out.
inline constexpr uint32_t kUpdateMillisMax = 20'000;

}  // namespace ringpost::dns::limits
