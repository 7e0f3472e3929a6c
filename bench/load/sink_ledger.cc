#include "bench/load/sink_ledger.h"

#include <nlohmann/json.hpp>

namespace ringpost::bench {
namespace {

uint64_t HashOf(std::string_view id, std::string_view recipient) {
  const uint64_t first = std::hash<std::string_view>()(id);
  if (recipient.empty()) return first;
  return first * 0x9E3779B97F4A7C15ull ^ std::hash<std::string_view>()(recipient);
}

double Seconds(uint64_t nanos) { return static_cast<double>(nanos) / 1e9; }

}  // namespace

SinkLedger::SinkLedger(const SinkOptions& options)
    : tempfail_first_(options.tempfail_first), print_(options.print), ids_path_(options.ids_path) {}

SinkLedger::~SinkLedger() {
  if (ids_file_ != nullptr) fclose(ids_file_);
}

bool SinkLedger::Open() {
  if (ids_path_.empty()) return true;
  ids_file_ = fopen(ids_path_.c_str(), "ae");
  return ids_file_ != nullptr;
}

void SinkLedger::Print(const ReceivedMessage& message) const {
  std::string to;
  for (const std::string& recipient : message.recipients) {
    to += (to.empty() ? "<" : ", <") + recipient + ">";
  }
  std::printf("message from <%.*s> to %s, %llu bytes, subject: %s\n",
              static_cast<int>(message.reverse_path.size()), message.reverse_path.data(),
              to.c_str(), static_cast<unsigned long long>(message.bytes),
              message.header.subject().c_str());
  std::fflush(stdout);
}

std::string_view SinkLedger::Take(const ReceivedMessage& message) {
  const std::string& id = message.header.id();
  const std::lock_guard lock(mutex_);
  if (tempfail_first_) {
    const std::string key = id.empty() ? message.header.subject() : id;
    if (attempts_seen_.Insert(HashOf(key, message.recipients.front()))) {
      ++refusals_["final 451"];
      return "451 4.3.0 the first attempt is refused, as the sink was told\r\n";
    }
  }
  last_nanos_ = NowNanos();
  if (first_nanos_ == 0) first_nanos_ = last_nanos_;
  ++messages_;
  bytes_ += message.bytes;
  recipients_ += message.recipients.size();
  if (message.reverse_path.empty()) ++null_sender_;
  if (message.secured) ++secured_messages_;
  if (print_) Print(message);
  if (id.empty()) {
    ++without_id_;
    return {};
  }
  messages_seen_.Insert(HashOf(id, {}));
  for (const std::string& recipient : message.recipients) {
    if (!recipients_seen_.Insert(HashOf(id, recipient))) ++duplicate_recipients_;
    if (ids_file_ != nullptr) std::fprintf(ids_file_, "%s %s\n", id.c_str(), recipient.c_str());
  }
  return {};
}

void SinkLedger::Refused(Phase phase, int code) {
  const std::string name = kPhaseNames[static_cast<size_t>(phase)];
  const std::lock_guard lock(mutex_);
  ++refusals_[name + (code == 0 ? " dropped" : " " + std::to_string(code))];
}

void SinkLedger::Connected() {
  const std::lock_guard lock(mutex_);
  ++connections_;
}

void SinkLedger::HandshakeEnded(Handshake how) {
  const std::lock_guard lock(mutex_);
  if (how == Handshake::kFailed) {
    ++handshakes_failed_;
    return;
  }
  ++handshakes_;
  if (how == Handshake::kResumed) ++handshakes_resumed_;
}

uint64_t SinkLedger::unique_messages() {
  const std::lock_guard lock(mutex_);
  return messages_seen_.size();
}

void SinkLedger::Flush() {
  const std::lock_guard lock(mutex_);
  if (ids_file_ != nullptr) std::fflush(ids_file_);
}

std::string SinkLedger::StatsJson() {
  const std::lock_guard lock(mutex_);
  if (ids_file_ != nullptr) std::fflush(ids_file_);
  const nlohmann::ordered_json stats = {
      {"messages", messages_},
      {"unique_messages", messages_seen_.size()},
      {"recipients", recipients_},
      {"unique_recipients", recipients_seen_.size()},
      {"duplicate_recipients", duplicate_recipients_},
      {"null_sender_messages", null_sender_},
      {"messages_without_id", without_id_},
      {"message_bytes", bytes_},
      {"connections", connections_},
      {"tls_messages", secured_messages_},
      {"tls_handshakes", handshakes_},
      {"tls_resumed", handshakes_resumed_},
      {"tls_failures", handshakes_failed_},
      {"refusals", refusals_},
      {"first_message_seconds", Seconds(first_nanos_)},
      {"last_message_seconds", Seconds(last_nanos_)},
      {"now_seconds", Seconds(NowNanos())},
      {"cpu_seconds", Seconds(ProcessCpuNanos())},
  };
  return stats.dump();
}

}  // namespace ringpost::bench
