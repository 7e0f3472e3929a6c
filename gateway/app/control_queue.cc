#include "gateway/app/control_queue.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "gateway/base/limits.h"

namespace ringpost::app {
namespace {

using session::QueueCommand;
using session::QueueEntryView;
using session::QueueSummaryRow;
using session::Suspension;

QueueCommand::Op OpOf(ControlCommand command) {
  switch (command) {
    case ControlCommand::kQueueList:
      return QueueCommand::Op::kList;
    case ControlCommand::kQueueShow:
      return QueueCommand::Op::kShow;
    case ControlCommand::kQueueRetry:
      return QueueCommand::Op::kRetry;
    case ControlCommand::kQueueHold:
      return QueueCommand::Op::kHold;
    case ControlCommand::kQueueRelease:
      return QueueCommand::Op::kRelease;
    case ControlCommand::kQueueDelete:
      return QueueCommand::Op::kDelete;
    case ControlCommand::kQueueBounce:
      return QueueCommand::Op::kBounce;
    case ControlCommand::kSuspend:
      return QueueCommand::Op::kSuspend;
    case ControlCommand::kResume:
      return QueueCommand::Op::kResume;
    case ControlCommand::kSuspensions:
      return QueueCommand::Op::kSuspensions;
    default:
      return QueueCommand::Op::kSummary;
  }
}

}  // namespace

std::unique_ptr<PendingCommand> QueueGather::MakeCommand(
    const std::shared_ptr<ControlMailbox>& mailbox, uint64_t client, const std::string& region,
    uint32_t shard) const {
  auto command = std::make_unique<PendingCommand>();
  command->client = client;
  command->gather = id_;
  command->region = region;
  command->shard = shard;
  command->op = OpOf(request_.command);
  command->filter = request_.filter;
  command->suspension = {command->filter.recipient_domain, command->filter.next_hop,
                         now_ + Seconds(request_.seconds)};
  // One more than the page holds: so it is known whether the shard has more, and where.
  command->limit = request_.limit + 1;
  command->after = request_.after;
  command->reason = request_.reason;
  PendingCommand::AddressTo(mailbox, command.get());
  return command;
}

bool QueueGather::Start(ControlTarget* target, const std::shared_ptr<ControlMailbox>& mailbox,
                        uint64_t client) {
  bool found = false;
  uint32_t shards = target->shards();
  for (const std::string& region : target->regions()) {
    if (!request_.region.empty() && request_.region != region) continue;
    found = true;
    for (uint32_t shard = 0; shard < shards; ++shard) {
      // A message lives on the shard that took it, which its id does not tell: every shard is
      // asked.
      auto command = MakeCommand(mailbox, client, region, shard);
      ++asked_;
      if (target->PostQueueCommand(region, shard, command.get())) {
        out_.push_back(command.release());
      } else {
        ++refused_;
      }
    }
  }
  return found;
}

void QueueGather::Take(PendingCommand* command) {
  std::erase(out_, command);
  if (!command->error.empty()) errors_.push_back(command->error);
  // A suspension is of every shard: it counts once. Messages are each on one shard.
  if (request_.command == ControlCommand::kSuspend || request_.command == ControlCommand::kResume) {
    uint64_t& seen = region_affected_[command->region];
    affected_ += command->affected > seen ? command->affected - seen : 0;
    seen = std::max(seen, command->affected);
  } else {
    affected_ += command->affected;
  }
  for (QueueSummaryRow& row : command->rows) rows_.emplace_back(command->region, std::move(row));
  for (Suspension& one : command->suspensions) {
    suspensions_.emplace_back(command->region, std::move(one));
  }
  if (!command->entries.empty()) {
    pages_.push_back({command->region, std::move(command->entries)});
  }
}

bool QueueGather::GotOn() {
  uint64_t steps = asked_ - out_.size();
  for (const PendingCommand* command : out_) {
    steps += command->so_far.steps.load(std::memory_order_relaxed);
  }
  return std::exchange(steps_seen_, steps) != steps;
}

uint64_t QueueGather::affected() const {
  uint64_t sum = affected_;
  for (const PendingCommand* command : out_) {
    sum += command->so_far.affected.load(std::memory_order_relaxed);
  }
  return sum;
}

Json QueueGather::Progress() const {
  return {{"affected", affected()}, {"shards_waiting", out_.size()}};
}

Json QueueGather::Answer() {
  Json answer = OkAnswer();
  switch (request_.command) {
    case ControlCommand::kQueueSummary:
      AnswerSummary(&answer);
      break;
    case ControlCommand::kQueueList:
    case ControlCommand::kQueueShow:
      AnswerList(&answer);
      break;
    case ControlCommand::kSuspensions:
      AnswerSuspensions(&answer);
      break;
    default:
      answer["affected"] = affected();
  }
  size_t silent = out_.size() + refused_;
  if (silent == 0 && errors_.empty()) return answer;

  // Some parts are missing: the answer says so, and still holds what there is.
  std::string message;
  if (silent > 0) {
    message = std::to_string(silent) + " of " + std::to_string(asked_) + " shards did not answer";
  }
  for (size_t i = 0; i < errors_.size(); ++i) {
    if (std::find(errors_.begin(), errors_.begin() + static_cast<long>(i), errors_[i]) !=
        errors_.begin() + static_cast<long>(i)) {
      continue;  // every shard says the same
    }
    message.append(message.empty() ? "" : "; ").append(errors_[i]);
  }
  bool none = silent + errors_.size() == asked_;
  ControlError error{!complete() && none ? "timeout"
                     : none              ? "unavailable"
                                         : "partial",
                     std::move(message),
                     silent > 0 ? "look at ringpost status, then ask again: what was asked may "
                                  "still be done"
                                : ""};
  Json refused = ErrorAnswer(error);
  answer["ok"] = false;
  answer["error"] = refused["error"];
  return answer;
}

void QueueGather::AnswerSummary(Json* answer) {
  std::map<std::tuple<std::string, std::string, std::string>, QueueSummaryRow> merged;
  QueueSummaryRow totals;
  for (auto& [region, row] : rows_) {
    QueueSummaryRow& into = merged[{region, row.domain, row.next_hop}];
    for (QueueSummaryRow* sum : {&into, &totals}) {
      sum->queued += row.queued;
      sum->deferred += row.deferred;
      sum->held += row.held;
      sum->delivering += row.delivering;
      if (row.oldest && (!sum->oldest || *row.oldest < *sum->oldest)) sum->oldest = row.oldest;
    }
    into.suspended = into.suspended || row.suspended;
  }
  struct Line {
    std::string region;
    QueueSummaryRow row;
    uint64_t size() const { return row.queued + row.deferred + row.held + row.delivering; }
  };
  std::vector<Line> lines;
  lines.reserve(merged.size());
  for (auto& [key, row] : merged) {
    std::tie(std::ignore, row.domain, row.next_hop) = key;
    lines.push_back({std::get<0>(key), std::move(row)});
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.size() > b.size(); });
  size_t shown = std::min<size_t>(lines.size(), limits::kControlSummaryRowsMax);
  Json total = SummaryRowJson("", totals);
  for (const char* name : {"region", "domain", "next_hop", "suspended"}) total.erase(name);
  (*answer)["totals"] = std::move(total);
  (*answer)["rows"] = Json::array();
  for (size_t i = 0; i < shown; ++i) {
    (*answer)["rows"].push_back(SummaryRowJson(lines[i].region, lines[i].row));
  }
  (*answer)["rows_left_out"] = lines.size() - shown;
}

void QueueGather::AnswerList(Json* answer) {
  bool whole = request_.command == ControlCommand::kQueueShow;
  // Behind the last entry of a shard that has more, nothing is known to be next in order.
  std::optional<MessageId> known_until;
  std::vector<std::pair<const std::string*, QueueEntryView*>> entries;
  for (Page& page : pages_) {
    if (!whole && page.entries.size() > request_.limit) {
      MessageId last = page.entries.back().id;
      if (!known_until || last < *known_until) known_until = last;
    }
    for (QueueEntryView& entry : page.entries) entries.emplace_back(&page.region, &entry);
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.second->id < b.second->id; });
  // A page ends between two messages, never within one: the next begins behind a message.
  size_t count = entries.size();
  auto cut_at = [&](size_t at) {
    size_t cut = std::min(at, count);
    while (cut > 0 && cut < count && entries[cut].second->id == entries[cut - 1].second->id) --cut;
    if (cut == 0) {  // one message alone is more than a page
      while (cut < count && entries[cut].second->id == entries[0].second->id) ++cut;
    }
    count = cut;
  };
  size_t all = count;
  if (known_until) {
    size_t at = 0;
    while (at < count && entries[at].second->id < *known_until) ++at;
    cut_at(at);
  }
  if (!whole && count > request_.limit) cut_at(request_.limit);

  Json& list = (*answer)["entries"] = Json::array();
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    bytes += entries[i].second->last_reply.size() + 512;
    for (const std::string& recipient : entries[i].second->recipients)
      bytes += recipient.size() + 8;
    if (bytes > limits::kControlAnswerBytesMax && i > 0) cut_at(i);
  }
  for (size_t i = 0; i < count; ++i) {
    list.push_back(EntryJson(*entries[i].first, *entries[i].second));
  }
  bool more = count < all || known_until.has_value();
  (*answer)["next"] =
      more && count > 0 ? Json(entries[count - 1].second->id.ToString()) : Json(nullptr);
  if (whole && entries.empty() && complete() && errors_.empty()) {
    *answer = ErrorAnswer({"not_found", "no message with this id is queued",
                           "it may have been delivered or bounced: look for its id in the log"});
  }
}

void QueueGather::AnswerSuspensions(Json* answer) {
  std::map<std::tuple<std::string, std::string, std::string>, WallTime> merged;
  for (const auto& [region, one] : suspensions_) {
    WallTime& until = merged[{region, one.domain, one.next_hop}];
    until = std::max(until, one.until);
  }
  (*answer)["suspensions"] = Json::array();
  for (const auto& [key, until] : merged) {
    (*answer)["suspensions"].push_back(
        SuspensionJson(std::get<0>(key), {std::get<1>(key), std::get<2>(key), until}));
  }
}

}  // namespace ringpost::app
