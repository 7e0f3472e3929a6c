#include "gateway/app/suppression_desk.h"

#include <utility>

#include "gateway/app/control_json.h"
#include "gateway/base/text.h"
#include "gateway/identity/address_list.h"
#include "gateway/identity/suppression_limits.h"

namespace ringpost::app {
namespace {

using identity::Suppression;
using Outcome = session::SuppressionList::Outcome;
using Outcomes = std::vector<Outcome>;

// Records that a list with a filter looks at for one page; then it says where to go on.
constexpr size_t kLookedAtMax = 100'000;

Json EntryOf(const Suppression& suppression) {
  Json json = {{"entry", suppression.entry},
               {"reason", identity::SuppressionReasonName(suppression.reason)},
               {"since", FormatRfc3339(suppression.time)}};
  if (!suppression.detail.empty()) json["detail"] = suppression.detail;
  if (suppression.message != MessageId()) json["message"] = suppression.message.ToString();
  return json;
}

ControlError StoreError(const Status& status) {
  switch (status.code()) {
    case StatusCode::kResourceExhausted:
      return {"busy", std::string(MessageOf(status)), "try again in a moment"};
    case StatusCode::kUnavailable:
      return {"stopping", std::string(MessageOf(status)), ""};
    default:
      return {"unavailable", "the store of suppressions: " + std::string(MessageOf(status)),
              "see the region's log"};
  }
}

Json ChangesAnswer(const Outcomes& outcomes, bool dry_run) {
  uint64_t counts[5] = {};
  for (Outcome outcome : outcomes) ++counts[static_cast<size_t>(outcome)];
  uint64_t added = counts[0], changed = counts[1], unchanged = counts[2], removed = counts[3];
  Json answer = OkAnswer();
  if (counts[4] > 0) {
    answer = ErrorAnswer({"partial",
                          std::to_string(counts[4]) +
                              " entries were not added: the list of a region has at most " +
                              std::to_string(identity::limits::kSuppressionEntriesMax),
                          "remove entries that are not needed any more"});
  }
  answer["dry_run"] = dry_run;
  answer["added"] = added;
  answer["changed"] = changed;
  answer["removed"] = removed;
  answer["unchanged"] = unchanged;
  answer["affected"] = dry_run ? 0 : added + changed + removed;
  return answer;
}

void LogChanges(const SuppressionRequest& request, uint32_t uid, const Json& answer,
                const std::string& first, Log* log) {
  LogLine line(ReadWallClock(), "suppressions_changed");
  line.Text("account", request.account).Number("uid", uid);
  for (const char* name : {"added", "changed", "removed", "unchanged"}) {
    line.Number(name, static_cast<int64_t>(answer[name].get<uint64_t>()));
  }
  line.Text("first", first).To(*log);
}

void Change(session::SuppressionList* list, SuppressionRequest request, uint32_t uid, Log* log,
            const SuppressionDesk::Done& done) {
  if (request.dry_run) return done(ChangesAnswer(list->Try(request.changes), true));
  WallTime now = ReadWallClock();
  for (session::SuppressionStore::Change& change : request.changes) {
    change.account = request.account_id;
    if (change.suppression && change.suppression->time == WallTime()) {
      change.suppression->time = now;
    }
  }
  std::string first = identity::ListEntry(request.changes.front().key);
  auto changes = std::move(request.changes);
  list->Change(std::move(changes), [request = std::move(request), first = std::move(first), uid,
                                    log, done](const Status& status, const Outcomes& outcomes) {
    if (!status.ok()) return done(ErrorAnswer(StoreError(status)));
    Json answer = ChangesAnswer(outcomes, false);
    LogChanges(request, uid, answer, first, log);
    done(answer);
  });
}

// Entries of a domain are next to each other: its own and those of its addresses.
bool OfDomain(std::string_view key, const std::string& domain) {
  return key.starts_with(domain) && (key.size() == domain.size() || key[domain.size()] == '@');
}

Json List(session::SuppressionList* list, const SuppressionRequest& request) {
  Json answer = OkAnswer();
  Json entries = Json::array();
  std::string last;
  bool more = false;
  size_t looked_at = 0;
  const std::string& domain = request.domain;
  std::string after = request.after;
  if (!domain.empty() && after < domain) {
    // In front of it there is nothing to see; it has no key of its own that is less.
    after = domain;
    after.back() = static_cast<char>(after.back() - 1);
    after.append(identity::limits::kSuppressionKeyBytesMax - after.size(), '\x7f');
  }
  auto each = [&](std::string_view key, const Suppression& suppression) {
    if (!domain.empty() && !key.starts_with(domain)) return key < domain;
    if (entries.size() >= request.limit || looked_at >= kLookedAtMax) {
      more = true;
      return false;
    }
    ++looked_at;
    last = key;
    bool meant = (domain.empty() || OfDomain(key, domain)) &&
                 (!request.reason || *request.reason == suppression.reason);
    if (meant) entries.push_back(EntryOf(suppression));
    return true;
  };
  Status read = list->ForEach(request.account_id, after, each);
  if (!read.ok()) return ErrorAnswer(StoreError(read));
  answer["entries"] = std::move(entries);
  if (more) answer["next"] = last;
  return answer;
}

Json Show(session::SuppressionList* list, const SuppressionRequest& request) {
  Json entries = Json::array();
  Status trouble;
  auto look = [&](std::string_view key) {
    auto found = list->Get(request.account_id, key);
    if (!found.ok()) trouble = found.status();
    if (found.ok() && *found) entries.push_back(EntryOf(**found));
    return trouble.ok();
  };
  auto address = identity::ListedAddress::From(request.name);
  if (address.known) {
    identity::ForEachListKey(address, look);
  } else {
    look(*identity::ListKey(request.name));
  }
  if (!trouble.ok()) return ErrorAnswer(StoreError(trouble));
  if (entries.empty()) {
    return ErrorAnswer(
        {"not_found",
         "nothing on this list keeps mail from \"" + Printable(request.name, 100) + "\"", ""});
  }
  Json answer = OkAnswer();
  answer["entries"] = std::move(entries);
  return answer;
}

}  // namespace

void SuppressionDesk::Answer(SuppressionRequest request, const std::string& home, uint32_t uid,
                             Done done) {
  std::string names;
  for (const auto& [name, region] : regions_) names += (names.empty() ? "" : ", ") + name;
  std::string wanted = request.region.empty() ? home : request.region;
  auto region = wanted.empty() && regions_.size() == 1 ? regions_.begin() : regions_.find(wanted);
  if (region == regions_.end()) {
    return done(ErrorAnswer(
        wanted.empty()
            ? ControlError{"bad_request",
                           "each region has a list of its own, and this account has no region",
                           "name one: " + names}
            : ControlError{"not_found", "there is no region \"" + Printable(wanted, 64) + "\"",
                           "regions: " + names}));
  }
  auto [list, log] = region->second;
  Done with_region = [name = region->first, done = std::move(done)](const Json& answer) {
    Json whole = answer;
    whole["region"] = name;
    done(whole);
  };
  switch (request.command) {
    case ControlCommand::kSuppressionAdd:
    case ControlCommand::kSuppressionRemove:
      return Change(list, std::move(request), uid, log, with_region);
    case ControlCommand::kSuppressionShow:
      return with_region(Show(list, request));
    default:
      return with_region(List(list, request));
  }
}

}  // namespace ringpost::app
