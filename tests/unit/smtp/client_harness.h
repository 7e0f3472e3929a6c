// What the tests of ClientSession share: a driver without a socket.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/smtp/client_session.h"

namespace ringpost::smtp {

inline std::string Flat(const SliceChain& chain) {
  std::string bytes;
  for (const Slice& slice : chain.slices()) bytes.append(slice.view());
  return bytes;
}

inline const char* EventName(ClientSession::EventKind kind) {
  switch (kind) {
    case ClientSession::EventKind::kNeedInput:
      return "need-input";
    case ClientSession::EventKind::kStartTls:
      return "starttls";
    case ClientSession::EventKind::kReady:
      return "ready";
    case ClientSession::EventKind::kSendBody:
      return "send-body";
    case ClientSession::EventKind::kDone:
      return "done";
    case ClientSession::EventKind::kFailed:
      return "failed";
  }
  return "?";
}

// A transaction with storage of its own.
struct Outgoing {
  std::deque<Recipient> recipients;
  OutgoingMail mail;

  explicit Outgoing(std::string_view from) { mail.reverse_path = from; }
  Outgoing& To(std::string address) {
    recipients.push_back({std::move(address), "", kNotifyUnspecified});
    mail.recipients.push_back(&recipients.back());
    return *this;
  }
};

// Feeds a session and gathers what it says.
class Client {
 public:
  Client() : session("gw.example.org") {}

  // Steps through all of `input`; returns the names of the events, each with a space after it.
  std::string Feed(std::string_view input) {
    std::string events;
    while (true) {
      ClientSession::EventKind kind = session.Step(&input);
      if (kind == ClientSession::EventKind::kNeedInput) return events;
      events.append(EventName(kind)).push_back(' ');
      if (kind == ClientSession::EventKind::kStartTls) session.Secured(true);
      if (kind == ClientSession::EventKind::kFailed) return events;
    }
  }
  std::string TakeOutput() {
    std::string said;
    said.swap(session.output());
    return said;
  }
  // Greets, and answers EHLO with `capabilities` (lines without code).
  std::string Greet(std::vector<std::string> capabilities) {
    Feed("220 mx.example.net ESMTP\r\n");
    std::string reply = "250-mx.example.net\r\n";
    for (size_t i = 0; i < capabilities.size(); ++i) {
      reply += (i + 1 < capabilities.size() ? "250-" : "250 ") + capabilities[i] + "\r\n";
    }
    if (capabilities.empty()) reply = "250 mx.example.net\r\n";
    TakeOutput();
    return Feed(reply);
  }
  // Writes a body in the pieces given; returns the wire form.
  std::string Body(const std::vector<std::string>& pieces) {
    SliceChain wire;
    for (const std::string& piece : pieces) session.BodyPiece(Slice::Copy(piece), &wire);
    session.BodyEnd(&wire);
    return Flat(wire);
  }
  const Reply& Result(size_t i) { return session.outcome().recipients.at(i); }

  ClientSession session;
};

}  // namespace ringpost::smtp
