// The second part of limits.h, which includes it: who may send.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::limits {

// --- Who may send
// Of a user's or an API key's name; longer is no name.
inline constexpr size_t kCredentialNameBytesMax = 256;
// Credentials of one gateway; more is refused.
inline constexpr size_t kCredentialsMax = 10'000'000;
// Entries of one restrict list; more is refused.
inline constexpr size_t kListEntriesMax = 100'000;

// --- AUTH of clients
// What a client may say for itself: kAuthUserBytesMax and kAuthSecretBytesMax; longer: 501 5.5.2. A
// line of the exchange is bounded as a command line is, which holds the longest PLAIN message of
// those, in base64; longer: 500 5.5.6. RFC 4954 section 4 asks for no more.
// AUTH commands of one session; the next: 421 4.7.0 and close. A client that falls back from
// SCRAM-SHA-256 to PLAIN to LOGIN needs three.
inline constexpr uint32_t kAuthTriesMax = 5;
// A SCRAM client's nonce; longer: 501 5.5.2.
inline constexpr size_t kAuthNonceBytesMax = 256;
// PBKDF2 iterations of a password's record: of new ones; of ones that are read, which are refused
// outside of these (RFC 7677 section 4 asks for at least 4096; what is far more would hold a worker
// for seconds). decisions/051 says why the first.
inline constexpr uint32_t kPasswordIterationsDefault = 100'000;
inline constexpr uint32_t kPasswordIterationsMin = 4096;
inline constexpr uint32_t kPasswordIterationsMax = 10'000'000;
// A password that somebody chose; outside: it is not taken. How many different characters it has.
inline constexpr size_t kPasswordBytesMin = 12;
inline constexpr size_t kPasswordBytesMax = 128;
inline constexpr size_t kPasswordDistinctBytesMin = 5;
// Passwords that were right lately, remembered by each shard, and for how long; more: the one that
// ends first is forgotten and costs its iterations again.
inline constexpr size_t kVerifiedLoginsMax = 4096;
inline constexpr uint32_t kVerifiedLoginSeconds = 300;
// Logins that failed: as many are free of delay of one name from one address, of one address, of
// one name; behind them each try waits twice as long as the one before, up to the last figures (the
// name's own is short: strangers make it).
inline constexpr uint32_t kLoginFailuresFreePerPair = 5;
inline constexpr uint32_t kLoginFailuresFreePerAddress = 20;
inline constexpr uint32_t kLoginFailuresFreePerName = 100;
inline constexpr uint32_t kLoginDelaySecondsFirst = 2;
inline constexpr uint32_t kLoginDelaySecondsMax = 900;
inline constexpr uint32_t kLoginNameDelaySecondsMax = 60;
// A count of failures halves in this time without one.
inline constexpr uint32_t kLoginFailuresHalveSeconds = 7200;
// An address that a name has logged in from is known to be good for it this long.
inline constexpr uint32_t kLoginGoodSeconds = 30 * 86'400;
// Names, addresses, pairs, good pairs that each shard counts, of each; more: the one that was quiet
// the longest, of a few, is forgotten.
inline constexpr size_t kLoginEntriesMax = 4096;

// Passwords that workers may be about to verify, and their threads; more: 454 4.7.0.
inline constexpr size_t kPasswordJobsMax = 128;
inline constexpr uint32_t kPasswordThreads = 1;
// How far that thread gives way to the shards (nice(2)): guesses by the hundred must not delay mail,
// and where processors are short it still has a tenth of one.
inline constexpr int kPasswordNice = 10;
// Passwords from one address that a shard has verified at once; more wait for their turn.
inline constexpr uint32_t kPasswordJobsPerAddressMax = 4;
// Records of passwords that each shard has at hand; more: the one that came first is read again
// when it is needed.
inline constexpr size_t kPasswordRecordsKeptMax = 4096;

// --- Accounts and credentials
// The name of an account; a description; longer: refused.
inline constexpr size_t kAccountNameBytesMax = 64;
inline constexpr size_t kDescriptionBytesMax = 200;
// Records of one request that changes them; more: refused. Who has more sends several.
inline constexpr size_t kIdentityRecordsMax = 1000;
// Names that a dry run may take for accounts that are there; more: refused.
inline constexpr size_t kAssumedAccountsMax = 10'000;
// A region's and an egress pool's name in a record; the period of a rate; beyond: refused.
inline constexpr size_t kRegionNameBytesMax = 64;
inline constexpr size_t kPoolNameBytesMax = 64;
inline constexpr uint32_t kRatePeriodSecondsMax = 31 * 86'400;
// Servers, hosts and stubs that [dns] and a region may name, of each; an SPF record there.
inline constexpr size_t kDnsServersMax = 16;
inline constexpr size_t kSpfBytesMax = 450;
// Requests that wait for those before them; more: refused, and to be sent again.
inline constexpr size_t kIdentityRequestsMax = 64;
// Rates that can be owed to at once, nearly; beyond, one is not counted, and mail passes.
inline constexpr size_t kRatePlaces = 1 << 16;
// Credentials and accounts with a quota that send in one month; credentials that send in two days,
// for the brake; of each, nearly. Beyond, one is not counted, and mail passes
// (limits_not_counted_total).
inline constexpr size_t kQuotaPlaces = 1 << 18;
inline constexpr size_t kOutcomePlaces = 1 << 16;
// How often what was counted is written to the control store, and so how much a kill can lose; how
// many places one record there holds.
inline constexpr uint32_t kCountsSaveSeconds = 10;
inline constexpr size_t kCountsPlacesPerRecord = 1024;
// How often the brake looks.
inline constexpr uint32_t kBrakeLookMillis = 1000;
// Days of a ramp; more: refused. As it doubles, far fewer than these reach any figure.
inline constexpr uint32_t kRampDaysMax = 60;
// Domains that are asked about at once.
inline constexpr size_t kDomainChecksAtOnce = 8;
// How long records of the operator's zone may be kept; what we tell customers for theirs.
inline constexpr uint32_t kZoneTtlSeconds = 300;
inline constexpr uint32_t kCustomerTtlSeconds = 3600;

// --- Links that verify an address
// Characters of a link's token, of five random bits each: 160 bits. What is longer or shorter is no
// token, and is answered without a look.
inline constexpr size_t kLinkTokenBytes = 32;
// A link with its scheme, host and port; it is made of parts that are shorter.
inline constexpr size_t kLinkUrlBytesMax = 512;
// How long a link is good, and how long it is then known why it no longer is; later it is unknown.
inline constexpr uint32_t kLinkSeconds = 7 * 86'400;
inline constexpr uint32_t kLinkKeptSeconds = 30 * 86'400;
// Between two links to one address, whoever's sender it is, and links to it in 24 hours; sooner, or
// more: the command is refused with when it is time, and nothing is sent.
inline constexpr uint32_t kLinkPauseSeconds = 5 * 60;
inline constexpr size_t kLinksOfAddressPerDay = 5;
// How long the store may take for a link's mail; longer: the command is told that it is not known
// whether the mail goes out.
inline constexpr uint32_t kLinkMailSeconds = 10;
// Links that web clients have asked about and that are being looked up; more: 503. From one client
// address (of IPv6: one /64), in this time: the next is 429.
inline constexpr uint32_t kLinkLookupsMax = 16;
inline constexpr uint32_t kLinkLookupsOfClientMax = 30;
inline constexpr uint32_t kLinkLookupsOfClientSeconds = 60;
// Client addresses that can owe something of that rate at once, nearly; beyond, one is not counted.
inline constexpr size_t kLinkClientPlaces = 1 << 12;

// --- Return paths
// What is kept of a message that is over, so that its bounces find its sender: this long from when
// it came. A return path is believed for 35 days from the attempt (mail/return_path.h), and the
// queue keeps a message for 5 by default; bounces of mail that waited longer may be refused sooner.
inline constexpr uint32_t kOriginKeptSeconds = 40 * 86'400;
// Bounces of one message: so many in this time, and as many at once; the next: 450 4.7.1, and it is
// taken when its time has come. One message to many recipients has many.
inline constexpr uint32_t kBouncesOfMessageMax = 100;
inline constexpr uint32_t kBouncesOfMessageSeconds = 86'400;

// --- DKIM
// RSA keys to sign with (RFC 8301 section 3.2: signers at least 2048, verifiers know up to 4096);
// others are refused where they are parsed, as is a private key (DER) that is longer than this.
inline constexpr int kDkimRsaKeyBitsMin = 2048;
inline constexpr int kDkimRsaKeyBitsMax = 4096;
inline constexpr size_t kDkimKeyBytesMax = 4096;
// Of so many domains keys are kept ready to sign (5 KiB each); another's are read anew (0.2 ms).
inline constexpr size_t kSigningDomainsCached = 4096;
// Header fields that one signature covers; a message with more of those that ought to be covered is
// not signed.
inline constexpr size_t kDkimSignedFieldsMax = 128;
// Signatures that wait for a worker; more: the attempt is made later. They are bounded by the
// outbound connections besides.
inline constexpr size_t kSignatureJobsMax = 16'384;
// How far those workers give way to the shards (nice(2)): half a millisecond of RSA on a shard's
// processor is half a millisecond of everybody's 250.
inline constexpr int kSignersNice = 10;
// The name a key is published under, "selector._domainkey.domain" (RFC 1035 section 2.3.4: 255 on
// the wire); a longer one is refused.
inline constexpr size_t kDkimKeyNameBytesMax = 253;

}  // namespace ringpost::limits
