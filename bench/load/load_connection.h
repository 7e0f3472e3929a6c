// One client connection of `load`: speaks SMTP as told, one message after the other.
//
// Belongs to its worker and that worker's thread. Messages come from the worker (NextMessage); what
// became of them goes into the worker's statistics.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/load_options.h"
#include "bench/load/message_maker.h"
#include "bench/load/net.h"
#include "bench/load/reply_reader.h"
#include "bench/load/tls_link.h"

namespace ringpost::bench {

class LoadWorker;

class LoadConnection : public PollHandler {
 public:
  LoadConnection(const LoadOptions* options, LoadWorker* worker, unsigned number);
  ~LoadConnection() override;

  // Begins to connect.
  void Open();
  // There may be a message to send, or no more will come: connects, begins, or says QUIT.
  void Go();
  bool open() const { return fd_ >= 0; }
  void OnEvents(uint32_t events) override;

 private:
  enum class Step : uint8_t {
    kGreeting,
    kEhlo,
    kMail,
    kRcpt,
    kData,
    kFinal,
    kRset,
    kQuit,
    kStartTls,
    kAuth
  };
  static std::string_view NameOf(Step step);
  // A reply that is due, the message it is for and, for RCPT, which recipient.
  struct Due {
    Step step;
    uint8_t slot;
    uint32_t recipient;
  };
  static constexpr size_t kSlots = 2;

  void OnReply(const ReplyLine& reply, uint64_t now);
  void OnEhlo();
  // The session is as secure as it was asked for: AUTH, or the first message.
  void LogIn();
  void StartTls();
  void TakeSealed(std::string_view bytes);
  void OnMail(uint8_t slot, bool ok);
  void OnRcpt(const Due& due, bool ok);
  void OnData(uint8_t slot, int code);
  void OnFinal(uint8_t slot, int code, uint64_t now);
  // Starts as many messages as may be under way, or rests.
  void Ready();
  void Begin(uint8_t slot);
  void QueueText(uint8_t slot);
  void QueueChunk(uint8_t slot);
  void QueueQuit();
  void RefuseAndReset(uint8_t slot);
  size_t busy() const { return static_cast<size_t>(busy_[0]) + static_cast<size_t>(busy_[1]); }
  void Queue(std::string_view text) { head_ += text; }
  void QueueBody(std::string_view body);
  void Expect(Step step, uint8_t slot = 0, uint32_t recipient = 0);
  void Flush();
  ssize_t Send(std::span<const iovec> parts);
  ssize_t Seal(std::span<const iovec> parts);
  void Read();
  void Watch(uint32_t events);
  // The connection is over, asked for or not.
  void Ended(bool unasked);

  const LoadOptions* const options_;
  LoadWorker* const worker_;
  const unsigned number_;
  int fd_ = -1;
  bool connecting_ = false;
  uint32_t watched_ = 0;
  std::unique_ptr<TlsLink> tls_;  // null: in clear
  std::deque<Due> due_;
  ReplyReader replies_;
  std::array<Message, kSlots> slots_;
  std::array<bool, kSlots> busy_{};
  // What is to be sent: head_ with bodies, which are borrowed, at the marked places.
  struct Insert {
    size_t at;  // in head_
    std::string_view body;
  };
  std::string head_;
  std::vector<Insert> inserts_;
  size_t sent_bytes_ = 0;  // under TLS: sealed
};

}  // namespace ringpost::bench
