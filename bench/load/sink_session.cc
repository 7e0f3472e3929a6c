#include "bench/load/sink_session.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace ringpost::bench {
namespace {

bool Is(std::string_view line, std::string_view verb) {
  return line.size() >= verb.size() && strncasecmp(line.data(), verb.data(), verb.size()) == 0;
}

// What stands between the first < and the last > of a MAIL or RCPT line.
std::string_view PathOf(std::string_view line) {
  const size_t open = line.find('<');
  const size_t close = line.find('>', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return {};
  return line.substr(open + 1, close - open - 1);
}

// Where CRLF.CRLF (or .CRLF at the very start of `in`, when `at_line_start`) ends, or npos. Dots
// are rare in text and memchr finds them at many bytes a cycle.
size_t EndOfText(std::string_view in, bool at_line_start) {
  size_t from = 0;
  while (from < in.size()) {
    const void* found = std::memchr(in.data() + from, '.', in.size() - from);
    if (found == nullptr) return std::string_view::npos;
    const size_t dot = static_cast<size_t>(static_cast<const char*>(found) - in.data());
    const bool begins_line = dot == 0   ? at_line_start
                             : dot >= 2 ? in[dot - 2] == '\r' && in[dot - 1] == '\n'
                                        : false;
    if (begins_line && in.substr(dot + 1, 2) == "\r\n") return dot + 3;
    from = dot + 1;
  }
  return std::string_view::npos;
}

}  // namespace

SinkSession::SinkSession(const SinkOptions* options, const SinkEvents* events,
                         std::minstd_rand* random)
    : options_(options), events_(events), random_(random) {}

void SinkSession::Start(uint64_t now_nanos) {
  now_nanos_ = now_nanos;
  if (Pass(Phase::kConnect)) Reply(Phase::kConnect, "220 sink.bench ESMTP\r\n");
}

void SinkSession::Secured() {
  ResetTransaction();
  secured_ = true;
  upgrading_ = false;
}

void SinkSession::Wake() {
  wake_nanos_ = 0;
  out_ += held_;
  held_.clear();
}

void SinkSession::Reply(Phase phase, std::string_view text) {
  const uint64_t delay = options_->rules[static_cast<size_t>(phase)].delay_nanos;
  if (delay == 0) {
    out_ += text;
    return;
  }
  held_ += text;
  wake_nanos_ = now_nanos_ + delay;
}

bool SinkSession::Pass(Phase phase) {
  const PhaseRule& rule = options_->rules[static_cast<size_t>(phase)];
  if (rule.drop == 0 && rule.reject == 0 && rule.tempfail == 0) return true;
  const double drawn = static_cast<double>((*random_)()) / static_cast<double>(random_->max());
  if (drawn < rule.drop) {
    aborted_ = closing_ = true;
    events_->on_refusal(phase, 0);
    return false;
  }
  const bool reject = drawn < rule.drop + rule.reject;
  if (!reject && drawn >= rule.drop + rule.reject + rule.tempfail) return true;
  const bool connect = phase == Phase::kConnect;
  const int code = connect ? (reject ? 554 : 421) : (reject ? 550 : 451);
  events_->on_refusal(phase, code);
  Reply(phase, std::to_string(code) + (reject ? " 5.7.1" : " 4.3.0") +
                   " refused on purpose, as the sink was told\r\n");
  if (connect) closing_ = true;
  return false;
}

void SinkSession::ResetTransaction() {
  have_mail_ = false;
  reverse_path_.clear();
  recipients_.clear();
  message_bytes_ = 0;
  header_.Reset();
  captured_.clear();
}

size_t SinkSession::Consume(std::string_view in, uint64_t now_nanos) {
  now_nanos_ = now_nanos;
  size_t taken = 0;
  while (taken < in.size() && !delayed() && !closing_ && !upgrading_) {
    const std::string_view rest = in.substr(taken);
    if (mode_ != Mode::kCommand) {
      const size_t count = mode_ == Mode::kText ? TakeText(rest) : TakeChunk(rest);
      if (count == 0) break;
      taken += count;
      continue;
    }
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      if (rest.size() <= kLineBytesMax) break;
      out_ += "500 5.5.2 command line too long\r\n";
      closing_ = true;
      break;
    }
    std::string_view line = rest.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    taken += end + 1;
    Command(line);
  }
  return taken;
}

void SinkSession::Command(std::string_view line) {
  if (Is(line, "MAIL FROM:")) return Mail(line);
  if (Is(line, "RCPT TO:")) return Rcpt(line);
  if (Is(line, "DATA")) return Data();
  if (Is(line, "BDAT ") && options_->chunking) return Bdat(line);
  if (Is(line, "EHLO") || Is(line, "HELO")) return Ehlo(line);
  if (Is(line, "STARTTLS")) return StartTls();
  if (Is(line, "RSET")) {
    ResetTransaction();
    out_ += "250 2.0.0 reset\r\n";
  } else if (Is(line, "NOOP")) {
    out_ += "250 2.0.0 ok\r\n";
  } else if (Is(line, "QUIT")) {
    out_ += "221 2.0.0 bye\r\n";
    closing_ = true;
  } else {
    out_ += "500 5.5.1 command not known to the sink\r\n";
  }
}

void SinkSession::Ehlo(std::string_view line) {
  ResetTransaction();
  if (!Pass(Phase::kEhlo)) return;
  if (Is(line, "HELO")) return Reply(Phase::kEhlo, "250 sink.bench\r\n");
  std::string text = "250-sink.bench\r\n";
  if (options_->pipelining) text += "250-PIPELINING\r\n";
  if (options_->chunking) text += "250-CHUNKING\r\n";
  if (options_->tls == TlsMode::kStartTls && !secured_) text += "250-STARTTLS\r\n";
  if (options_->eight_bit) text += "250-8BITMIME\r\n";
  if (options_->smtputf8) text += "250-SMTPUTF8\r\n";
  if (options_->size_max > 0) text += "250-SIZE " + std::to_string(options_->size_max) + "\r\n";
  Reply(Phase::kEhlo, text + "250 ENHANCEDSTATUSCODES\r\n");
}

void SinkSession::StartTls() {
  if (options_->tls != TlsMode::kStartTls || secured_) {
    out_ += "503 5.5.1 no STARTTLS here and now\r\n";
    return;
  }
  out_ += "220 2.0.0 go ahead\r\n";
  upgrading_ = true;
}

void SinkSession::Mail(std::string_view line) {
  if (have_mail_) {
    out_ += "503 5.5.1 sender already given\r\n";
    return;
  }
  if (!Pass(Phase::kMail)) return;
  have_mail_ = true;
  reverse_path_ = PathOf(line);
  Reply(Phase::kMail, "250 2.1.0 ok\r\n");
}

void SinkSession::Rcpt(std::string_view line) {
  if (!have_mail_) {
    out_ += "503 5.5.1 MAIL first\r\n";
    return;
  }
  if (!Pass(Phase::kRcpt)) return;
  recipients_.emplace_back(PathOf(line));
  Reply(Phase::kRcpt, "250 2.1.5 ok\r\n");
}

void SinkSession::Data() {
  if (recipients_.empty()) {
    out_ += "503 5.5.1 RCPT first\r\n";
    return;
  }
  if (!Pass(Phase::kData)) return;
  mode_ = Mode::kText;
  Reply(Phase::kData, "354 go on\r\n");
}

void SinkSession::Bdat(std::string_view line) {
  line.remove_prefix(5);
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), chunk_left_);
  if (parsed.ec != std::errc()) {
    out_ += "501 5.5.4 BDAT needs a size\r\n";
    closing_ = true;
    return;
  }
  const size_t at = static_cast<size_t>(parsed.ptr - line.data());
  chunk_is_last_ = Is(line.substr(std::min(line.size(), at + 1)), "LAST");
  mode_ = Mode::kChunk;
  if (chunk_left_ == 0) TakeChunk({});
}

size_t SinkSession::TakeText(std::string_view in) {
  // The last four bytes may be the beginning of CRLF.CRLF; they wait for what follows.
  constexpr size_t kTail = 4;
  size_t count = EndOfText(in, message_bytes_ == 0);
  const bool complete = count != std::string_view::npos;
  if (!complete) {
    if (in.size() <= kTail) return 0;
    count = in.size() - kTail;
  }
  const std::string_view text = in.substr(0, count);
  if (!header_.done()) header_.Feed(text);
  if (events_->capture) captured_ += text;
  message_bytes_ += count;
  if (complete) MessageComplete();
  return count;
}

size_t SinkSession::TakeChunk(std::string_view in) {
  const size_t count = static_cast<size_t>(std::min<uint64_t>(chunk_left_, in.size()));
  if (!header_.done()) header_.Feed(in.substr(0, count));
  message_bytes_ += count;
  chunk_left_ -= count;
  if (chunk_left_ > 0) return count;
  mode_ = Mode::kCommand;
  if (recipients_.empty()) {
    out_ += "503 5.5.1 RCPT first\r\n";
  } else if (chunk_is_last_) {
    MessageComplete();
  } else if (Pass(Phase::kData)) {
    Reply(Phase::kData, "250 2.0.0 chunk taken\r\n");
  }
  return count;
}

void SinkSession::MessageComplete() {
  mode_ = Mode::kCommand;
  if (Pass(Phase::kFinal)) {
    const std::string_view refusal = events_->on_message(
        {reverse_path_, recipients_, header_, message_bytes_, captured_, secured_});
    if (!refusal.empty()) {
      Reply(Phase::kFinal, refusal);
    } else if (Pass(Phase::kAccepted)) {
      Reply(Phase::kFinal, "250 2.0.0 taken\r\n");
    }
  }
  ResetTransaction();
}

}  // namespace ringpost::bench
