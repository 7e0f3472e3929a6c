// SuppressionDesk: what operators ask of the regions' suppression lists, answered as JSON.
//
// A change is one line in the region's log (and nowhere else: addresses stay in their region).
//
// Threads: AddRegion before all others; Answer from any. It waits for the disk to look; a change is
// answered on the list's own thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "gateway/app/suppression_request.h"
#include "gateway/base/log.h"
#include "gateway/identity/records.h"
#include "gateway/session/suppression_list.h"

namespace ringpost::app {

class SuppressionDesk {
 public:
  using Done = std::function<void(const identity::Json& answer)>;

  // Both outlive the desk's use.
  void AddRegion(const std::string& name, session::SuppressionList* list, Log* log) {
    regions_[name] = {list, log};
  }
  // `home`: the account's region; empty: it has none. `done` is called once.
  void Answer(SuppressionRequest request, const std::string& home, uint32_t uid, Done done);

 private:
  struct Region {
    session::SuppressionList* list = nullptr;
    Log* log = nullptr;
  };

  std::map<std::string, Region> regions_;
};

}  // namespace ringpost::app
