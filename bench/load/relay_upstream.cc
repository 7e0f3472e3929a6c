#include "bench/load/relay_upstream.h"

#include <unistd.h>

#include <cerrno>

namespace ringpost::bench {

class RelayUpstream::Connection : public PollHandler {
 public:
  explicit Connection(RelayUpstream* pool) : pool_(pool) {}
  ~Connection() override {
    if (fd_ >= 0) close(fd_);
  }

  bool open() const { return fd_ >= 0; }

  void Open() {
    fd_ = BeginConnect(pool_->next_hop_, 0);
    if (fd_ < 0) return;
    state_ = State::kGreeting;
    replies_.Reset();
    out_.clear();
    sent_ = 0;
    watched_ = EPOLLIN;
    pool_->poller_->Add(fd_, watched_, this);
  }

  void Send(RelayMessage message) {
    message_ = std::move(message);
    state_ = State::kEnvelope;
    answered_ = 0;
    out_ = message_.envelope;
    Flush();
  }

  void OnEvents(uint32_t events) override {
    if (fd_ < 0) return;
    if ((events & EPOLLOUT) != 0) Flush();
    if (fd_ < 0 || (events & ~EPOLLOUT) == 0) return;
    char bytes[4096];
    const ssize_t count = recv(fd_, bytes, sizeof(bytes), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return Fail();
    replies_.Append({bytes, static_cast<size_t>(count)});
    while (fd_ >= 0) {
      const auto reply = replies_.Next();
      if (!reply) return;
      OnReply(reply->code);
    }
  }

 private:
  enum class State : uint8_t { kGreeting, kEhlo, kFree, kEnvelope, kText };

  void OnReply(int code) {
    switch (state_) {
      case State::kGreeting:
        state_ = State::kEhlo;
        out_ = "EHLO relay.bench\r\n";
        return Flush();
      case State::kEhlo:
        return Free();
      case State::kFree:
        return Fail();
      case State::kEnvelope:
        if (code >= 400) return Fail();
        if (++answered_ < message_.replies) return;
        state_ = State::kText;
        out_.swap(message_.text);
        return Flush();
      case State::kText:
        ++(code / 100 == 2 ? pool_->counts_.passed_on : pool_->counts_.failed);
        return Free();
    }
  }

  void Free() {
    state_ = State::kFree;
    if (pool_->waiting_.empty()) {
      pool_->free_.push_back(this);
      return;
    }
    RelayMessage next = std::move(pool_->waiting_.front());
    pool_->waiting_.pop_front();
    pool_->waiting_bytes_ -= next.text.size();
    Send(std::move(next));
  }

  void Flush() {
    while (sent_ < out_.size()) {
      const ssize_t count = send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
      if (count < 0 && errno == EAGAIN) return Watch(EPOLLIN | EPOLLOUT);
      if (count < 0) return Fail();
      sent_ += static_cast<size_t>(count);
    }
    out_.clear();
    sent_ = 0;
    Watch(EPOLLIN);
  }

  void Watch(uint32_t events) {
    if (watched_ == events) return;
    watched_ = events;
    pool_->poller_->Modify(fd_, events, this);
  }

  // What measures a ceiling meets no failures: the message is counted as failed and the connection
  // opened anew in the next round.
  void Fail() {
    if (state_ == State::kEnvelope || state_ == State::kText) ++pool_->counts_.failed;
    std::erase(pool_->free_, this);
    close(fd_);
    fd_ = -1;
  }

  RelayUpstream* const pool_;
  int fd_ = -1;
  uint32_t watched_ = 0;
  State state_ = State::kGreeting;
  size_t answered_ = 0;
  size_t sent_ = 0;
  std::string out_;
  RelayMessage message_;
  ReplyReader replies_;
};

RelayUpstream::RelayUpstream(const Endpoint& next_hop, unsigned connections, Poller* poller)
    : next_hop_(next_hop), poller_(poller) {
  for (unsigned i = 0; i < connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(this));
  }
}

RelayUpstream::~RelayUpstream() = default;

void RelayUpstream::Reopen() {
  for (const auto& connection : connections_) {
    if (!connection->open()) connection->Open();
  }
}

void RelayUpstream::Send(const ReceivedMessage& message) {
  RelayMessage relayed;
  relayed.envelope = "MAIL FROM:<" + std::string(message.reverse_path) + ">\r\n";
  for (const std::string& recipient : message.recipients) {
    relayed.envelope += "RCPT TO:<" + recipient + ">\r\n";
  }
  relayed.envelope += "DATA\r\n";
  relayed.replies = message.recipients.size() + 2;
  relayed.text = message.captured;
  if (free_.empty()) {
    waiting_bytes_ += relayed.text.size();
    waiting_.push_back(std::move(relayed));
    return;
  }
  Connection* const connection = free_.back();
  free_.pop_back();
  connection->Send(std::move(relayed));
}

}  // namespace ringpost::bench
