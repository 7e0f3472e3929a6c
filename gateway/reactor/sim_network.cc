// The network of a SimWorld: sockets, what is on the wire, ends and resets.
#include <algorithm>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/reactor/sim_io.h"

namespace ringpost::reactor {

SimSocket* SimWorld::Find(int fd) const {
  auto at = sockets_.find(fd);
  return at == sockets_.end() ? nullptr : at->second.get();
}

SimSocket* SimWorld::NewSocket(const Endpoint& local) {
  auto socket = std::make_unique<SimSocket>();
  socket->fd = next_fd_++;
  socket->local = local;
  return (sockets_[socket->fd] = std::move(socket)).get();
}

Endpoint SimWorld::NewClientEndpoint(const IpAddress& address) {
  if (next_port_ < 40'000) next_port_ = 40'000;  // it wrapped
  return {address, next_port_++};
}

size_t SimWorld::open_descriptors() const { return sockets_.size(); }

int SimWorld::Listen(const Endpoint& local) {
  SimSocket* socket = NewSocket(local);
  socket->listening = true;
  listeners_.emplace(local, socket->fd);
  return socket->fd;
}

void SimWorld::StopListening(int listen_fd) {
  SimSocket* socket = Find(listen_fd);
  RP_CHECK(socket && socket->listening);
  for (SimIo* shard : shards_) shard->CheckNothingInFlight(listen_fd);
  for (int waiting : socket->backlog) {
    Reset(Find(waiting));
    Free(Find(waiting));
  }
  auto [first, last] = listeners_.equal_range(socket->local);
  listeners_.erase(
      std::find_if(first, last, [&](auto& entry) { return entry.second == listen_fd; }));
  Free(socket);
}

void SimWorld::Serve(const Endpoint& local, std::function<void(std::unique_ptr<SimPeer>)> serve) {
  servers_[local] = std::move(serve);
}

void SimWorld::StopServing(const Endpoint& local) { servers_.erase(local); }

void SimWorld::SetBlackHole(const Endpoint& server, bool on) {
  if (on) {
    black_holes_.insert(server);
  } else {
    black_holes_.erase(server);
  }
}

SimSocket* SimWorld::ReachServer(const Endpoint& server, SimSocket* client) {
  auto serving = servers_.find(server);
  auto [first, last] = listeners_.equal_range(server);
  auto listening = std::distance(first, last);
  if (serving == servers_.end() && listening == 0) return nullptr;
  SimSocket* end = NewSocket(server);
  end->remote = client->local;
  end->other = client->fd;
  client->other = end->fd;
  client->remote = server;
  client->connected = end->connected = true;
  if (serving != servers_.end()) {
    unserved_.emplace_back(server, end->fd);
  } else {
    std::advance(first, static_cast<int64_t>(random_.Below(static_cast<uint64_t>(listening))));
    Find(first->second)->backlog.push_back(end->fd);
  }
  return end;
}

std::unique_ptr<SimPeer> SimWorld::Connect(const Endpoint& server, const Endpoint& from) {
  Endpoint local = from.port ? from : NewClientEndpoint(from.address);
  SimSocket* client = NewSocket(local);
  if (black_holes_.contains(server) || ReachServer(server, client) == nullptr) {
    Free(client);
    return nullptr;
  }
  return std::unique_ptr<SimPeer>(new SimPeer(this, client->fd));
}

void SimWorld::Deliver(SimSocket* to, std::string bytes) {
  MonoTime at = now_;
  if (faults_.wire_delay_ms) at += Millis(random_.Below(faults_.wire_delay_ms + 1));
  if (!to->incoming.empty()) at = std::max(at, to->incoming.back().at);
  to->incoming_bytes += bytes.size();
  to->incoming.push_back({at, std::move(bytes)});
  AtTime(at);
}

void SimWorld::EndDirection(SimSocket* to) {
  if (to == nullptr || to->ended) return;
  to->ended = true;
  to->end_at = to->incoming.empty() ? now_ : to->incoming.back().at;
}

void SimWorld::Reset(SimSocket* socket) {
  for (SimSocket* end : {socket, OtherEnd(*socket)}) {
    if (end == nullptr || end->reset) continue;
    end->reset = true;
    // What was still on the wire is lost; what had arrived can be read.
    while (!end->incoming.empty() && end->incoming.back().at > now_) {
      end->incoming_bytes -= end->incoming.back().bytes.size();
      end->incoming.pop_back();
    }
  }
}

void SimWorld::Free(SimSocket* socket) { sockets_.erase(socket->fd); }

void SimWorld::CloseSocket(SimSocket* socket) {
  // As TCP does: to close with bytes unread is to reset.
  if (!socket->incoming.empty() && !socket->reset) Reset(socket);
  if (SimSocket* end = OtherEnd(*socket)) EndDirection(end);
  Free(socket);
}

}  // namespace ringpost::reactor
