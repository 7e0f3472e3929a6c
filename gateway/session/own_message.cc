#include "gateway/session/own_message.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/mail/dkim_body_hash.h"
#include "gateway/smtp/envelope.h"

namespace ringpost::session {

std::unique_ptr<storage::NewMessage> MakeOwnMessage(const MessageId& id, std::string_view recipient,
                                                    std::string_view text, WallTime now,
                                                    WallTime deadline, std::string signing_domain) {
  auto message = std::make_unique<storage::NewMessage>();
  message->id = id;
  storage::StoredEnvelope& envelope = message->envelope;
  envelope.received = now;
  envelope.deadline = deadline;
  envelope.recipients.push_back({std::string(recipient), "", smtp::kNotifyNever});
  envelope.is_report = true;
  envelope.body_8bit = envelope.header_8bit = HasEighthBit(text);
  envelope.smtputf8 = envelope.body_8bit || HasEighthBit(recipient);
  if (envelope.body_8bit) envelope.body_type = static_cast<uint8_t>(smtp::BodyType::k8BitMime);
  envelope.body_bytes = text.size();
  if (!signing_domain.empty()) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    envelope.signing_domain = std::move(signing_domain);
    envelope.header_bytes =
        static_cast<uint32_t>(std::min(text.find(kEnd) + kEnd.size(), text.size()));
    mail::DkimBodyHash hash;
    hash.Update(text.substr(envelope.header_bytes));
    envelope.dkim_body_hash = hash.Finish();
  }
  Slice slab = Slice::NewSlab(text.size());
  std::memcpy(slab.mutable_data(), text.data(), text.size());
  message->body.Append(std::move(slab));
  return message;
}

}  // namespace ringpost::session
