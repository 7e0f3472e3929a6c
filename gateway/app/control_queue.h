// QueueGather: one queue request over all regions and shards it concerns, and the one answer made
// of theirs.
//
// Threads: the control thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/control_json.h"
#include "gateway/app/control_mailbox.h"
#include "gateway/app/control_request.h"
#include "gateway/app/control_target.h"
#include "gateway/base/time.h"

namespace ringpost::app {

class QueueGather {
 public:
  // `request` is a queue request, suspend, resume or suspensions; `now` is what a suspension counts
  // from.
  // `id` tells it from other requests of the same client.
  QueueGather(uint64_t id, ControlRequest request, WallTime now)
      : id_(id), request_(std::move(request)), now_(now) {}

  // Posts a command to every shard concerned. False: no such region.
  bool Start(ControlTarget* target, const std::shared_ptr<ControlMailbox>& mailbox,
             uint64_t client);
  // One shard's answer; its lists are moved out.
  void Take(PendingCommand* command);
  uint64_t id() const { return id_; }
  size_t outstanding() const { return out_.size(); }
  bool complete() const { return out_.empty(); }
  // Whether some shard has got on since the last call.
  bool GotOn();
  // {"affected":12,"shards_waiting":2}
  Json Progress() const;
  // The answer of those that have answered; where some did not, or failed, it says so.
  Json Answer();
  // Also of those that have not answered yet, as far as they are.
  uint64_t affected() const;

 private:
  struct Page {
    std::string region;
    std::vector<session::QueueEntryView> entries;
  };

  std::unique_ptr<PendingCommand> MakeCommand(const std::shared_ptr<ControlMailbox>& mailbox,
                                              uint64_t client, const std::string& region,
                                              uint32_t shard) const;
  void AnswerSummary(Json* answer);
  void AnswerList(Json* answer);
  void AnswerSuspensions(Json* answer);

  uint64_t id_;
  ControlRequest request_;
  WallTime now_;
  uint32_t asked_ = 0;
  std::vector<const PendingCommand*> out_;  // with shards; each lives until Take
  uint64_t steps_seen_ = 0;
  uint32_t refused_ = 0;  // shards that take nothing any more
  uint64_t affected_ = 0;
  std::map<std::string, uint64_t> region_affected_;
  std::vector<std::string> errors_;  // in the shards' words
  std::vector<std::pair<std::string, session::QueueSummaryRow>> rows_;
  std::vector<std::pair<std::string, session::Suspension>> suspensions_;
  std::vector<Page> pages_;
};

}  // namespace ringpost::app
