// Messages that the gateway writes itself, about no message of somebody's.
#include <utility>

#include "gateway/base/wipe.h"
#include "gateway/session/dispatcher_core.h"
#include "gateway/session/own_message.h"

namespace ringpost::session {

void DispatcherCore::Originate(OwnMail mail, std::function<void(const Status&)> done) {
  WipedAtEnd wiped(&mail.text);
  std::string_view domain = std::string_view(mail.recipient).substr(mail.recipient.rfind('@') + 1);
  if (!config_->routes.Find(domain)) {
    done(MakeStatus(StatusCode::kFailedPrecondition,
                    "no route says where mail to " + std::string(domain) + " goes"));
    return;
  }
  WallTime now = io_->wall_now();
  OwnMailRequest* request = own_mails_.Make();
  request->core = this;
  request->own = MakeOwnMessage(mail.id, mail.recipient, mail.text, now,
                                now + config_->message_lifetime, std::move(mail.signing_domain));
  request->done = std::move(done);
  request->kind = storage::CommitRequest::Kind::kAccept;
  request->reply_to = &io_->inbox();
  request->id = mail.id;
  request->message = request->own.get();
  request->run = [](Posted* posted) {
    auto* stored = static_cast<OwnMailRequest*>(posted);
    stored->core->OwnMailStored(stored);
  };
  region_->spool->Submit(request);
}

void DispatcherCore::OwnMailStored(OwnMailRequest* request) {
  Status status = request->status;
  auto done = std::exchange(request->done, nullptr);
  std::unique_ptr<storage::NewMessage> message = std::move(request->own);
  request->message = nullptr;
  request->durable.reset();
  own_mails_.Free(request);
  if (status.ok()) Admit(std::move(message));
  done(status);
}

}  // namespace ringpost::session
