// SecureStream: a reactor::Stream that can be put under TLS: the same calls, before and after.
//
// In clear it passes everything on as it is. StartTls puts a tls::Connection between: what comes
// from then on is the peer's handshake and records, and nothing of it is ever passed on as it came;
// what is written waits for the handshake, and is sealed in full records, a bounded part at a time,
// so that a large body is not in memory twice.
//
//   plain --StartTls--> handshake --OnSecured--> secured --(close_notify, failure)--> ended
//
// The end: the peer's close_notify is an OnEnd(0), like the end of the TCP stream, and what comes
// behind it is dropped. A failed handshake or record is OnEnd(-EPROTO), after the alert has left;
// tls_failure() says why. An end of TCP without close_notify is an OnEnd(0) too: SMTP itself says
// where a message ends (RFC 5321 section 4.1.1.4), and a message that was cut off is never taken
// for whole.
//
// Threads, lifetime and the order of calls: as of Stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gateway/base/slice.h"
#include "gateway/reactor/stream.h"
#include "gateway/tls/connection.h"

namespace ringpost::session {

class SecureStreamHandler : public reactor::StreamHandler {
 public:
  // The handshake is done; tls() says what was agreed.
  virtual void OnSecured() = 0;

 protected:
  ~SecureStreamHandler() = default;
};

class SecureStream final : private reactor::StreamHandler {
 public:
  SecureStream(reactor::Io* io, SecureStreamHandler* handler);
  ~SecureStream();
  SecureStream(const SecureStream&) = delete;
  SecureStream& operator=(const SecureStream&) = delete;

  void Adopt(int fd) { stream_.Adopt(fd); }
  void Connect(const Endpoint& peer, const IpAddress* source) { stream_.Connect(peer, source); }

  // `first`: bytes of the peer's that came already and belong to the handshake. Callbacks may come
  // from inside this call where there are any.
  void StartTls(std::unique_ptr<tls::Connection> tls, const Slice& first = {});
  // Null: in clear.
  const tls::Connection* tls() const;
  // Why OnEnd(-EPROTO) came.
  std::string_view tls_failure() const;

  void Write(Slice bytes);
  void Write(const SliceChain& bytes);
  void WriteCopy(std::string_view bytes);
  // What is written next is the last: under TLS, close_notify goes behind it with the next Flush.
  void WriteEnd();
  void Flush();
  size_t unsent_bytes() const;

  void Pause() { stream_.Pause(); }
  void Resume() { stream_.Resume(); }
  void Close() { stream_.Close(); }
  bool closing() const { return stream_.closing(); }
  bool open() const { return stream_.open(); }

 private:
  struct Tls;

  void OnConnected(int error) override { handler_->OnConnected(error); }
  void OnReceive(Slice bytes) override;
  void OnSent() override;
  void OnEnd(int error) override;
  void OnClosed() override { handler_->OnClosed(); }

  void Take(std::string_view input);
  void SealMore();
  bool SendSealed();
  void Failed();
  void End(int error);

  SecureStreamHandler* handler_;
  reactor::Stream stream_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace ringpost::session
