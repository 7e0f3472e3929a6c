#include "gateway/session/own_message.h"

#include <cstring>

#include "gateway/base/text.h"
#include "gateway/smtp/envelope.h"

namespace ringpost::session {

std::unique_ptr<storage::NewMessage> MakeOwnMessage(const MessageId& id, std::string_view recipient,
                                                    std::string_view text, WallTime now,
                                                    WallTime deadline) {
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
  Slice slab = Slice::NewSlab(text.size());
  std::memcpy(slab.mutable_data(), text.data(), text.size());
  message->body.Append(std::move(slab));
  return message;
}

}  // namespace ringpost::session
