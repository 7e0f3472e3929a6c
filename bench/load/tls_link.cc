#include "bench/load/tls_link.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "gateway/base/slice.h"

namespace ringpost::bench {

std::unique_ptr<TlsLink> TlsLink::Client(std::shared_ptr<const tls::ClientContext> context,
                                         std::string peer) {
  std::unique_ptr<TlsLink> link(
      new TlsLink(tls::Connection::Connect(std::move(context), "sink.bench", std::move(peer))));
  link->Take({}, [](std::string_view) {});
  return link;
}

std::unique_ptr<TlsLink> TlsLink::Server(std::shared_ptr<const tls::ServerContext> context) {
  return std::unique_ptr<TlsLink>(new TlsLink(tls::Connection::Accept(std::move(context))));
}

TlsLink::State TlsLink::Take(std::string_view sealed,
                             const std::function<void(std::string_view)>& said) {
  using Kind = tls::Connection::EventKind;
  for (;;) {
    const tls::Connection::Event event = connection_->Step(&sealed);
    switch (event.kind) {
      case Kind::kNeedInput:
        return state_;
      case Kind::kHandshakeDone:
        state_ = State::kOpen;
        break;
      case Kind::kData:
        said(event.data.view());
        break;
      case Kind::kEnd:
        return state_ = State::kEnded;
      case Kind::kKeyUpdate:  // only where records are made elsewhere
      case Kind::kFailed:
        return state_ = State::kFailed;
    }
  }
}

void TlsLink::Seal(std::span<const std::string_view> parts) {
  // Views alone: they are not kept beyond the call.
  std::vector<Slice> slices;
  slices.reserve(parts.size());
  for (const std::string_view part : parts) slices.push_back(Slice::Static(part));
  connection_->Write(slices);
}

TlsLink::Sent TlsLink::Send(int fd) {
  SliceChain& output = connection_->output();
  while (unsent()) {
    std::array<iovec, 64> parts;
    size_t count = 0;
    size_t skip = sent_bytes_;
    for (const Slice& slice : output.slices()) {
      if (skip >= slice.size()) {
        skip -= slice.size();
        continue;
      }
      parts[count++] = {const_cast<char*>(slice.data()) + skip, slice.size() - skip};
      skip = 0;
      if (count == parts.size()) break;
    }
    msghdr header{};
    header.msg_iov = parts.data();
    header.msg_iovlen = count;
    const ssize_t sent = sendmsg(fd, &header, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return Sent::kBlocked;
    if (sent < 0) return Sent::kBroken;
    sent_bytes_ += static_cast<size_t>(sent);
  }
  output.Clear();
  sent_bytes_ = 0;
  return Sent::kAll;
}

}  // namespace ringpost::bench
