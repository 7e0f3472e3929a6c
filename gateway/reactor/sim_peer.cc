#include <algorithm>

#include "gateway/reactor/sim_io.h"

namespace ringpost::reactor {

SimPeer::SimPeer(SimWorld* world, int fd) : world_(world), fd_(fd) {
  SimSocket* socket = world_->Find(fd);
  local_ = socket->local;
  remote_ = socket->remote;
  world_->peers_.push_back(this);
}

SimPeer::~SimPeer() {
  activity_ = nullptr;
  Close();
  std::erase(world_->peers_, this);
}

void SimPeer::Write(std::string_view bytes) {
  if (fd_ >= 0 && !half_close_wanted_) unsent_.append(bytes);
}

void SimPeer::HalfClose() { half_close_wanted_ = true; }

void SimPeer::Close() {
  if (fd_ < 0) return;
  PushOut(/*all=*/true);
  if (SimSocket* socket = world_->Find(fd_)) world_->CloseSocket(socket);
  fd_ = -1;
  ended_ = true;
}

void SimPeer::Reset() {
  if (fd_ < 0) return;
  if (SimSocket* socket = world_->Find(fd_)) {
    world_->Reset(socket);
    world_->Free(socket);
  }
  fd_ = -1;
  ended_ = true;
}

// Moves what the wire takes of what was written; where `all`, the kernel has room for it all, as
// with a socket that is closed.
bool SimPeer::PushOut(bool all) {
  SimSocket* socket = world_->Find(fd_);
  SimSocket* end = world_->OtherEnd(*socket);
  bool moved = false;
  size_t at = 0;
  if (socket->reset) end = nullptr;
  if (end == nullptr) at = unsent_.size();
  while (end != nullptr && at < unsent_.size()) {
    size_t room = world_->faults_.pipe_bytes;
    room = room > end->incoming_bytes ? room - end->incoming_bytes : 0;
    size_t count = all ? unsent_.size() - at : std::min(room, unsent_.size() - at);
    if (count == 0) break;
    if (world_->Chance(world_->faults_.short_send)) count = 1 + world_->random_.Below(count);
    world_->Deliver(end, unsent_.substr(at, count));
    at += count;
    moved = true;
  }
  unsent_.erase(0, at);
  if (unsent_.empty() && half_close_wanted_ && end && !end->ended) {
    world_->EndDirection(end);
    moved = true;
  }
  return moved;
}

bool SimPeer::Pump() {
  if (fd_ < 0) return false;
  bool moved = PushOut(/*all=*/false);
  SimSocket* socket = world_->Find(fd_);
  std::string came = reading_ ? socket->Take(SIZE_MAX, world_->now_) : std::string();
  bool end = !ended_ && reading_ &&
             (socket->AtEnd(world_->now_) || (socket->reset && socket->incoming.empty()));
  if (end) {
    ended_ = true;
    was_reset_ = socket->reset;
  }
  world_->Note(came.size() << 1 | end);
  received_.append(came);
  bool news = !came.empty() || end;
  if (news && activity_) activity_(*this);
  return moved || news;
}

}  // namespace ringpost::reactor
