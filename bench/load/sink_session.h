// One SMTP session of the sink, without its socket: bytes in, replies out.
//
// It takes what it is given: the grammar is only as strict as counting needs. It never stores a
// message; with a capture handler (the relay of the ceiling) the raw, dot-stuffed bytes are
// collected first. Belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/header_scanner.h"
#include "bench/load/sink_options.h"

namespace ringpost::bench {

// What was transferred, valid during the handler's call.
struct ReceivedMessage {
  std::string_view reverse_path;
  const std::vector<std::string>& recipients;
  const HeaderScanner& header;
  uint64_t bytes;
  std::string_view
      captured;  // raw text up to and with CRLF.CRLF; only when capturing, only after DATA
  bool secured;  // under TLS
};

enum class Handshake : uint8_t { kFull, kResumed, kFailed };

// What a session reports to; all calls come from the session's own thread.
struct SinkEvents {
  // The message has arrived. Empty: it is taken (answered 250). Else: the reply to give instead.
  std::function<std::string_view(const ReceivedMessage&)> on_message;
  // A reply other than success was given on purpose at this phase.
  std::function<void(Phase, int code)> on_refusal;
  // A TLS handshake has come to an end. May be empty where there is no TLS.
  std::function<void(Handshake)> on_handshake;
  bool capture = false;
};

class SinkSession {
 public:
  SinkSession(const SinkOptions* options, const SinkEvents* events, std::minstd_rand* random);

  // The connection is open: the greeting goes to out(), perhaps after a delay.
  void Start(uint64_t now_nanos);
  // Takes bytes from the front and says how many; the caller keeps the rest and gives it again,
  // with more behind it. Takes nothing while delayed(), closing() or upgrading().
  size_t Consume(std::string_view in, uint64_t now_nanos);
  // The time wake_nanos() has come: the reply that was held goes to out().
  void Wake();

  // STARTTLS was answered 220: when out() is sent, the peer's handshake is next.
  bool upgrading() const { return upgrading_; }
  // What is said from now on is said under TLS. What was said before is forgotten (RFC 3207 section
  // 4.2).
  void Secured();

  bool delayed() const { return wake_nanos_ != 0; }
  uint64_t wake_nanos() const { return wake_nanos_; }
  // After out() is sent: close. With aborted(): close at once and send nothing.
  bool closing() const { return closing_; }
  bool aborted() const { return aborted_; }
  std::string& out() { return out_; }

 private:
  enum class Mode : uint8_t { kCommand, kText, kChunk };
  static constexpr size_t kLineBytesMax = 8192;

  // Applies the phase's rule. True: go on with success. False: the rule has answered.
  bool Pass(Phase phase);
  void Reply(Phase phase, std::string_view text);
  void Command(std::string_view line);
  void Ehlo(std::string_view line);
  void StartTls();
  void Mail(std::string_view line);
  void Rcpt(std::string_view line);
  void Data();
  void Bdat(std::string_view line);
  size_t TakeText(std::string_view in);
  size_t TakeChunk(std::string_view in);
  void MessageComplete();
  void ResetTransaction();

  const SinkOptions* const options_;
  const SinkEvents* const events_;
  std::minstd_rand* const random_;
  Mode mode_ = Mode::kCommand;
  bool closing_ = false;
  bool aborted_ = false;
  bool upgrading_ = false;
  bool secured_ = false;
  bool have_mail_ = false;
  bool chunk_is_last_ = false;
  uint64_t chunk_left_ = 0;
  uint64_t message_bytes_ = 0;
  uint64_t now_nanos_ = 0;
  uint64_t wake_nanos_ = 0;
  std::string out_;
  std::string held_;  // the reply that waits for wake_nanos_
  std::string reverse_path_;
  std::vector<std::string> recipients_;
  HeaderScanner header_;
  std::string captured_;
};

}  // namespace ringpost::bench
