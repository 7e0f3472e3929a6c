// Every bound of the gateway, in one place, with its unit in its name and what happens at it.
//
// A bound that an operator can change is here as its default and its hard limits; the configuration
// reads them from here. Nothing else in the tree may hold a literal that bounds a queue, a buffer,
// a loop, a retry or a line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gateway/base/limits_identity.h"  // its second part: who may send

namespace ringpost::limits {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// --- SMTP lines and paths (RFC 5321 section 4.5.3.1)
// A path longer than this: 501 5.1.7 (sender) or 501 5.1.3 (recipient).
inline constexpr size_t kPathBytesMax = 256;
inline constexpr size_t kLocalPartBytesMax = 64;
inline constexpr size_t kDomainBytesMax = 255;
// A command line, CRLF included; extensions add to RFC 5321's 512 (SIZE, BODY, SMTPUTF8, DSN,
// AUTH). Longer: the rest of the line is dropped unread and the command answered 500 5.5.2.
inline constexpr size_t kCommandLineBytesMax = 4096;
// A reply line from a next hop, and how many lines one reply may have. Beyond either: the
// connection is closed and the attempt counts as a temporary failure.
inline constexpr size_t kReplyLineBytesMax = 2048;
inline constexpr size_t kReplyLinesMax = 128;
// How much of a remote's reply is kept in records, logs and bounces; the rest is cut off.
inline constexpr size_t kReplyTextKeptBytesMax = 512;
// A line of a reply of ours, CRLF included (RFC 5321 section 4.5.3.1.5); longer words are cut off.
inline constexpr size_t kReplyLineSentBytesMax = 512;
// The ENVID and ORCPT parameters as sent, in xtext (RFC 3461 sections 4.2 and 4.4). Longer:
// 501 5.5.4.
inline constexpr size_t kEnvidBytesMax = 100;
inline constexpr size_t kOrcptBytesMax = 500;
// A line of message text, CRLF included. Strict listeners refuse longer ones (554 5.6.0); others
// let them pass and count them.
inline constexpr size_t kTextLineBytesMax = 1000;

// --- SMTP sessions
// Recipients of one transaction (RFC 5321 asks for at least 100). The next one: 452 4.5.3.
inline constexpr uint32_t kRecipientsMaxDefault = 1000;
inline constexpr uint32_t kRecipientsMaxHard = 50'000;
// Of a stored message; it may have one more for an audit copy. A record with more is damaged.
inline constexpr uint32_t kStoredRecipientsMax = kRecipientsMaxHard + 1;
// Default message size; SIZE announces it. Larger: 552 5.3.4.
inline constexpr uint64_t kMessageBytesMaxDefault = 50 * kMiB;
inline constexpr uint64_t kMessageBytesMaxHard = 1024 * kMiB;
// One BDAT chunk; up to this it is read and dropped where the message may not come in. A client
// that announces more: 552 5.3.4 and close.
inline constexpr uint64_t kBdatChunkBytesMax = kMessageBytesMaxHard;
// Commands that were wrong (syntax, order), or did nothing, in one session since the last message
// that was queued; the next: 421 4.7.0 and close.
inline constexpr uint32_t kSessionErrorsMax = 20;
inline constexpr uint32_t kSessionJunkCommandsMax = 100;
// Received fields in a message before it is taken for a loop: 554 5.4.6.
inline constexpr uint32_t kReceivedFieldsMax = 50;
// The header section that is scanned for Date, Message-ID, Received. Beyond: scanned no further.
inline constexpr size_t kHeaderSectionBytesMax = 256 * kKiB;
// What is read of a message's From fields, together, and the addresses in them: more, and whom it
// is from cannot be said.
inline constexpr size_t kFromFieldBytesMax = 16 * kKiB;
inline constexpr size_t kFromAddressesMax = 100;
// Comments within comments; more, and it is no address.
inline constexpr uint32_t kCommentDepthMax = 16;

// --- TLS
// A handshake that takes longer, from the first byte to its end: the connection is closed.
inline constexpr uint32_t kTlsHandshakeSeconds = 30;
// Sealed bytes that wait at a connection's socket; more is sealed when these have left.
inline constexpr size_t kTlsSealedBytesMax = 256 * kKiB;
// Kernel TLS. Records that are made under one key outside the library, which counts its own: the
// connection then ends as after a KeyUpdate. AES-GCM is good for 2^24.5 full ones (RFC 8446
// section 5.5).
inline constexpr uint64_t kKernelTlsRecordsMax = uint64_t{1} << 23;
// What the peer may say behind the handshake that is no data, where the library does not read the
// records: messages and warning alerts without data between them (none is seen where the kernel
// reads), as many as the library itself takes, and bytes of one message; more ends the connection.
inline constexpr uint32_t kTlsControlMessagesMax = 32;
inline constexpr uint32_t kTlsWarningAlertsMax = 4;
inline constexpr size_t kTlsControlMessageBytesMax = 16 * kKiB;
// Plaintext of one record (RFC 8446 section 5.1); a longer one is an error to every reader.
inline constexpr size_t kTlsRecordBytesMax = 16 * kKiB;
// Of a record that is opened where it lies: a part in its middle that is smaller is copied together
// with what follows, so that a slow peer pins few receive buffers.
inline constexpr size_t kTlsRecordPartBytesMin = 4 * kKiB;
// Records without data, one after another; more ends the connection.
inline constexpr uint32_t kTlsEmptyRecordsMax = 32;
// A slab of this many bytes and its head is of jemalloc's largest small class (14 KiB). One for a
// whole record would be a run of pages by itself: under bodies of 100 KiB such runs left holes
// behind that nothing else fitted into, and the process grew by 50 MiB a second.
inline constexpr size_t kTlsSlabBytes = 14 * kKiB - 64;
// How long a session may be resumed, and how long a key seals its tickets; a key opens them for
// twice that again, and is gone then.
inline constexpr uint32_t kTlsSessionSeconds = 12 * 3600;
inline constexpr uint32_t kTicketKeySeconds = 6 * 3600;
// A file of certificates or a key; more is an error. Certificates of one chain beyond this many are
// not looked at.
inline constexpr size_t kTlsFileBytesMax = 1 * kMiB;
inline constexpr size_t kTlsChainCertificatesMax = 16;
// Peers whose sessions a client keeps, to resume them; beyond, some other peer's is forgotten.
inline constexpr size_t kTlsClientSessionsMax = 10'000;
// Certificates of one configuration; more is an error.
inline constexpr size_t kTlsCertificatesMax = 1000;
// An RSA key of a server with fewer bits is refused (RFC 9325 section 4.5).
inline constexpr int kTlsRsaKeyBitsMin = 2048;

// --- AUTH towards next hops
// A user's name, and a secret; longer: an error of the configuration. With both, base64 and CRLF
// stay far below RFC 4954's 12288 octets of a line.
inline constexpr size_t kAuthUserBytesMax = 255;
inline constexpr size_t kAuthSecretBytesMax = 1024;
// The AUTH command with its initial response, CRLF included (RFC 4954 section 4); where that is
// longer the response waits for the server's challenge.
inline constexpr size_t kAuthCommandLineBytesMax = 512;
// A next hop that refused our credentials is left alone this long by each shard: doubled per
// refusal, up to the second figure. A reload with another secret ends the rest.
inline constexpr uint32_t kAuthRefusedBackoffSeconds = 60;
inline constexpr uint32_t kAuthRefusedBackoffSecondsMax = 900;

// --- ACME
// Names a configuration may ask certificates for, each its own; more is an error.
inline constexpr size_t kAcmeNamesMax = 100;
// Answers to challenges that are held at once; one more fails its attempt.
inline constexpr size_t kAcmeChallengesMax = 256;
// One answer of a server, header fields included; longer: the attempt fails.
inline constexpr size_t kAcmeAnswerBytesMax = 256 * kKiB;
inline constexpr size_t kAcmeHeaderBytesMax = 16 * kKiB;
// A URL, a nonce or a token that a server gives; longer: the attempt fails.
inline constexpr size_t kAcmeUrlBytesMax = 2 * kKiB;
inline constexpr size_t kAcmeTokenBytesMax = 256;
// A directory's URL, which names records of the control store; longer: an error of the
// configuration.
inline constexpr size_t kAcmeDirectoryBytesMax = 400;
// How much of a server's words is kept for the log and the status.
inline constexpr size_t kAcmeWordsBytesMax = 500;
// Authorizations of one order, challenges of one authorization; more: the attempt fails.
inline constexpr size_t kAcmeAuthorizationsMax = 4;
inline constexpr size_t kAcmeOffersMax = 16;
// Requests of one attempt, all of one attempt, one request: beyond, it fails, also where the server
// says "processing" for ever.
inline constexpr uint32_t kAcmeRequestsMax = 200;
inline constexpr uint32_t kAcmeAttemptSeconds = 600;
inline constexpr uint32_t kAcmeRequestSeconds = 30;
// The same request again because the server did not like its nonce.
inline constexpr uint32_t kAcmeNonceTriesMax = 20;
// Waits between looks at an authorization or an order: the first, doubled up to the second; what
// the server asks for (Retry-After) within these too.
inline constexpr uint32_t kAcmePollMillisMin = 250;
inline constexpr uint32_t kAcmePollMillisMax = 15'000;
// After a failed attempt: the first wait, doubled with each failure up to the second; what the
// server asks for may be longer, up to the third.
inline constexpr uint32_t kAcmeRetrySeconds = 60;
inline constexpr uint32_t kAcmeRetrySecondsMax = 6 * 3600;
inline constexpr uint32_t kAcmeRetryAfterSecondsMax = 7 * 24 * 3600;
// Between two certificates for one name at least, however short the server makes their lifetime.
inline constexpr uint32_t kAcmeRenewSecondsMin = 10;

// --- The control store
// A key, a value; longer: INVALID_ARGUMENT.
inline constexpr size_t kControlKeyBytesMax = 512;
inline constexpr size_t kControlValueBytesMax = 4 * kMiB;

// --- SMTP client
// Commands, and bytes of commands, that may wait for their replies under PIPELINING (RFC 2920). At
// either the next command waits until half of them are answered: the output buffer of a transaction
// with many recipients stays small, and a server that answers before it reads on is never more than
// this behind.
inline constexpr uint32_t kPipelineCommandsMax = 128;
inline constexpr size_t kPipelineBytesMax = 16 * kKiB;
// From this size on a body goes out by BDAT where the next hop offers CHUNKING (see
// client_session.h).
inline constexpr uint64_t kBdatBytesMin = 64 * kKiB;
// Slices that dot-stuffing may add to one piece of a body; beyond, the rest of the piece is copied,
// so that a body made of dots cannot cost more in slices than in bytes.
inline constexpr size_t kStuffedSlicesMax = 256;

// --- MIME and reports
// What re-encoding walks (RFC 6152 section 3). Beyond any of these the structure counts as not
// simple, and the message is sent unchanged or refused 5.6.3.
inline constexpr uint32_t kMimeDepthMax = 8;
inline constexpr uint32_t kMimePartsMax = 256;
inline constexpr size_t kMimeHeaderBytesMax = 64 * kKiB;
inline constexpr size_t kReencodeBytesMax = 4 * kMiB;  // on the shard's own thread
// The most of a header section that a report returns; the rest is cut off at a line.
inline constexpr size_t kReportHeaderBytesMax = 64 * kKiB;

// --- Buffers
// A body up to this is gathered into one exact-size slab at end of data, which frees the ring's
// buffers.
inline constexpr size_t kGatherBytesMax = 16 * kKiB;
// One message pins at most this share of a shard's receive buffers; the rest goes to the store as
// chunks.
inline constexpr size_t kPinnedPoolShare = 64;
// A body chunk in the store.
inline constexpr size_t kBodyChunkBytesMax = 1 * kMiB;

// --- Reactor
// Parts gathered into one send; the rest goes with the next.
inline constexpr size_t kSendPartsMax = 64;
// Receive buffers that the kernel is offered at once; a burst beyond them is -ENOBUFS and received
// again.
inline constexpr uint32_t kBuffersOfferedMax = 1024;
// While less than this share of the pool is free, what is received is copied out of it at once.
inline constexpr uint32_t kPoolReserveShare = 4;
// The longest a loop sleeps with nothing due.
inline constexpr uint32_t kRingWaitSecondsMax = 60;
// Tries to hand requests to a kernel that is short of memory before the process gives up.
inline constexpr uint32_t kRingSubmitTriesMax = 10'000;
// A pause after accept failed for lack of descriptors or memory; meanwhile clients wait in the
// backlog.
inline constexpr uint32_t kAcceptRetryMillis = 100;
// Short writes (replies) are copied together into slabs of this size.
inline constexpr size_t kSendSlabBytes = 2 * kKiB;
// Empty send queues that a thread keeps for the next connection that writes; more are freed.
inline constexpr size_t kSendQueuesKeptMax = 64;

// --- Time-outs in seconds (RFC 5321 section 4.5.3.2)
inline constexpr uint32_t kServerCommandSeconds = 300;
inline constexpr uint32_t kClientGreetingSeconds = 300;
inline constexpr uint32_t kClientCommandSeconds = 300;
inline constexpr uint32_t kClientDataInitSeconds = 120;
inline constexpr uint32_t kClientDataBlockSeconds = 180;
inline constexpr uint32_t kClientFinalReplySeconds = 600;
inline constexpr uint32_t kClientConnectSeconds = 30;
// All of one outbound transaction, or of a connection up to its first: a next hop that answers each
// command just in time is not waited for longer. Temporary failure.
inline constexpr uint32_t kClientTransactionSecondsMax = 4 * 3600;
// The answer to QUIT; then the connection is closed without it.
inline constexpr uint32_t kClientQuitSeconds = 5;

// --- Inbound connections
// Open inbound connections of the process; the next: 421 4.7.0. Never more than the open-file limit
// allows.
inline constexpr uint32_t kConnectionsMaxDefault = 50'000;
inline constexpr uint32_t kConnectionsMaxHard = 1'000'000;
// ... of one client address (of IPv6: one /64), on all listeners together; the next: 421 4.7.0.
// 0: no limit.
inline constexpr uint32_t kConnectionsPerAddressMaxDefault = 0;
// Received bytes of one session that wait for an answer of ours before its stream is paused.
inline constexpr size_t kSessionBacklogBytesMax = 64 * kKiB;
// ... and in how many pieces they are kept before they are gathered into one.
inline constexpr size_t kBacklogSlicesMax = 64;
// Output of one session that the peer does not read before no more of its commands are looked at.
inline constexpr size_t kSessionUnsentBytesMax = 64 * kKiB;
// Chunk requests of one message in flight; at the bound the stream is paused.
inline constexpr uint32_t kChunksInFlightMax = 2;
// The slowest body that is waited for after kDataGraceSeconds; slower: 421 4.4.2.
inline constexpr uint32_t kDataBytesPerSecondMinDefault = 50;
inline constexpr uint32_t kDataGraceSeconds = 60;
// All of one transaction's data phase, whatever its rate; later: 421 4.4.2.
inline constexpr uint32_t kDataPhaseSecondsMax = 4 * 3600;
// A command line that does not end is dripped no longer than the command time-out, counted from its
// start.
inline constexpr uint32_t kCommandTimeoutSecondsHard = 3600;
// The greeting's delay on listeners that look for early talkers.
inline constexpr uint32_t kGreetDelayMillisMax = 30'000;
// The PROXY header must be whole by then.
inline constexpr uint32_t kProxyHeaderSeconds = 10;
inline constexpr size_t kProxyHeaderBytesMax = 536;
// How long a goodbye may wait for a peer that does not read.
inline constexpr uint32_t kGoodbyeSeconds = 5;
// After the goodbye of a session that we ended: how long the peer's last bytes are read and
// dropped, so that they do not reset the connection before the peer has read the reply.
inline constexpr uint32_t kLingerMillis = 1000;
// Messages of one shard and region between DATA and the store's answer; the next: 452 4.3.1.
inline constexpr uint32_t kMessagesInFlightMax = 16 * 1024;
// Connections above the limit that are told so (421); beyond, they are closed without a word.
inline constexpr uint32_t kRefusedConnectionsMax = 1000;
// Pieces of a body (dot-stuffed lines, small segments) that are kept apart before they are
// gathered.
inline constexpr size_t kBodyPiecesMax = 512;
// The least a message may pin of the receive buffers, however small the pool is.
inline constexpr size_t kPinnedBytesMin = 64 * kKiB;
// Share of the receive buffers in use (percent) above which bodies of any size are gathered at end
// of data.
inline constexpr uint32_t kPoolGatherPercent = 50;
// Share of the receive buffers in use (percent) above which new messages are answered 452 4.3.1;
// below what kPoolReserveShare keeps free, since from there on what is received is copied.
inline constexpr uint32_t kPoolPressurePercent = 70;

// --- HTTP
// How long the greeting of a listener that takes both waits in clear for a client of HTTP to speak
// first.
inline constexpr uint32_t kHttpFirstMillis = 300;
// Received bytes that go with a connection to the HTTP side; more: it is closed.
inline constexpr size_t kHandOverBytesMax = 256 * kKiB;
// Open HTTP connections, those on their way from the shards included, and of one client address (of
// IPv6: one /64); the next is closed without a word.
inline constexpr uint32_t kHttpConnectionsMax = 1000;
inline constexpr uint32_t kHttpConnectionsPerAddressMax = 100;
// A request's line and header fields; more: 431 and close. A body where none is taken, or more than
// this of a form: 413 and close.
inline constexpr size_t kHttpHeaderBytesMax = 8 * kKiB;
inline constexpr uint32_t kHttpFormBytesMax = 4 * kKiB;
// From the end of the request before (or the connection's beginning) to the end of the header.
// Later: the connection is closed.
inline constexpr uint32_t kHttpRequestSeconds = 30;
// A client that does not read its answer: the connection is closed.
inline constexpr uint32_t kHttpSendSeconds = 30;
// Requests of one connection; after the last the connection is closed.
inline constexpr uint32_t kHttpRequestsPerConnectionMax = 1000;
// What is waited for before an answer can be given: a look into the control store. Longer: 503.
inline constexpr uint32_t kHttpLookupSeconds = 10;
// What of a request's target a log line shows.
inline constexpr size_t kHttpTargetLoggedBytesMax = 256;

// --- Process
inline constexpr uint32_t kReceiveBufferBytes = 8 * kKiB;
inline constexpr uint32_t kReceiveBuffersDefault = 4096;  // per core; a power of two
inline constexpr uint32_t kReceiveBuffersMin = 64;
inline constexpr uint32_t kReceiveBuffersMax = 32'768;
inline constexpr uint32_t kCoresMax = 256;
inline constexpr uint32_t kListenersMax = 64;
inline constexpr uint32_t kRegionsMax = 16;
inline constexpr uint32_t kListenBacklog = 1024;
// How long a start asks again for ports that are taken, for all together. The kernel takes a killed
// daemon's rings apart after the process is gone, and they hold its listening sockets (seen for 0.1
// s).
inline constexpr uint32_t kListenRetryMillis = 2000;
inline constexpr uint32_t kDrainGraceSecondsDefault = 30;
inline constexpr uint32_t kDrainGraceSecondsMax = 3600;
// How long the last things in flight may take once a shard was told to end; then the process ends
// without them: what was acknowledged is on the disk.
inline constexpr uint32_t kStopSeconds = 5;
// Lines about routes that a start prints.
inline constexpr size_t kIntroductionLinesMax = 20;
// Memory in percent of the ceiling: above the first new mail is answered 452, above the second idle
// sessions are closed as well, above the third new connections are answered 421.
inline constexpr uint32_t kMemoryRefuseMailPercent = 85;
inline constexpr uint32_t kMemoryCloseIdlePercent = 90;
inline constexpr uint32_t kMemoryRefuseConnectionsPercent = 95;
inline constexpr uint64_t kMemoryCeilingBytesMin = 64 * kMiB;
// What is in use is looked at again before it could have reached the next of these (or the ceiling)
// by growing so fast, which is what was received of 100 KiB messages; within so many milliseconds.
inline constexpr uint64_t kMemoryGrowthBytesPerSecondMax = 512 * kMiB;
inline constexpr uint32_t kMemoryLookMillisMin = 20;
inline constexpr uint32_t kMemoryLookMillisMax = 1000;
// With less than this received and sent in so many seconds, memory that was freed is returned to
// the system; under more mail it is kept, for the mail that follows. Where at no time of these
// seconds less than so much for each region was kept, it was not wanted: all of it is returned.
inline constexpr uint64_t kQuietBytesMax = 16 * kMiB;
inline constexpr uint32_t kQuietSeconds = 30;
inline constexpr uint64_t kFreedBytesUnusedPerRegionMax = 32 * kMiB;

// --- Configuration file
inline constexpr size_t kConfigBytesMax = 4 * kMiB;
inline constexpr size_t kConfigErrorsMax = 100;
inline constexpr size_t kConfigNetworksMax = 1024;  // of one list
inline constexpr size_t kHttpNamesMax = 1000;       // of one listener
inline constexpr size_t kConfigRoutesMax = 100'000;
inline constexpr size_t kRetryStepsMax = 64;
// A message that is still queued then is bounced (RFC 5321 section 4.5.4.1: at least 4-5 days).
inline constexpr uint32_t kMessageLifetimeSecondsDefault = 5 * 24 * 3600;
inline constexpr uint32_t kMessageLifetimeSecondsMax = 30 * 24 * 3600;
// Messages of one outbound connection, as far as an operator may set it.
inline constexpr uint32_t kMessagesPerConnectionMaxHard = 1'000'000;
// A key this many edits (insert, delete, change, swap) from a known one is suggested in its place.
inline constexpr size_t kSuggestionEditsMax = 2;
// A value quoted in an error message is cut there.
inline constexpr size_t kConfigQuotedBytesMax = 80;

// --- Log files
// Memory between a thread that logs and the file. Full: lines are dropped, counted, and reported in
// the file.
inline constexpr size_t kLogRingBytes = 2 * kMiB;  // a power of two
inline constexpr size_t kLogRingsMax = 512;
// A longer line is dropped and counted.
inline constexpr size_t kLogLineBytesMax = 64 * kKiB;
// How often the writer looks while lines come, and how long it waits after a failed write.
inline constexpr uint32_t kLogPauseMillis = 20;
inline constexpr uint32_t kLogRetryMillis = 1000;

// --- Service manager
// Sockets taken from the manager, and descriptors in one message to it (the kernel's SCM_MAX_FD is
// 253). More: left out and named.
inline constexpr uint32_t kListenFdsMax = 4096;
inline constexpr uint32_t kNotifyFdsMax = 253;

// --- Control socket
// Clients at once; the next gets one error line and is closed.
inline constexpr uint32_t kControlClientsMax = 32;
// A request line, its line feed included; longer: an error line and the client is closed. It holds
// a restrict list of kListEntriesMax usual addresses.
inline constexpr size_t kControlRequestBytesMax = 4 * kMiB;
// Objects and lists inside of each other, of JSON that comes from elsewhere; deeper: an error line
// and the client is closed, and a server's answer fails the attempt. Requests of ours have five.
inline constexpr size_t kJsonDepthMax = 16;
// What one answer may hold: a page of a list ends there and says where to go on.
inline constexpr size_t kControlAnswerBytesMax = 4 * kMiB;
inline constexpr uint32_t kControlListEntriesMax = 1000;
inline constexpr uint32_t kControlListEntriesDefault = 100;
// Domains of a summary; beyond, the answer says how many it left out.
inline constexpr uint32_t kControlSummaryRowsMax = 10'000;
// Unsent bytes of a client that reads slower than its trace or progress comes: further lines are
// dropped and counted.
inline constexpr size_t kControlUnsentBytesMax = 1 * kMiB;
// Trace lines on their way from the shards, all together; more are dropped and counted.
inline constexpr size_t kControlTraceBytesMax = 4 * kMiB;
// A client that sends nothing between requests; a request that began and does not end; a client
// that does not read its answer; shards that do not answer (the client is told); a reload that does
// not end.
inline constexpr uint32_t kControlIdleSeconds = 300;
inline constexpr uint32_t kControlRequestSeconds = 10;
inline constexpr uint32_t kControlSendSeconds = 30;
inline constexpr uint32_t kControlAnswerSeconds = 30;
// How often drain reports.
inline constexpr uint32_t kControlProgressMillis = 500;
// How long stopping waits for goodbyes to be read and for commands that shards still hold.
inline constexpr uint32_t kControlStopMillis = 1000;
// How long a suspension may last; longer: refused.
inline constexpr uint32_t kSuspensionSecondsMax = 30 * 24 * 3600;
// A reason for a bounce; longer: refused.
inline constexpr size_t kControlReasonBytesMax = 200;

// --- Delivery
// Connections to the next hops of one route, from all shards; beyond, messages wait in the queue.
inline constexpr uint32_t kConnectionsPerSiteDefault = 50;
inline constexpr uint32_t kConnectionsPerSiteMax = 10'000;
// Connections being opened to one site by one shard at once; the rest of the backlog waits for
// these.
inline constexpr uint32_t kConnectingPerSiteMax = 8;
// How long a shard opens no connections to a site after it had no descriptor or memory for one.
inline constexpr uint32_t kNoDescriptorPauseMillis = 1000;
// Recipients of one outbound transaction; the rest go in the next one.
inline constexpr uint32_t kRecipientsPerTransactionDefault = 1000;
inline constexpr uint32_t kIdleConnectionSecondsDefault = 10;
inline constexpr uint32_t kDelayWarningSecondsDefault = 4 * 3600;
inline constexpr uint32_t kRetryJitterPercentDefault = 10;
// Next hops of one route, and addresses of one next hop's name; further addresses are not used.
inline constexpr size_t kNextHopsPerRouteMax = 32;
inline constexpr size_t kAddressesPerHopMax = 16;
// A next hop that failed is left alone this long: doubled per failure, up to the second figure.
// Messages due meanwhile are deferred with its last failure, each by its own schedule.
inline constexpr uint32_t kHopBackoffSeconds = 2;
inline constexpr uint32_t kHopBackoffSecondsMax = 15;
// Connections that broke in a row, after they were made, before a next hop counts as failed.
inline constexpr uint32_t kHopBrokenMax = 3;
// How soon a shard that waits for a connection slot asks again, and how long a holder may keep one
// that another shard waits for.
inline constexpr uint32_t kLeaseRetryMillis = 20;
inline constexpr uint32_t kLeaseQuantumMillis = 100;
// Bodies held in memory for first attempts, per shard. Beyond: read back from the spool when their
// turn comes.
inline constexpr uint64_t kHeldBodyBytesMax = 64 * kMiB;
inline constexpr uint32_t kHeldMessagesMax = 16'384;
// Outcomes on their way to the spool, per shard. At the bound no transaction begins; those that run
// end.
inline constexpr uint32_t kOutcomesInFlightMax = 4096;
// An outcome the spool refused is submitted again after this time, until it is stored.
inline constexpr uint32_t kOutcomeRetryMillis = 1000;
// Envelope reads of the queue (expiry, operator's commands) in flight per shard; the rest wait.
inline constexpr uint32_t kQueueReadsInFlightMax = 64;
// Messages of one page of a queue listing, per shard.
inline constexpr size_t kQueueListEntriesMax = 5000;
// A message whose record cannot be read just now is looked at again after this time.
inline constexpr uint32_t kUnreadableRetrySeconds = 60;
// Body chunks of one message read ahead of the connection.
inline constexpr uint32_t kBodyChunksAheadMax = 2;
// Queue entries looked at in one turn of the loop by expiry, due times or an operator's command.
inline constexpr uint32_t kQueueStepEntriesMax = 4096;
// Recipients shown of one queue entry; the rest are counted.
inline constexpr size_t kQueueViewRecipientsMax = 20;
// Suspensions at once; one more is an error to the operator.
inline constexpr size_t kSuspensionsMax = 1000;
// Domains without queued mail whose entry is kept for the next message.
inline constexpr size_t kIdleDomainsKeptMax = 4096;
// Domains whose exchangers a region's shards together ask for at once; more wait for one of these.
inline constexpr size_t kExchangerLookupsMax = 1000;
// Sites of a shard from which on those that no domain goes to any more are looked for and removed.
inline constexpr size_t kSitesSweptFrom = 1024;
// RET=FULL: a larger original is returned with its header section alone (RFC 3461 section 4.3).
inline constexpr size_t kReportReturnBytesMax = 64 * kKiB;
// Names of next hops: lookups in flight (one more fails for the moment), how long an answer is
// kept, how long a failure is kept.
inline constexpr size_t kHostLookupsInFlightMax = 256;
inline constexpr uint32_t kHostAnswerSeconds = 60;
inline constexpr uint32_t kHostFailureSeconds = 10;

// --- The store
// A lazy request waits at most this long for company before it is committed alone.
inline constexpr uint32_t kLazyCommitMillis = 5;
// One commit group: requests, and bytes of its batch. What does not fit forms the next group.
inline constexpr size_t kCommitGroupRequestsMax = 1024;
inline constexpr size_t kCommitGroupBytesMax = 4 * kMiB;
// Of it, chunks of bodies that stream in. After a group with chunks there is none for so many times
// as long as it took, where other mail fills the committer's time (an average over about so many
// milliseconds); in proportion less where it fills less. Their streams wait.
inline constexpr size_t kCommitGroupChunkBytesMax = 256 * kKiB;
inline constexpr uint32_t kCommitChunkPausesMax = 60;
inline constexpr uint32_t kCommitLoadMillis = 1000;
// ... and the longest such pause, whatever the last group took. A chunk waits for those before it
// besides; no time-out of its session runs meanwhile.
inline constexpr uint32_t kCommitChunkWaitMillisMax = 250;
// What RocksDB may write in the background: a little more than what is committed, within these.
inline constexpr uint64_t kFlushBytesPerSecondMin = 32 * kMiB;
inline constexpr uint64_t kFlushBytesPerSecondMax = 4096 * kMiB;
// Bodies that stream into one spool at once (each holds a key in locked memory). The next one's
// first chunk: RESOURCE_EXHAUSTED, 452 4.3.1.
inline constexpr size_t kBodyStreamsMax = 4096;
// The scan at start: messages of one page, and pages a shard has not deleted yet; the scan waits at
// that.
inline constexpr size_t kScanPageMessagesMax = 256;
inline constexpr uint32_t kScanPagesInFlightMax = 4;
// Epoch keys turn so that two epochs and the wrapping of what survived them end inside 20 minutes;
// an operator may have them turn sooner, not later.
inline constexpr uint32_t kKeyEpochSeconds = 570;
inline constexpr uint32_t kKeyEpochSecondsMin = 10;
// Epoch keys that can live at once; with all slots taken the current one stays in use until one is
// free.
inline constexpr uint32_t kKeySlots = 8;
// Survivors' keys wrapped again in one commit group, and rows looked at before the reader lets go.
inline constexpr size_t kRewrapPageKeysMax = 1000;
inline constexpr size_t kRewrapPageRowsMax = 20'000;
// The outbox is emptied this often, in pages of this many rows (one row holds one group's events).
inline constexpr uint32_t kOutboxMoveMillis = 250;
inline constexpr size_t kOutboxPageRowsMax = 512;
// After a failed write the store is reopened after this long, doubling up to the second.
inline constexpr uint32_t kReopenFirstMillis = 100;
inline constexpr uint32_t kReopenLastMillis = 10'000;
// A commit group that takes longer than this: the disk hangs, and nothing is accepted (452 4.3.1)
// until it has returned.
inline constexpr uint32_t kStoreStallSeconds = 15;
// Below this much free space nothing is accepted (452 4.3.1); above it by an eighth again, it is.
inline constexpr uint64_t kFreeSpaceFloorBytesDefault = 512 * kMiB;
// While it is below, this often, what was deleted is looked for and given back to the file system.
inline constexpr uint32_t kSpaceReclaimMillis = 5000;
// Entries in the list of damage that the store's tools give; more are counted.
inline constexpr size_t kStoreDamageListMax = 10'000;
// Free space is looked at this often, and after this many bytes were written.
inline constexpr uint32_t kFreeSpaceCheckMillis = 250;
inline constexpr uint64_t kFreeSpaceCheckBytes = 16 * kMiB;

}  // namespace ringpost::limits
