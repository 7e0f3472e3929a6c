// SuppressionStore: a region's suppressions on disk, whole: a control store of its own under the
// region's path (FORMAT.md), so that the addresses of a region's recipients stay there.
//
// Records are sealed; the entry itself is in the key and is not, as in the control store.
//
// Threads: any, one at a time (it locks); every call may wait for the disk. Not for shards.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/status.h"
#include "gateway/identity/suppression.h"
#include "gateway/identity/suppression_table.h"
#include "storage/control_store.h"

namespace ringpost::session {

// What is kept of a suppression, as bytes; and back: DATA_LOSS where they are none.
std::string EncodeSuppression(const identity::Suppression& suppression);
StatusOr<identity::Suppression> DecodeSuppression(std::string_view bytes);

class SuppressionStore {
 public:
  // `path`: made where its parent exists. Refuses what ControlStore refuses.
  static StatusOr<std::unique_ptr<SuppressionStore>> Open(const std::string& path, Log* log);

  // Everything into the table: 10 million entries take some 20 s. DATA_LOSS: a record that cannot
  // be read: an account would write to somebody who has asked not to be written to.
  Status Load(identity::SuppressionTable* table);

  // `key`: of the entry (identity/address_list.h). Nothing: it is removed.
  struct Change {
    uint32_t account = 0;
    std::string key;
    std::optional<identity::Suppression> suppression;
  };
  // All of them or none, in their order; returns when they are on stable storage.
  Status Write(const std::vector<Change>& changes);

  StatusOr<std::optional<identity::Suppression>> Get(uint32_t account, std::string_view key);
  // A page of an account's, by domain, then by local part, behind the key `after`, until `each`
  // says false, which must not call the store. `entry` is as it is written.
  using EachFn =
      std::function<bool(std::string_view key, const identity::Suppression& suppression)>;
  Status ForEach(uint32_t account, std::string_view after, const EachFn& each);

 private:
  explicit SuppressionStore(std::unique_ptr<storage::ControlStore> store)
      : store_(std::move(store)) {}

  std::unique_ptr<storage::ControlStore> store_;
};

}  // namespace ringpost::session
