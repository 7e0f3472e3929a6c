// Every bound of the gateway, in one place, with its unit in its name and what happens at it.
//
// A bound that an operator can change is here as its default and its hard limits; the configuration
// reads them from here. Nothing else in the tree may hold a literal that bounds a queue, a buffer, a
// loop, a retry or a line.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::limits {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// --- SMTP lines and paths (RFC 5321 section 4.5.3.1) ------------------------------------------------
// A path longer than this: 501 5.1.7 (sender) or 501 5.1.3 (recipient).
inline constexpr size_t kPathBytesMax = 256;
inline constexpr size_t kLocalPartBytesMax = 64;
inline constexpr size_t kDomainBytesMax = 255;
// A command line, CRLF included; extensions add to RFC 5321's 512 (SIZE, BODY, SMTPUTF8, DSN, AUTH).
// Longer: the rest of the line is dropped unread and the command answered 500 5.5.2.
inline constexpr size_t kCommandLineBytesMax = 4096;
// A reply line from a next hop, and how many lines one reply may have. Beyond either: the connection is
// closed and the attempt counts as a temporary failure.
inline constexpr size_t kReplyLineBytesMax = 2048;
inline constexpr size_t kReplyLinesMax = 128;
// How much of a remote's reply is kept in records, logs and bounces; the rest is cut off.
inline constexpr size_t kReplyTextKeptBytesMax = 512;
// A line of message text, CRLF included. Strict listeners refuse longer ones (554 5.6.0); others let
// them pass and count them.
inline constexpr size_t kTextLineBytesMax = 1000;

// --- SMTP sessions ------------------------------------------------------------------------------------
// Recipients of one transaction (RFC 5321 asks for at least 100). The next one: 452 4.5.3.
inline constexpr uint32_t kRecipientsMaxDefault = 1000;
inline constexpr uint32_t kRecipientsMaxHard = 50'000;
// Default message size; SIZE announces it. Larger: 552 5.3.4.
inline constexpr uint64_t kMessageBytesMaxDefault = 50 * kMiB;
inline constexpr uint64_t kMessageBytesMaxHard = 1024 * kMiB;
// Commands that were answered 5xx, or did nothing, in one session; the next: 421 4.7.0 and close.
inline constexpr uint32_t kSessionErrorsMax = 20;
inline constexpr uint32_t kSessionJunkCommandsMax = 100;
// Received fields in a message before it is taken for a loop: 554 5.4.6.
inline constexpr uint32_t kReceivedFieldsMax = 50;
// The header section that is scanned for Date, Message-ID, Received. Beyond: scanned no further.
inline constexpr size_t kHeaderSectionBytesMax = 256 * kKiB;

// --- Buffers ------------------------------------------------------------------------------------------
// A body up to this is gathered into one exact-size slab at end of data, which frees the ring's buffers.
inline constexpr size_t kGatherBytesMax = 16 * kKiB;
// One message pins at most this share of a shard's receive buffers; the rest goes to the store as chunks.
inline constexpr size_t kPinnedPoolShare = 64;
// A body chunk in the store; also the most of one body that joins one commit group.
inline constexpr size_t kBodyChunkBytesMax = 1 * kMiB;

// --- Time-outs in seconds (RFC 5321 section 4.5.3.2) --------------------------------------------------
inline constexpr uint32_t kServerCommandSeconds = 300;
inline constexpr uint32_t kClientGreetingSeconds = 300;
inline constexpr uint32_t kClientCommandSeconds = 300;
inline constexpr uint32_t kClientDataInitSeconds = 120;
inline constexpr uint32_t kClientDataBlockSeconds = 180;
inline constexpr uint32_t kClientFinalReplySeconds = 600;
inline constexpr uint32_t kClientConnectSeconds = 30;

}  // namespace ringpost::limits
