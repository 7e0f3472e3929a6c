// SecureStream: a reactor::Stream that can be put under TLS: the same calls, before and after.
//
// In clear it passes everything on as it is. StartTls puts a tls::Connection between: what comes
// from then on is the peer's handshake and records, and nothing of it is ever passed on as it came;
// what is written waits for the handshake, and is sealed in full records, a bounded part at a time,
// so that a large body is not in memory twice.
//
//   plain --StartTls--> handshake --OnSecured--> secured --(close_notify, failure)--> ended
//
// From the first body on what comes is opened in the receive buffers that it came in, where the
// cipher is AES-GCM: slices of these are what OnReceive has, as in clear
// (decisions/046-records-in-place.md).
//
// The kernel can make the records of either direction, from the point on that the rule names
// (tls/kernel_records.h; decisions/041-kernel-tls.md). The direction moves between two records,
// with nothing on its way through user space: to receive, the peer's records are read to a boundary
// and no further; to send, what is sealed has left. What the kernel refuses at the first call is
// made here as before; once its record layer is attached every failure ends the connection, and
// nothing is ever written to a socket whose records are in doubt.
//
//   library --(rule)--> moving --(boundary, or all sent)--> kernel
//
// A side whose records the kernel makes cannot change its keys. Where the peer changes its own or
// asks for ours to change, and after very many records, OnKeysSpent says that the connection is
// near its end.
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
#include <string>
#include <string_view>

#include "gateway/base/slice.h"
#include "gateway/reactor/stream.h"
#include "gateway/tls/connection.h"
#include "gateway/tls/kernel_records.h"

namespace ringpost::session {

class SecureStreamHandler : public reactor::StreamHandler {
 public:
  // The handshake is done; tls() says what was agreed.
  virtual void OnSecured() = 0;
  // The connection should end soon, in good order. `readable`: what the peer still says comes; else
  // it does not, and an OnEnd(0) follows this.
  virtual void OnKeysSpent(bool readable) = 0;
  // After Release, in place of OnClosed. `tls` null: in clear. `received`: what came and was not
  // passed on; under TLS, as it came.
  virtual void OnHandedOver(int fd, std::unique_ptr<tls::Connection> tls, std::string received);

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
  void StartTls(std::unique_ptr<tls::Connection> tls, const tls::KernelRecordRule& kernel,
                const Slice& first = {});
  // Null: in clear.
  const tls::Connection* tls() const;
  // Why OnEnd(-EPROTO) came.
  std::string_view tls_failure() const;
  // Which records the kernel makes by now: "", "send", "receive", "both".
  std::string_view kernel_records() const;

  void Write(Slice bytes);
  void Write(const SliceChain& bytes);
  void WriteCopy(std::string_view bytes);
  // What is written next is the last: under TLS, close_notify goes behind it with the next Flush.
  void WriteEnd();
  void Flush();
  size_t unsent_bytes() const;

  // What comes next is a body: under TLS too it may keep the buffers that it comes in.
  void KeepBuffers(bool keep);

  void Pause() { stream_.Pause(); }
  void Resume() { stream_.Resume(); }
  void Close() { stream_.Close(); }
  // Gives the connection away (see Stream::Release): in clear, or from inside OnSecured, before
  // anything was written or opened. What the handshake still has to send goes with it.
  void Release();
  bool closing() const { return stream_.closing(); }
  bool open() const { return stream_.open(); }

 private:
  struct Tls;

  void OnConnected(int error) override { handler_->OnConnected(error); }
  void OnReceive(Slice bytes) override;
  void OnSent() override;
  void OnEnd(int error) override;
  void OnClosed() override { handler_->OnClosed(); }
  void OnReceiveHeld() override;
  void OnControlRecord(uint8_t type, std::string_view bytes) override;
  void OnReleased(int fd, std::string received) override;

  void Take(Slice input);
  void TakeOne(tls::Connection::Event event);
  void SealMore();
  bool SendSealed();
  void Failed();
  void End(int error);

  // secure_stream_records.cc
  bool MovesSending();
  void MoveSending();
  void MoveReceiving();
  int AttachRecords();
  void SendAlert();
  void KernelFailed(std::string_view what, int error);
  void CountRecords();
  void TellKeysSpent(bool readable);
  void PassOn();

  SecureStreamHandler* handler_;
  reactor::Stream stream_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace ringpost::session
