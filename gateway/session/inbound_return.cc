#include "gateway/session/inbound_return.h"

#include <memory>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/session/inbound_connection.h"
#include "storage/spool.h"

namespace ringpost::session {
namespace {

using mail::ReturnPathVerdict;
using smtp::Reply;

Reply NotOurs() {
  return {550,
          {5, 1, 1},
          "No such return path: this gateway has sent no message under it. Check the address"};
}

Reply Stale() {
  return {550, {5, 1, 1}, "This return path is too old: bounces are taken for 35 days"};
}

Reply NothingKept() {
  return {550, {5, 1, 1}, "Nothing is known any more of the message that this return path names"};
}

Reply NoneWanted() {
  return {550,
          {5, 7, 1},
          "The sender of this message wanted no notifications about it (RFC 3461, NOTIFY=NEVER)"};
}

Reply NotNow() {
  return {451, {4, 3, 0}, "The return path cannot be looked up at the moment. Try again later"};
}

Reply TooMany(Millis wait) {
  int64_t minutes = std::chrono::ceil<std::chrono::minutes>(wait).count();
  return {450,
          {4, 7, 1},
          "Too many bounces of one message. Try again in " + std::to_string(minutes) +
              (minutes == 1 ? " minute" : " minutes")};
}

// RFC 5321 section 4.5.3.1.10: the client sends the rest in another transaction.
Reply Apart() {
  return {452,
          {4, 5, 3},
          "Return paths and other recipients go in transactions of their own. Send this one again"};
}

}  // namespace

struct InboundReturn::Read : storage::ReadRequest {
  InboundHost* host = nullptr;
  InboundReturn* owner = nullptr;  // null: the connection is gone
};

InboundReturn::~InboundReturn() {
  if (read_) read_->owner = nullptr;
}

void InboundReturn::Begin(std::optional<Reply> refusal) {
  not_a_sender_ = std::move(refusal);
  taken_ = others_ = 0;
  account_ = 0;
  envid_.clear();
  origins_.clear();
}

void InboundReturn::Accepted() {
  ++taken_;
  origins_.push_back(std::exchange(found_, BounceOrigin()));
}

InboundReturn::Taken InboundReturn::RefuseWith(Reply reply) {
  Count(Counter::kReturnPathsRefused);
  refusal_ = std::move(reply);
  return Taken::kRefused;
}

InboundReturn::Taken InboundReturn::Take(std::string_view address) {
  RP_CHECK(read_ == nullptr);
  const auto& paths = host_->region->return_paths;
  WallTime now = host_->io().wall_now();
  auto found = paths ? paths->Find(address, now) : std::nullopt;
  if (!found) return Taken::kNo;
  if (found->verdict == ReturnPathVerdict::kStale) return RefuseWith(Stale());
  if (found->verdict != ReturnPathVerdict::kValid) return RefuseWith(NotOurs());
  if (others_ > 0) return RefuseWith(Apart());
  Millis wait = host_->shared->rates.Take(
      identity::RateTable::Kind::kReturnPath, static_cast<uint32_t>(found->id.random_part()),
      {limits::kBouncesOfMessageMax, Seconds(limits::kBouncesOfMessageSeconds)}, now);
  if (wait > Millis(0)) return RefuseWith(TooMany(wait));
  account_ = found->account;
  found_.id = found->id;
  auto read = std::make_unique<Read>();
  read->kind = storage::ReadRequest::Kind::kOrigin;
  read->run = ReadBack;
  read->reply_to = &host_->io().inbox();
  read->id = found->id;
  read->host = host_;
  read->owner = this;
  read_ = read.get();
  ++host_->origin_reads;
  host_->region->spool->Read(read.release());
  return Taken::kLater;
}

std::optional<Reply> InboundReturn::RefuseOther() const {
  if (not_a_sender_) return not_a_sender_;
  if (taken_ > 0) return Apart();
  return std::nullopt;
}

void InboundReturn::ReadBack(Posted* posted) {
  std::unique_ptr<Read> read(static_cast<Read*>(posted));
  --read->host->origin_reads;
  InboundReturn* owner = read->owner;
  if (!owner) return;
  owner->read_ = nullptr;
  owner->TakeOrigin(read->status, std::move(read->origin));
  owner->connection_->OnReturnPathRead();
}

void InboundReturn::TakeOrigin(const Status& status, storage::StoredOrigin origin) {
  refusal_ = Reply();
  if (status.code() == StatusCode::kNotFound) {
    RefuseWith(NothingKept());
  } else if (!status.ok()) {
    RefuseWith(NotNow());
  } else if (origin.reverse_path.empty()) {
    RefuseWith(NothingKept());  // of a report: no return path was made for it
  } else if (origin.notify_never) {
    RefuseWith(NoneWanted());
  } else {
    Count(Counter::kReturnPathsTaken);
    sender_ = origin.reverse_path;
    envid_ = origin.envid;
    found_.origin = std::move(origin);
  }
}

}  // namespace ringpost::session
