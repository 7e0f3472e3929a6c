// What the spool stores, as plain data, and its codec. The bytes are described in FORMAT.md.
//
// Every record begins with a format byte; unknown formats, lengths that do not add up and trailing
// bytes are refused (a status, never a crash): what comes from the disk is hostile too.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/message_id.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"

namespace ringpost::storage {

// NOTIFY=NEVER in StoredRecipient::notify; smtp::kNotifyNever.
inline constexpr uint8_t kStoredNotifyNever = 1;

struct StoredRecipient {
  std::string address;
  std::string orcpt;
  uint8_t notify = 0;  // smtp::Notify bits
  bool operator==(const StoredRecipient&) const = default;
};

// The immutable part of a message; encoded into the `envelope` column family.
struct StoredEnvelope {
  WallTime received;
  WallTime deadline;  // after it what is not delivered is bounced
  std::string reverse_path;
  std::vector<StoredRecipient> recipients;
  std::string envid;
  uint8_t ret = 0;        // smtp::DsnReturn
  uint8_t body_type = 0;  // smtp::BodyType
  bool smtputf8 = false;
  bool body_8bit = false;
  bool header_8bit = false;
  bool is_report = false;                 // made by us: never reported on
  std::string trace;                      // header fields that go before the body; CRLF lines
  uint64_t body_bytes = 0;                // without the trace
  uint32_t body_chunks = 0;               // sealed chunks in `body`
  std::array<uint8_t, 32> body_digest{};  // SHA-256 of the chunks' tags in order, see FORMAT.md
  std::string client;                     // address of the client, for the records
  // Whose it is (identity::Account, identity::Credential); 0: the operator's own.
  uint32_t account = 0, credential = 0;
  bool sandbox = false;        // accepted and recorded; not to be delivered
  bool bulk = false;           // of the lane that gives way (delivery/ready_queues.h)
  bool require_tls = false;    // REQUIRETLS (RFC 8689)
  std::string bounces_to;      // who is told what becomes of it; empty: the reverse-path
  std::string signing_domain;  // DKIM's d=; empty: it is not signed
  // Of the body's header section, the empty line included, and the hash of what is behind it (RFC
  // 6376 section 3.7); where it is signed.
  uint32_t header_bytes = 0;
  std::array<uint8_t, 32> dkim_body_hash{};
  bool operator==(const StoredEnvelope&) const = default;
};

// Recipients that are kept of a message that is over; of one with more, none is.
inline constexpr size_t kOriginRecipientsMax = 100;

// What is kept of a message that is over: where notifications about it go, and whom they may be
// about.
struct StoredOrigin {
  uint32_t account = 0, credential = 0;
  bool notify_never = false;  // all its recipients had NOTIFY=NEVER (RFC 3461)
  std::string reverse_path;   // or who is told in its place
  std::string envid;
  std::vector<std::string> recipients;  // but those with NOTIFY=NEVER; see kOriginRecipientsMax
  bool operator==(const StoredOrigin&) const = default;
};
StoredOrigin OriginOf(const StoredEnvelope& envelope);
// Who is told what becomes of it; empty: nobody.
const std::string& NotifiedOf(const StoredEnvelope& envelope);

enum class RecipientStatus : uint8_t { kQueued, kDeferred, kHeld, kDelivered, kBounced };

// The changing part, at most 48 bytes encoded; `rcpt` column family, or implied (kQueued, no
// attempt) while no row exists.
struct RecipientState {
  RecipientStatus status = RecipientStatus::kQueued;
  uint16_t attempts = 0;
  WallTime next_attempt;
  WallTime last_attempt;
  uint16_t reply_code = 0;  // of the last attempt; 0: none
  uint16_t enhanced[3] = {0, 0, 0};
  bool delay_reported = false;
  bool operator==(const RecipientState&) const = default;
};

// A state change, written to `outbox` in the same batch as the change.
struct StoredEvent {
  enum class Kind : uint8_t {
    kAccepted,
    kDeferred,
    kDelivered,
    kBounced,
    kHeld,
    kReleased,
    kDeleted
  };
  Kind kind = Kind::kAccepted;
  WallTime time;
  MessageId id;
  uint32_t recipient = 0;  // index; UINT32_MAX: the message
  uint16_t reply_code = 0;
  std::string detail;  // the remote's words, printable and cut; who said them
  bool operator==(const StoredEvent&) const = default;
};

std::string EncodeEnvelope(const StoredEnvelope& envelope);
StatusOr<StoredEnvelope> DecodeEnvelope(std::string_view bytes);
std::string EncodeRecipientState(const RecipientState& state);
StatusOr<RecipientState> DecodeRecipientState(std::string_view bytes);
std::string EncodeEvent(const StoredEvent& event);
StatusOr<StoredEvent> DecodeEvent(std::string_view bytes);
std::string EncodeOrigin(const StoredOrigin& origin);
StatusOr<StoredOrigin> DecodeOrigin(std::string_view bytes);

}  // namespace ringpost::storage
