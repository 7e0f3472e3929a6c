// A DNS server for tests: what it is told, over UDP, from a thread of its own. It counts what it is
// asked, and can keep its answers back.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/dns/message.h"
#include "gateway/dns/name.h"
#include "gateway/dns/record.h"
#include "tests/unit/dns/wire_builder.h"

namespace ringpost::dns {

class DnsServer {
 public:
  // It is the server of every name. Those that it was told nothing of are not there.
  DnsServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    int bytes = 4 << 20;  // a burst of questions
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    sockaddr_storage storage{};
    socklen_t length = Endpoint::Parse("127.0.0.1:0")->ToSockaddr(&storage);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&storage), length), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&storage), &length), 0);
    endpoint_ = *Endpoint::FromSockaddr(storage);
    thread_ = std::thread([this] { Serve(); });
  }
  ~DnsServer() {
    stopping_ = true;
    Hold(false);
    thread_.join();
    ::close(socket_);
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }

  void Add(Record record) {
    std::lock_guard lock(mutex_);
    zone_[record.owner].records.push_back(std::move(record));
  }
  void Mx(std::string owner, uint16_t preference, std::string host) {
    Add({std::move(owner), RecordType::kMx, 300, preference, std::move(host)});
  }
  void Address(std::string owner, std::string address) {
    RecordType type = address.find(':') == address.npos ? RecordType::kA : RecordType::kAaaa;
    Add({std::move(owner), type, 300, 0, std::move(address)});
  }
  // Every question for it is answered so.
  void Fail(const std::string& name, Rcode rcode) {
    std::lock_guard lock(mutex_);
    zone_[name].rcode = rcode;
  }
  // ... or not at all.
  void BeSilent(const std::string& name) {
    std::lock_guard lock(mutex_);
    zone_[name].silent = true;
  }
  // Answers are kept back, the next first, until it is told otherwise.
  void Hold(bool held) {
    std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  int Asked(const std::string& name, RecordType type) {
    std::lock_guard lock(mutex_);
    return asked_[{name, type}];
  }

 private:
  struct Name {
    std::vector<Record> records;
    Rcode rcode = Rcode::kNoError;
    bool silent = false;
  };

  void Serve() {
    char bytes[4096];
    while (!stopping_) {
      pollfd waited{socket_, POLLIN, 0};
      if (::poll(&waited, 1, 20) <= 0) continue;
      sockaddr_storage from{};
      socklen_t length = sizeof from;
      ssize_t size =
          ::recvfrom(socket_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (size <= 0) continue;
      std::string answer = AnswerTo({bytes, static_cast<size_t>(size)});
      if (answer.empty()) continue;
      ::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from),
               length);
    }
  }

  std::string AnswerTo(std::string_view bytes) {
    Message message;
    if (!ReadMessage(bytes, &message) || message.questions.size() != 1) return "";
    const MessageQuestion& question = message.questions[0];
    std::unique_lock lock(mutex_);
    ++asked_[{question.name, question.type}];
    changed_.wait(lock, [this] { return !held_; });
    auto name = zone_.find(question.name);
    if (name != zone_.end() && name->second.silent) return "";
    Rcode rcode = name == zone_.end() ? Rcode::kNxDomain : name->second.rcode;
    constexpr uint16_t kAuthoritative = 0x0400;
    WireBuilder answer(
        static_cast<uint16_t>(kFlagResponse | kAuthoritative | static_cast<uint16_t>(rcode)));
    answer.Question(question.name, question.type);
    if (name != zone_.end()) {
      for (const Record& record : name->second.records) {
        if (record.type == question.type) answer.Answer(record);
      }
    }
    std::string wire = answer.Done();
    wire.replace(0, 2, bytes.substr(0, 2));
    return wire;
  }

  int socket_;
  Endpoint endpoint_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Name> zone_;
  std::map<std::pair<std::string, RecordType>, int> asked_;
  bool held_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ringpost::dns
