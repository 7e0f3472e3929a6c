// Drives a ServerSession as a driver would, and writes down what happens as lines: "S: ..." what
// the server says, "E: ..." what it tells the driver. For unit tests, golden transcripts and fuzz
// targets.
//
// Body pieces are gathered and shown at end of data, so that the log does not depend on how the
// bytes were cut into inputs. What must hold whatever the bytes are is checked here, by RP_CHECK:
// it holds in fuzzing too.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/smtp/auth.h"
#include "gateway/smtp/server_session.h"
#include "storage/durable_mint.h"

namespace ringpost::smtp {

// Bytes as printable text: \r \n \t \\ \" \xHH.
inline std::string Escape(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (char c : bytes) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\\' || c == '"') {
      text += {'\\', c};
    } else if (byte < 0x20 || byte >= 0x7F) {
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      text += c;
    }
  }
  return text;
}

inline std::string Unescape(std::string_view text) {
  auto digit = [](char c) { return IsDigit(c) ? c - '0' : AsciiLower(c) - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      bytes += text[i];
      continue;
    }
    switch (char c = text[++i]) {
      case 'r':
        bytes += '\r';
        break;
      case 'n':
        bytes += '\n';
        break;
      case 't':
        bytes += '\t';
        break;
      case 'x':
        RP_CHECK(i + 2 < text.size());
        bytes += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
        break;
      default:
        bytes += c;
    }
  }
  return bytes;
}

// No CR or LF but as CRLF. A body may end within none.
inline bool HasBareNewline(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return true;
    if (bytes[i] == '\r' && (i + 1 == bytes.size() || bytes[i + 1] != '\n')) return true;
  }
  return false;
}

// What the harness answers to SCRAM: that of RFC 7677 section 3, whoever asks.
inline constexpr std::string_view kTestSalt =
    "\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81";
inline constexpr std::string_view kTestNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
inline constexpr std::string_view kTestSignature =
    "\xea\xba\xe2\x4d\x10\x62\xdb\x75\xa9\x45\x1f\xf0\xb6\xea\x7e\x98"
    "\xc8\x54\x65\x49\xff\x74\x1e\x67\x2d\x32\x51\xb2\x39\x7d\xe4\x6e";

class ServerHarness {
 public:
  explicit ServerHarness(ServerOptions options)
      : options_(std::move(options)), session_(&options_) {}

  // What to answer to "mail", "recipient", "data", "end", "salt", "password" or "proof"; nothing:
  // accept.
  std::map<std::string, std::optional<Reply>> answers;
  // Answers stay open until Answer() is called.
  bool answer_later = false;

  ServerSession& session() { return session_; }

  // One receive: everything is consumed, or kept until the open question has its answer.
  void Feed(std::string_view bytes) {
    pending_.append(bytes);
    Run();
  }
  void Answer() {
    RP_CHECK(open_);
    const ServerSession::EventKind kind = *open_;
    open_.reset();
    AnswerNow(kind);
    Run();
  }
  bool question_open() const { return open_.has_value(); }
  bool closed() const { return closed_; }

  std::string TakeLog() {
    TakeOutput();
    return std::exchange(log_, {});
  }

  // Every body that reached end of data, and the envelope it came with.
  struct Message {
    Envelope envelope;
    std::string body;
  };
  std::vector<Message> messages;
  // Most pieces of one body.
  size_t pieces_max = 0;

 private:
  using Kind = ServerSession::EventKind;

  void Run() {
    // Each Step consumes bytes, asks, or ends: far fewer than this many for any input.
    size_t steps_left = 64 + 16 * pending_.size();
    // The session must not look at bytes that are gone: it gets a copy of its own that dies after
    // the run.
    std::vector<char> copy(pending_.begin(), pending_.end());
    std::string_view input(copy.data(), copy.size());
    while (!open_) {
      RP_CHECK(steps_left-- > 0);
      const ServerSession::Event event = session_.Step(&input);
      RP_CHECK(session_.question_open() == IsQuestion(event.kind));
      if (event.kind == Kind::kNeedInput) {
        RP_CHECK(input.empty());
        break;
      }
      if (event.kind == Kind::kClose) {
        RP_CHECK(input.empty());
        TakeOutput();
        if (!closed_) Note("close");
        closed_ = true;
        break;
      }
      RP_CHECK(!closed_);
      Handle(event, input);
    }
    pending_ = input;
    TakeOutput();
  }

  static bool IsQuestion(Kind kind) {
    return kind == Kind::kMail || kind == Kind::kRecipient || kind == Kind::kData ||
           kind == Kind::kEndOfData || IsLogin(kind);
  }

  static bool IsLogin(Kind kind) {
    return kind == Kind::kAuthSalt || kind == Kind::kAuthPassword || kind == Kind::kAuthProof;
  }

  void Handle(const ServerSession::Event& event, std::string_view input) {
    if (event.kind == Kind::kBody) {
      RP_CHECK(!event.body.empty() && receiving_);
      body_.append(event.body);
      pieces_max = std::max(pieces_max, ++pieces_);
      RP_CHECK(session_.body_bytes() == body_.size());
      RP_CHECK(body_.size() <= options_.message_bytes_max);
      return;
    }
    TakeOutput();
    if (event.kind == Kind::kReset) {
      RP_CHECK(in_transaction_);
      RP_CHECK(event.body.empty() || (event.body[0] == '5' && event.body.ends_with("\r\n")));
      RP_CHECK(event.body.empty() || receiving_);
      in_transaction_ = receiving_ = false;
      ForgetBody();
      Note("reset");
      return;
    }
    if (event.kind == Kind::kXclient) {
      const auto& client = session_.xclient();
      Note("xclient address=" + client.address + " port=" + client.port + " name=" + client.name +
           " helo=" + client.helo + " login=" + client.login + " protocol=" + client.protocol);
      return;
    }
    if (event.kind == Kind::kStartTls) {
      // Nothing more is read in clear, and nothing that was said is remembered.
      RP_CHECK(input.empty());
      std::string_view clear = "NOOP\r\n";
      RP_CHECK(session_.Step(&clear).kind == Kind::kNeedInput && clear.size() == 6);
      in_transaction_ = receiving_ = false;
      ForgetBody();
      Note("starttls");
      session_.Secured();
      RP_CHECK(!session_.in_transaction() && session_.helo().empty());
      RP_CHECK(!session_.authenticated());
      return;
    }
    // A driver that calls Step too early gets nothing and loses nothing.
    std::string_view again = input;
    RP_CHECK(session_.Step(&again).kind == Kind::kNeedInput && again == input);
    NoteQuestion(event.kind);
    if (answer_later) {
      open_ = event.kind;
    } else {
      AnswerNow(event.kind);
    }
  }

  void NoteQuestion(Kind kind) {
    if (kind == Kind::kMail) {
      const Envelope& envelope = session_.envelope();
      RP_CHECK(envelope.recipients.empty() && !session_.in_transaction());
      static constexpr const char* kBody[] = {"7bit", "8bitmime", "binarymime"};
      static constexpr const char* kRet[] = {"", " ret=full", " ret=hdrs"};
      std::string line = "mail <" + Escape(envelope.reverse_path) + ">";
      if (envelope.declared_size > 0) line += " size=" + std::to_string(envelope.declared_size);
      if (envelope.body != BodyType::k7Bit) line += std::string(" ") + kBody[int(envelope.body)];
      if (envelope.smtputf8) line += " smtputf8";
      if (envelope.require_tls) line += " requiretls";
      line += kRet[int(envelope.ret)];
      if (!envelope.envid.empty()) line += " envid=\"" + Escape(envelope.envid) + "\"";
      Note(line);
    } else if (kind == Kind::kRecipient) {
      const Recipient& recipient = session_.recipient();
      RP_CHECK(!recipient.address.empty());
      std::string line = "recipient <" + Escape(recipient.address) + ">";
      static constexpr const char* kNotify[] = {"never", "success", "failure", "delay"};
      for (int bit = 0; bit < 4; ++bit) {
        if (recipient.notify >> bit & 1) line += std::string(" notify=") + kNotify[bit];
      }
      if (!recipient.orcpt.empty()) line += " orcpt=\"" + Escape(recipient.orcpt) + "\"";
      Note(line);
    } else if (IsLogin(kind)) {
      NoteLogin(kind);
    } else if (kind == Kind::kData) {
      RP_CHECK(!session_.envelope().recipients.empty());
      Note("data");
    } else {
      // Nothing bare and no NUL ever comes out, and what came out is what was counted.
      RP_CHECK(!HasBareNewline(body_) && body_.find('\0') == std::string::npos);
      RP_CHECK(session_.body_bytes() == body_.size());
      std::string line = std::string("message ") + std::string(session_.protocol()) + " to ";
      line += std::to_string(session_.envelope().recipients.size());
      if (session_.saw_8bit()) line += " 8bit";
      if (session_.saw_long_line()) line += " long-line";
      Note(line + " \"" + (body_.size() <= 400 ? Escape(body_) : std::to_string(body_.size())) +
           "\"");
    }
  }

  void NoteLogin(Kind kind) {
    const SaslServer& login = session_.login();
    RP_CHECK(options_.auth != Auth::kNotOffered && !session_.authenticated() && !in_transaction_);
    RP_CHECK(IsAuthUser(login.name()) && IsUtf8(login.name()));
    const std::string name = " name=\"" + Escape(login.name()) + "\"";
    if (kind == Kind::kAuthSalt) {
      Note("salt" + name);
    } else if (kind == Kind::kAuthPassword) {
      RP_CHECK(IsAuthSecret(login.password()) && IsUtf8(login.password()));
      Note("password" + name + " password=\"" + Escape(login.password()) + "\"");
    } else {
      RP_CHECK(login.proof().size() == 32 && login.auth_message().starts_with("n="));
      Note("proof" + name + " of=\"" + Escape(login.auth_message()) + "\"");
    }
  }

  void AnswerNow(Kind kind) {
    static const std::map<Kind, std::string> kNames = {
        {Kind::kMail, "mail"},      {Kind::kRecipient, "recipient"},
        {Kind::kData, "data"},      {Kind::kEndOfData, "end"},
        {Kind::kAuthSalt, "salt"},  {Kind::kAuthPassword, "password"},
        {Kind::kAuthProof, "proof"}};
    auto found = answers.find(kNames.at(kind));
    const bool refused = found != answers.end() && found->second.has_value();
    if (kind == Kind::kMail) in_transaction_ = !refused;
    if (kind == Kind::kData) {
      receiving_ = !refused;
      ForgetBody();
    }
    if (kind == Kind::kData && refused) in_transaction_ = false;
    if (kind == Kind::kEndOfData) {
      in_transaction_ = receiving_ = false;
      if (!refused) messages.push_back({session_.envelope(), body_});
      ForgetBody();
    }
    if (refused) {
      session_.Refuse(*found->second);
    } else if (kind == Kind::kEndOfData) {
      session_.Queued(storage::DurableMint::Make(MessageId{}), "queued as TEST");
    } else if (kind == Kind::kAuthSalt) {
      session_.Challenge(kTestSalt, 4096, kTestNonce);
    } else if (kind == Kind::kAuthProof) {
      session_.AcceptProof(kTestSignature);
    } else {
      session_.Accept();
    }
    RP_CHECK(!session_.question_open());
    TakeOutput();
  }

  void ForgetBody() {
    body_.clear();
    pieces_ = 0;
  }

  void TakeOutput() {
    std::string output = std::exchange(session_.output(), {});
    std::string_view rest = output;
    while (!rest.empty()) {
      const size_t end = rest.find("\r\n");
      RP_CHECK(end != std::string_view::npos);
      const std::string_view line = rest.substr(0, end);
      RP_CHECK(line.size() + 2 <= 512 && line.size() >= 4 && line[0] >= '2' && line[0] <= '5');
      RP_CHECK(line[3] == ' ' || line[3] == '-');
      for (char c : line) RP_CHECK(c >= 0x20 && c < 0x7F);
      log_.append("S: ").append(line).append("\n");
      rest.remove_prefix(end + 2);
    }
  }

  void Note(const std::string& line) { log_.append("E: ").append(line).append("\n"); }

  ServerOptions options_;
  ServerSession session_;
  std::string pending_;
  std::optional<Kind> open_;
  std::string log_;
  std::string body_;
  size_t pieces_ = 0;
  bool in_transaction_ = false;
  bool receiving_ = false;
  bool closed_ = false;
};

inline ServerOptions TestOptions() {
  ServerOptions options;
  options.hostname = "gw.example";
  return options;
}

}  // namespace ringpost::smtp
