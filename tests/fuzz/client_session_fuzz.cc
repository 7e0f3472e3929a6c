// A hostile server against ClientSession with a driver that does as the header says.
//
// Input: one byte of options, one that seeds the splits (and says of TLS and AUTH), the body up to
// the first 0x1E byte, the server's bytes. They come line by line, or, with the options' highest
// bit, in pieces of any size: then most replies come before their commands, which ends the session
// early. What must hold: commands are whole lines of printable ASCII; the body on the wire is
// exactly the message or is never finished; a recipient counts as delivered only after a 2xx that
// came when all of the body was out.
#include <algorithm>
#include <cstdint>
#include <string>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/random.h"
#include "gateway/smtp/client_session.h"

namespace ringpost::smtp {
namespace {

constexpr size_t kRecipients = 3;
constexpr int kStepsMax = 100'000;

bool HasBareNewline(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return true;
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return true;
  }
  return false;
}

class Driver {
 public:
  Driver(uint8_t options, uint8_t seed, std::string_view body)
      : options_(options), random_(seed), body_(body), session_("gw.example.org") {
    session_.SetTrace(
        [](void*, bool from_client, std::string_view line) {
          RP_CHECK(!line.ends_with("\r\n"));
          RP_CHECK(!from_client || IsSafeToShow(line));
        },
        nullptr);
    // A size that is said and is not the body's: one too many, or one too few.
    starttls_ = static_cast<StartTls>(std::min(seed >> 6, 2));
    session_.UseStartTls(starttls_);
    if (seed & 32) {
      auto credentials = std::make_shared<Credentials>();
      credentials->user = "user@example.org";
      credentials->secret = std::string(seed & 16 ? 800 : 8, 's');
      session_.UseAuth(std::move(credentials));
      verified_ = seed & 8;
      authenticates_ = true;
    }
    if (seed >> 6 == 3) {  // TLS was there from the start
      secured_ = true;
      session_.Secured(verified_);
    }
    declared_ = body.size();
    if (options & 8) declared_ += seed & 1 && !body.empty() ? -1 : 1;
    for (size_t i = 0; i < kRecipients; ++i) {
      recipients_[i].address = "user" + std::to_string(i) + "@example.net";
      if (options & 1) recipients_[i].orcpt = "rfc822;" + std::string(body.substr(0, 20));
      if (options & 1) recipients_[i].notify = seed & 1 ? kNotifyNever : seed & 0xE;
    }
    if (options & 2) recipients_[1].address = body.substr(0, 60);
    envid_ = body.substr(0, 30);
  }

  void Run(std::string_view server) {
    while (!failed_) {
      size_t line = std::min(server.find('\n'), server.size() - 1) + 1;
      size_t count = server.empty() ? 0 : options_ & 128 ? 1 + random_.Below(server.size()) : line;
      std::string part(server.substr(0, count));
      server.remove_prefix(count);
      Pump(part);
      if (count == 0) break;
    }
    if (!failed_) {
      bool open = open_;
      session_.End("end of stream");
      Pump("");
      RP_CHECK(failed_);
      RP_CHECK(session_.outcome().in_doubt == (open && finished_));
    }
  }

 private:
  using StartTls = ClientSession::StartTls;

  void Pump(std::string_view input) {
    for (int steps = 0; !failed_; ++steps) {
      RP_CHECK(steps < kStepsMax);
      ClientSession::EventKind kind = session_.Step(&input);
      CheckCommands();
      CheckProgress();
      switch (kind) {
        case ClientSession::EventKind::kNeedInput:
          RP_CHECK(input.empty());
          return;
        case ClientSession::EventKind::kStartTls:
          RP_CHECK(!secured_ && starttls_ != StartTls::kNever && input.empty());
          secured_ = true;
          session_.Secured(verified_);
          RP_CHECK(!session_.capabilities().esmtp);
          break;
        case ClientSession::EventKind::kReady:
          RP_CHECK(secured_ || starttls_ != StartTls::kRequired);
          RP_CHECK(!authenticates_ || (secured_ && verified_));
          RP_CHECK(!session_.injected() && !session_.auth_refused());
          Begin();
          break;
        case ClientSession::EventKind::kSendBody:
          SendBody();
          break;
        case ClientSession::EventKind::kDone:
          CheckOutcome(true);
          break;
        case ClientSession::EventKind::kFailed:
          failed_ = true;
          if (open_) CheckOutcome(false);
          break;
      }
    }
  }

  void Begin() {
    RP_CHECK(session_.ready() && !open_);
    if (begun_++ > 20) {
      session_.Quit();
      return;
    }
    OutgoingMail mail;
    mail.reverse_path = options_ & 4 ? std::string_view() : std::string_view("ann@example.org");
    for (const Recipient& recipient : recipients_) mail.recipients.push_back(&recipient);
    mail.size = declared_;
    mail.smtputf8 = options_ & 16;
    mail.body = options_ & 32   ? BodyType::kBinaryMime
                : options_ & 64 ? BodyType::k8BitMime
                                : BodyType::k7Bit;
    mail.envid = envid_;
    mail.ret = static_cast<DsnReturn>(body_.size() % 3);
    open_ = true;
    data_ = finished_ = false;
    session_.Begin(mail);
    CheckCommands();
  }

  void CheckCommands() {
    std::string said;
    said = session_.output();
    session_.ClearOutput();
    RP_CHECK(said.empty() || said.ends_with("\r\n"));
    RP_CHECK(!HasBareNewline(said));
    RP_CHECK(said.size() <= limits::kPipelineBytesMax + limits::kCommandLineBytesMax);
    while (!said.empty()) {
      std::string line = said.substr(0, said.find("\r\n"));
      said.erase(0, line.size() + 2);
      bool known = line == "." || line == "DATA" || line == "RSET" || line == "QUIT" ||
                   (line == "STARTTLS" && starttls_ != StartTls::kNever && !secured_) ||
                   (MayProve() && IsProof(line)) || line.starts_with("EHLO gw") ||
                   line.starts_with("HELO gw") || line.starts_with("MAIL FROM:<") ||
                   line.starts_with("RCPT TO:<");
      RP_CHECK(known);
      data_ |= line == "DATA";
      for (char c : line) {
        auto byte = static_cast<uint8_t>(c);
        RP_CHECK(byte >= 0x20 && byte != 0x7F && (byte < 0x80 || (options_ & 16)));
      }
    }
  }

  // Nothing that proves who we are leaves before TLS has proven who the other side is.
  bool MayProve() const { return authenticates_ && secured_ && verified_ && begun_ == 0; }
  static bool IsProof(std::string_view line) {
    if (line.starts_with("AUTH PLAIN") || line == "AUTH LOGIN" || line == "*") return true;
    return line.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
           std::string_view::npos;
  }

  // In a trace.
  static bool IsSafeToShow(std::string_view line) {
    if (line.starts_with("AUTH")) {
      return line == "AUTH PLAIN" || line == "AUTH PLAIN ***" || line == "AUTH LOGIN";
    }
    return line.size() < 8 || line == "STARTTLS" || !IsProof(line);
  }

  // What a driver sets its timer by and writes to its log.
  void CheckProgress() {
    RP_CHECK(session_.timeout_seconds() > 0 && !session_.waiting_for().empty());
    RP_CHECK(session_.replies() >= replies_);
    replies_ = session_.replies();
    RP_CHECK(session_.transactions() <= begun_);
    RP_CHECK(session_.capabilities().size || session_.capabilities().size_max == 0);
  }

  void SendBody() {
    SliceChain wire;
    for (std::string_view rest = body_; !rest.empty();) {
      size_t count = 1 + random_.Below(rest.size());
      session_.BodyPiece(Slice::Copy(rest.substr(0, count)), &wire);
      rest.remove_prefix(count);
    }
    session_.BodyEnd(&wire);
    finished_ = !session_.body_error();
    std::string bytes;
    for (const Slice& slice : wire.slices()) bytes.append(slice.view());
    if (data_) {
      CheckData(bytes);
    } else {
      CheckBdat(bytes);
    }
  }

  void CheckBdat(std::string_view bytes) {
    std::string command = "BDAT " + std::to_string(declared_) + " LAST\r\n";
    if (bytes.empty()) RP_CHECK(!finished_);  // no piece, so not even the command
    if (bytes.empty()) return;
    RP_CHECK(bytes.starts_with(command));
    bytes.remove_prefix(command.size());
    if (finished_) {
      RP_CHECK(bytes == body_);
      RP_CHECK((options_ & 32) || !HasBareNewline(body_));
    } else {
      RP_CHECK(bytes.size() < declared_);
    }
  }

  void CheckData(std::string_view bytes) {
    // What a server would read: lines up to a lone dot, un-stuffed.
    std::string text;
    bool ended = false;
    size_t at = 0;
    while (at < bytes.size()) {
      size_t end = bytes.find("\r\n", at);
      if (end == std::string_view::npos) break;
      std::string_view line = bytes.substr(at, end - at);
      at = end + 2;
      if (line == ".") {
        ended = true;
        break;
      }
      if (line.starts_with(".")) line.remove_prefix(1);
      text.append(line).append("\r\n");
    }
    RP_CHECK(ended == finished_);
    RP_CHECK(finished_ == !HasBareNewline(body_));
    if (!finished_) return;
    RP_CHECK(at == bytes.size() && !HasBareNewline(bytes));
    std::string expected(body_);
    if (!expected.empty() && !expected.ends_with("\r\n")) expected.append("\r\n");
    RP_CHECK(text == expected);
  }

  void CheckOutcome(bool done) {
    ClientSession::Outcome& outcome = session_.outcome();
    RP_CHECK(outcome.recipients.size() == kRecipients);
    for (const Reply& reply : outcome.recipients) {
      RP_CHECK(reply.code == 0 || (reply.code >= 200 && reply.code <= 599));
      RP_CHECK(reply.code == 0 || reply.code < 300 || reply.code >= 400);
      if (reply.code >= 200 && reply.code < 300) RP_CHECK(done && finished_);
      if (done) RP_CHECK(reply.code != 0 && !outcome.in_doubt);
    }
    if (done) open_ = false;
  }

  uint8_t options_;
  Random random_;
  std::string_view body_;
  ClientSession session_;
  Recipient recipients_[kRecipients];
  std::string envid_;
  uint64_t declared_ = 0;  // the body's size, as it is said
  StartTls starttls_ = StartTls::kNever;
  bool secured_ = false;
  bool authenticates_ = false;
  bool verified_ = false;
  uint32_t begun_ = 0;
  uint32_t replies_ = 0;
  bool open_ = false;      // a transaction
  bool data_ = false;      // its body goes by DATA
  bool finished_ = false;  // its body is out, whole
  bool failed_ = false;
};

}  // namespace
}  // namespace ringpost::smtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  size_t end = std::min(input.find('\x1e'), input.size());
  std::string_view server = input.substr(std::min(end + 1, input.size()));
  ringpost::smtp::Driver(data[0], data[1], input.substr(0, end)).Run(server);
  return 0;
}
