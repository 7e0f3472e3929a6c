#include "storage/records.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "storage/byte_codec.h"
#include "storage/record_encoding.h"

namespace ringpost::storage {
namespace {

constexpr uint8_t kEnvelopeFormat = 3;
// Still read. The first knew no accounts and no signatures; both have one byte of flags.
constexpr uint8_t kEnvelopeFormatOne = 1, kEnvelopeFormatTwo = 2;
constexpr uint8_t kRecipientFormat = 1;
constexpr uint8_t kEventFormat = 1;
constexpr uint8_t kOriginFormat = 2;
constexpr uint8_t kOldOriginFormat = 1;  // without the credential and the recipients

enum EnvelopeFlag : uint16_t {
  kSmtpUtf8 = 1,
  kBody8Bit = 2,
  kHeader8Bit = 4,
  kIsReport = 8,
  kSandbox = 16,
  kSigned = 32,
  kBouncesTo = 64,
  kBulk = 128,
  kRequireTls = 256
};
constexpr uint16_t kFlagsOne = kSmtpUtf8 | kBody8Bit | kHeader8Bit | kIsReport;
constexpr uint16_t kFlagsTwo = kFlagsOne | kSandbox | kSigned | kBouncesTo;
constexpr uint16_t kFlagsThree = kFlagsTwo | kBulk | kRequireTls;

constexpr size_t kEnvelopeFixedBytes =
    1 + 8 + 8 + 1 + 1 + 2 + 8 + 4 + 32 + 4 + 4 + 2 + 2 + 2 + 4 + 4;
constexpr size_t kSigningFixedBytes = 2 + 4 + 32;
constexpr size_t kRecipientFixedBytes = 2 + 2 + 1;  // of one recipient inside an envelope
constexpr size_t kStateBytes = 1 + 1 + 2 + 8 + 8 + 2 + 6 + 1;
static_assert(kStateBytes <= 48);
constexpr size_t kEventFixedBytes = 1 + 1 + 8 + 16 + 4 + 2 + 2;
constexpr size_t kOriginFixedBytes = 1 + 4 + 1 + 2 + 2 + 4 + 2;

Status Refuse(std::string_view record, std::string_view what) {
  std::string text(record);
  text.append(" record: ").append(what);
  return MakeStatus(StatusCode::kDataLoss, text);
}

Status CheckFormat(std::string_view record, std::string_view bytes, uint8_t known) {
  if (bytes.empty()) return Refuse(record, "empty");
  if (static_cast<uint8_t>(bytes[0]) == known) return OkStatus();
  return Refuse(record, "of a format this version does not know");
}

void WriteTime(ByteWriter& out, WallTime time) { out.U64(static_cast<uint64_t>(ToMillis(time))); }
WallTime ReadTime(ByteReader& in) { return WallFromMillis(static_cast<int64_t>(in.U64())); }

// Flags of which only `known` ones may be set.
uint16_t Known(ByteReader& in, uint16_t flags, uint16_t known) {
  if (flags & ~known) in.Fail();
  return flags;
}

// A byte of them.
uint8_t ReadFlags(ByteReader& in, uint8_t known) {
  return static_cast<uint8_t>(Known(in, in.U8(), known));
}

uint16_t FlagsOf(const StoredEnvelope& envelope) {
  unsigned flags = 0;
  auto add = [&flags](bool is_so, EnvelopeFlag flag) { flags |= is_so ? flag : 0; };
  add(envelope.smtputf8, kSmtpUtf8);
  add(envelope.body_8bit, kBody8Bit);
  add(envelope.header_8bit, kHeader8Bit);
  add(envelope.is_report, kIsReport);
  add(envelope.sandbox, kSandbox);
  add(!envelope.signing_domain.empty(), kSigned);
  add(!envelope.bounces_to.empty(), kBouncesTo);
  add(envelope.bulk, kBulk);
  add(envelope.require_tls, kRequireTls);
  return static_cast<uint16_t>(flags);
}

uint16_t ReadEnvelopeFlags(ByteReader& in, uint8_t format, StoredEnvelope* envelope) {
  uint16_t flags = format == kEnvelopeFormatOne   ? Known(in, in.U8(), kFlagsOne)
                   : format == kEnvelopeFormatTwo ? Known(in, in.U8(), kFlagsTwo)
                                                  : Known(in, in.U16(), kFlagsThree);
  envelope->smtputf8 = flags & kSmtpUtf8;
  envelope->body_8bit = flags & kBody8Bit;
  envelope->header_8bit = flags & kHeader8Bit;
  envelope->is_report = flags & kIsReport;
  envelope->sandbox = flags & kSandbox;
  envelope->bulk = flags & kBulk;
  envelope->require_tls = flags & kRequireTls;
  return flags;
}

void ReadDigest(ByteReader& in, std::array<uint8_t, 32>* digest) {
  std::string_view bytes = in.Raw(digest->size());
  if (in.ok()) std::memcpy(digest->data(), bytes.data(), bytes.size());
}

void WriteSigning(ByteWriter& out, const StoredEnvelope& envelope) {
  out.Text16(envelope.signing_domain);
  out.U32(envelope.header_bytes);
  out.Raw({reinterpret_cast<const char*>(envelope.dkim_body_hash.data()), 32});
}

void ReadSigning(ByteReader& in, StoredEnvelope* envelope) {
  envelope->signing_domain = in.Text16();
  envelope->header_bytes = in.U32();
  ReadDigest(in, &envelope->dkim_body_hash);
  if (envelope->signing_domain.empty()) in.Fail();
}

void ReadRecipients(ByteReader& in, std::vector<StoredRecipient>* recipients) {
  uint32_t count = in.U32();
  // The count is believed only as far as the bytes that are there can bear it out.
  if (count > limits::kStoredRecipientsMax || count > in.left() / kRecipientFixedBytes) {
    return in.Fail();
  }
  recipients->reserve(count);
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    StoredRecipient& recipient = recipients->emplace_back();
    recipient.address = in.Text16();
    recipient.orcpt = in.Text16();
    recipient.notify = in.U8();
  }
}

}  // namespace

size_t EnvelopeBytes(const StoredEnvelope& envelope) {
  size_t size = kEnvelopeFixedBytes + envelope.reverse_path.size() + envelope.envid.size() +
                envelope.client.size() + envelope.trace.size();
  if (!envelope.signing_domain.empty()) {
    size += kSigningFixedBytes + envelope.signing_domain.size();
  }
  if (!envelope.bounces_to.empty()) size += 2 + envelope.bounces_to.size();
  for (const StoredRecipient& recipient : envelope.recipients) {
    size += kRecipientFixedBytes + recipient.address.size() + recipient.orcpt.size();
  }
  return size;
}

char* WriteEnvelope(const StoredEnvelope& envelope, char* at) {
  RP_CHECK(envelope.recipients.size() <= limits::kStoredRecipientsMax);
  RP_CHECK(envelope.reverse_path.size() <= UINT16_MAX && envelope.envid.size() <= UINT16_MAX &&
           envelope.client.size() <= UINT16_MAX && envelope.trace.size() <= UINT32_MAX &&
           envelope.signing_domain.size() <= UINT16_MAX &&
           envelope.bounces_to.size() <= UINT16_MAX);
  ByteWriter out(at);
  out.U8(kEnvelopeFormat);
  WriteTime(out, envelope.received);
  WriteTime(out, envelope.deadline);
  out.U8(envelope.ret);
  out.U8(envelope.body_type);
  out.U16(FlagsOf(envelope));
  out.U64(envelope.body_bytes);
  out.U32(envelope.body_chunks);
  out.Raw({reinterpret_cast<const char*>(envelope.body_digest.data()), 32});
  out.U32(envelope.account);
  out.U32(envelope.credential);
  if (!envelope.signing_domain.empty()) WriteSigning(out, envelope);
  if (!envelope.bounces_to.empty()) out.Text16(envelope.bounces_to);
  out.Text16(envelope.reverse_path);
  out.Text16(envelope.envid);
  out.Text16(envelope.client);
  out.Text32(envelope.trace);
  out.U32(static_cast<uint32_t>(envelope.recipients.size()));
  for (const StoredRecipient& recipient : envelope.recipients) {
    RP_CHECK(recipient.address.size() <= UINT16_MAX && recipient.orcpt.size() <= UINT16_MAX);
    out.Text16(recipient.address);
    out.Text16(recipient.orcpt);
    out.U8(recipient.notify);
  }
  return out.at();
}

std::string EncodeEnvelope(const StoredEnvelope& envelope) {
  std::string bytes(EnvelopeBytes(envelope), '\0');
  WriteEnvelope(envelope, bytes.data());
  return bytes;
}

StatusOr<StoredEnvelope> DecodeEnvelope(std::string_view bytes) {
  return DecodeEnvelope(bytes, Trace::kKeep);
}

StatusOr<StoredEnvelope> DecodeEnvelope(std::string_view bytes, Trace trace) {
  uint8_t format = bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]);
  if (format != kEnvelopeFormatOne && format != kEnvelopeFormatTwo) {
    Status status = CheckFormat("envelope", bytes, kEnvelopeFormat);
    if (!status.ok()) return status;
  }
  ByteReader in(bytes.substr(1));
  StoredEnvelope envelope;
  envelope.received = ReadTime(in);
  envelope.deadline = ReadTime(in);
  envelope.ret = in.U8();
  envelope.body_type = in.U8();
  uint16_t flags = ReadEnvelopeFlags(in, format, &envelope);
  envelope.body_bytes = in.U64();
  envelope.body_chunks = in.U32();
  ReadDigest(in, &envelope.body_digest);
  if (format != kEnvelopeFormatOne) {
    envelope.account = in.U32();
    envelope.credential = in.U32();
  }
  if (flags & kSigned) ReadSigning(in, &envelope);
  if (flags & kBouncesTo) {
    envelope.bounces_to = in.Text16();
    if (envelope.bounces_to.empty()) in.Fail();
  }
  envelope.reverse_path = in.Text16();
  envelope.envid = in.Text16();
  envelope.client = in.Text16();
  std::string_view fields = in.Text32();
  if (trace == Trace::kKeep) envelope.trace = fields;
  ReadRecipients(in, &envelope.recipients);
  if (!in.AtEnd()) return Refuse("envelope", "its lengths do not add up");
  return envelope;
}

std::string EncodeRecipientState(const RecipientState& state) {
  std::string bytes(kStateBytes, '\0');
  ByteWriter out(bytes.data());
  out.U8(kRecipientFormat);
  out.U8(static_cast<uint8_t>(state.status));
  out.U16(state.attempts);
  WriteTime(out, state.next_attempt);
  WriteTime(out, state.last_attempt);
  out.U16(state.reply_code);
  for (uint16_t part : state.enhanced) out.U16(part);
  out.U8(state.delay_reported ? 1 : 0);
  return bytes;
}

StatusOr<RecipientState> DecodeRecipientState(std::string_view bytes) {
  Status format = CheckFormat("recipient", bytes, kRecipientFormat);
  if (!format.ok()) return format;
  ByteReader in(bytes.substr(1));
  RecipientState state;
  uint8_t status = in.U8();
  state.attempts = in.U16();
  state.next_attempt = ReadTime(in);
  state.last_attempt = ReadTime(in);
  state.reply_code = in.U16();
  for (uint16_t& part : state.enhanced) part = in.U16();
  state.delay_reported = ReadFlags(in, 1) != 0;
  if (!in.AtEnd()) return Refuse("recipient", "its lengths do not add up");
  if (status > static_cast<uint8_t>(RecipientStatus::kBounced)) {
    return Refuse("recipient", "a status this version does not know");
  }
  state.status = static_cast<RecipientStatus>(status);
  return state;
}

size_t EventBytes(const StoredEvent& event) { return kEventFixedBytes + event.detail.size(); }

char* WriteEvent(const StoredEvent& event, char* at) {
  RP_CHECK(event.detail.size() <= UINT16_MAX);
  ByteWriter out(at);
  out.U8(kEventFormat);
  out.U8(static_cast<uint8_t>(event.kind));
  WriteTime(out, event.time);
  out.Raw(event.id.key());
  out.U32(event.recipient);
  out.U16(event.reply_code);
  out.Text16(event.detail);
  return out.at();
}

std::string EncodeEvent(const StoredEvent& event) {
  std::string bytes(EventBytes(event), '\0');
  WriteEvent(event, bytes.data());
  return bytes;
}

StatusOr<StoredEvent> DecodeEvent(std::string_view bytes) {
  Status format = CheckFormat("event", bytes, kEventFormat);
  if (!format.ok()) return format;
  ByteReader in(bytes.substr(1));
  StoredEvent event;
  uint8_t kind = in.U8();
  event.time = ReadTime(in);
  std::string_view id = in.Raw(16);
  if (in.ok()) event.id = MessageId::FromKey(id);
  event.recipient = in.U32();
  event.reply_code = in.U16();
  event.detail = in.Text16();
  if (!in.AtEnd()) return Refuse("event", "its lengths do not add up");
  if (kind > static_cast<uint8_t>(StoredEvent::Kind::kDeleted)) {
    return Refuse("event", "a kind this version does not know");
  }
  event.kind = static_cast<StoredEvent::Kind>(kind);
  return event;
}

const std::string& NotifiedOf(const StoredEnvelope& envelope) {
  bool other = !envelope.reverse_path.empty() && !envelope.bounces_to.empty();
  return other ? envelope.bounces_to : envelope.reverse_path;
}

StoredOrigin OriginOf(const StoredEnvelope& envelope) {
  StoredOrigin origin;
  origin.account = envelope.account;
  origin.notify_never = std::all_of(
      envelope.recipients.begin(), envelope.recipients.end(),
      [](const StoredRecipient& recipient) { return recipient.notify == kStoredNotifyNever; });
  origin.reverse_path = NotifiedOf(envelope);
  origin.envid = envelope.envid;
  origin.credential = envelope.credential;
  for (const StoredRecipient& recipient : envelope.recipients) {
    if (recipient.notify != kStoredNotifyNever) origin.recipients.push_back(recipient.address);
  }
  if (origin.recipients.size() > kOriginRecipientsMax) origin.recipients.clear();
  return origin;
}

std::string EncodeOrigin(const StoredOrigin& origin) {
  RP_CHECK(origin.reverse_path.size() <= UINT16_MAX && origin.envid.size() <= UINT16_MAX);
  size_t size = kOriginFixedBytes + origin.reverse_path.size() + origin.envid.size();
  for (const std::string& recipient : origin.recipients) size += 2 + recipient.size();
  std::string bytes(size, '\0');
  ByteWriter out(bytes.data());
  out.U8(kOriginFormat);
  out.U32(origin.account);
  out.U8(origin.notify_never ? 1 : 0);
  out.Text16(origin.reverse_path);
  out.Text16(origin.envid);
  out.U32(origin.credential);
  out.U16(static_cast<uint16_t>(origin.recipients.size()));
  for (const std::string& recipient : origin.recipients) out.Text16(recipient);
  return bytes;
}

StatusOr<StoredOrigin> DecodeOrigin(std::string_view bytes) {
  bool old = !bytes.empty() && static_cast<uint8_t>(bytes[0]) == kOldOriginFormat;
  Status format = CheckFormat("origin", bytes, old ? kOldOriginFormat : kOriginFormat);
  if (!format.ok()) return format;
  ByteReader in(bytes.substr(1));
  StoredOrigin origin;
  origin.account = in.U32();
  origin.notify_never = ReadFlags(in, 1) != 0;
  origin.reverse_path = in.Text16();
  origin.envid = in.Text16();
  if (!old) {
    origin.credential = in.U32();
    uint16_t recipients = in.U16();
    if (recipients > kOriginRecipientsMax) return Refuse("origin", "too many recipients");
    for (uint16_t left = recipients; left > 0 && in.ok(); --left) {
      origin.recipients.emplace_back(in.Text16());
    }
  }
  if (!in.AtEnd()) return Refuse("origin", "its lengths do not add up");
  return origin;
}

}  // namespace ringpost::storage
