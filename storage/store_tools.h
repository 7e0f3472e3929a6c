// What `ringpost store check | salvage | export-queue` do, as a library. They work on a store that
// no ringpostd has open, and take its lock: FAILED_PRECONDITION where one has. check and
// export-queue change nothing in it, salvage writes to a new directory.
//
// A store may be damaged in the middle of its log, in a table file, in a blob file, in its key
// slots. What is whole is used; what is not is named: by message where a message can still be told,
// by file and place where not.
//
// Threads: the caller's; they block for as long as the store is large. `progress` may be empty.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"
#include "storage/records.h"
#include "storage/spool_options.h"

namespace ringpost::storage {

struct StoreDamage {
  std::string where;  // a message id, or a file
  std::string what;   // in words
};

struct StoreReport {
  uint64_t messages = 0;            // found, whole or not
  uint64_t whole = 0;               // of these: every row decodes and every chunk opens
  uint64_t body_bytes = 0;          // of the whole ones
  uint64_t orphan_streams = 0;      // bodies that were never accepted: swept at the next start
  std::vector<StoreDamage> damage;  // at most kStoreDamageListMax; damage_total counts on
  uint64_t damage_total = 0;
  bool opens = false;  // ringpostd would start on it as it is
};

using ToolProgress = std::function<void(uint64_t messages)>;

// Opens the store as ringpostd would, without writing, and reads every message. An error only where
// there is nothing to look at (no store, no key): damage is in the report.
Status CheckStore(const SpoolOptions& options, StoreReport* report, const ToolProgress& progress);

// Copies what is whole into a new store at `out_path` (which must not exist), with new epoch keys
// under the same store key. Needs room for a second store. Sealed bodies are copied as they are.
Status SalvageStore(const SpoolOptions& options, const std::string& out_path, StoreReport* report,
                    const ToolProgress& progress);

// One message of the queue, given out by ExportQueue: first Begin, then its body in parts, then
// End. A status that is not OK ends the export.
class ExportSink {
 public:
  virtual ~ExportSink() = default;
  virtual Status Begin(const MessageId& id, const StoredEnvelope& envelope,
                       const std::vector<RecipientState>& recipients) = 0;
  virtual Status Body(std::string_view part) = 0;  // trace fields first, then the body
  // `whole` is not OK where the body could not be read to its end.
  virtual Status End(const Status& whole) = 0;
};
Status ExportQueue(const SpoolOptions& options, ExportSink* sink, StoreReport* report,
                   const ToolProgress& progress);

// One line of JSON (without its line feed): id, received, deadline, from, size, and the recipients
// with their states. No body.
std::string ExportLine(const MessageId& id, const StoredEnvelope& envelope,
                       const std::vector<RecipientState>& recipients);

}  // namespace ringpost::storage
