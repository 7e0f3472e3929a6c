// InboundReturn: mail to return paths (mail/return_paths.h) on an inbound connection, where its
// listener takes it: from MAIL to the end of data.
//
//   MAIL  who may not send here may still bring bounces: what he was to be told is kept for the
//         first recipient of his that is none
//   RCPT  is it a return path, and one that we made, not too long ago and not too often used? Then
//         the store is asked whose message it names, and that message's sender is the recipient
//
// What the bounce itself says is read at the end of data: bounce_intake.h.
//
// A transaction is to return paths alone, or to none. It goes on with a null reverse-path whatever
// the client's was, so that nothing comes back for it and nothing can go round; it is not
// authenticated mail: nothing of it is signed or rewritten.
//
// Lifetime: its connection's; the store's answer may come when it is gone. Threads: the shard's
// own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/return_paths.h"
#include "gateway/session/bounce_intake.h"
#include "gateway/session/inbound_host.h"
#include "gateway/smtp/envelope.h"
#include "gateway/smtp/reply.h"
#include "storage/records.h"

namespace ringpost::session {

class InboundConnection;

class InboundReturn {
 public:
  InboundReturn(InboundHost* host, InboundConnection* connection)
      : host_(host), connection_(connection) {}
  ~InboundReturn();
  InboundReturn(const InboundReturn&) = delete;
  InboundReturn& operator=(const InboundReturn&) = delete;

  // A transaction begins; `refusal`: why it would not, were it not for return paths.
  void Begin(std::optional<smtp::Reply> refusal);

  enum class Taken : uint8_t {
    kNo,       // it is no return path: an ordinary recipient
    kRefused,  // see refusal()
    kLater,    // by InboundConnection::OnReturnPathRead
  };
  Taken Take(std::string_view address);
  // What an ordinary recipient is told, where the client may not send, or the others are return
  // paths; nothing: it is as always.
  std::optional<smtp::Reply> RefuseOther() const;

  // The transaction is to return paths.
  bool any() const { return taken_ > 0; }
  uint32_t account() const { return account_; }
  const std::string& envid() const { return envid_; }
  // What is known of the messages that the return paths name.
  std::vector<BounceOrigin> TakeOrigins() { return std::move(origins_); }

  // After kLater: is it to be refused, and if not, whom does it go to?
  const smtp::Reply& refusal() const { return refusal_; }
  const std::string& sender() const { return sender_; }
  // Of kRefused and kLater, in the end: it was taken.
  void Accepted();
  void AcceptedOther() { ++others_; }

 private:
  struct Read;
  static void ReadBack(Posted* posted);
  void TakeOrigin(const Status& status, storage::StoredOrigin origin);
  Taken RefuseWith(smtp::Reply reply);

  InboundHost* host_;
  InboundConnection* connection_;
  Read* read_ = nullptr;                     // on its way
  std::optional<smtp::Reply> not_a_sender_;  // what Begin was given
  smtp::Reply refusal_;                      // code 0: none
  std::string sender_, envid_;
  BounceOrigin found_;                 // by the last Take
  std::vector<BounceOrigin> origins_;  // of those that were taken
  uint32_t account_ = 0;
  uint32_t taken_ = 0, others_ = 0;  // recipients so far
};

}  // namespace ringpost::session
