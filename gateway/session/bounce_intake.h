// BounceIntake: a message to return paths (inbound_return.h) is read as it is taken, and what it
// says is acted on once it is durable:
//
//   each recipient that it names  a line of the log: "bounce_received"; of a feedback report
//                                 "complaint_received"
//   one that failed for good      counts for the brake (identity/outcome_counts.h) and goes onto
//                                 the account's suppression list
//   one that complains            the same, as a complaint
//
// Who brings it had the message, or stood on its way, and may say anything: so it counts only for
// recipients that the message was sent to, each once. Where it had one, and the report is about
// one, that is the one, whatever it is called there (it may have been forwarded). Messages that are
// over with more recipients than storage::kOriginRecipientsMax are logged, and no more.
//
// What the sender's server was told before the message was accepted is no business of this one:
// for those no return path was made. Only what is kept here of the message's text are diagnoses.
//
// Threads: the shard's own.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "gateway/base/message_id.h"
#include "gateway/mail/bounce_reader.h"
#include "gateway/session/inbound_host.h"
#include "storage/records.h"

namespace ringpost::mail {
class BounceClasses;  // mail/bounce_classes.h
}  // namespace ringpost::mail

namespace ringpost::session {

// A message that a return path has named, and what is known of it.
struct BounceOrigin {
  MessageId id;
  storage::StoredOrigin origin;
};

class BounceIntake {
 public:
  // `message`: its start; nothing of it is kept but what ReadBounce finds. `classes` is not null.
  BounceIntake(std::vector<BounceOrigin> origins,
               std::shared_ptr<const mail::BounceClasses> classes, std::string_view message);

  // It is durable under `id`.
  void Apply(InboundHost* host, const MessageId& id) const;

 private:
  void ApplyBounce(InboundHost* host, const MessageId& id, const BounceOrigin& about,
                   const mail::BouncedRecipient& reported, bool only) const;
  void ApplyComplaint(InboundHost* host, const MessageId& id, const BounceOrigin& about) const;

  std::vector<BounceOrigin> origins_;
  std::shared_ptr<const mail::BounceClasses> classes_;
  mail::BounceFacts facts_;
};

}  // namespace ringpost::session
