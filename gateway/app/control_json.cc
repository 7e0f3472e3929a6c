#include "gateway/app/control_json.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "gateway/base/counters.h"

namespace ringpost::app {
namespace {

Json SpoolJson(const storage::SpoolHealth& spool) {
  Json json;
  json["accepting"] = spool.accepting;
  json["reason"] = spool.reason;
  json["free_bytes"] = spool.free_bytes;
  json["messages"] = spool.messages;
  json["memtable_bytes"] = spool.memtable_bytes;
  json["block_cache_bytes"] = spool.block_cache_bytes;
  json["flushed_bytes"] = spool.flushed_bytes;
  json["wal_bytes"] = spool.wal_bytes;
  json["backlog_requests"] = spool.backlog_requests;
  json["commit_p50_us"] = spool.commit_p50_micros;
  json["commit_p99_us"] = spool.commit_p99_micros;
  json["key_memory_locked"] = spool.key_memory_locked;
  return json;
}

Json AcmeJson(const http::AcmeNameStatus& name) {
  return {{"name", name.name},
          {"not_after", name.not_after ? Json(FormatRfc3339(*name.not_after)) : Json(nullptr)},
          {"next_try", FormatRfc3339(name.next_try)},
          {"failures", name.failures},
          {"last_failure", name.last_failure}};
}

Json ShardJson(size_t index, const ShardStatus& shard) {
  Json json = {{"shard", index},
               {"connections", shard.connections},
               {"pool_bytes", shard.pool_bytes},
               {"pool_bytes_held", shard.pool_bytes_held}};
  Json counters = Json::object();
  for (size_t i = 0; i < shard.counters.size() && i < kCounterCount; ++i) {
    counters[std::string(CounterName(static_cast<Counter>(i)))] = shard.counters[i];
  }
  json["counters"] = std::move(counters);
  return json;
}

}  // namespace

std::string JsonLine(const Json& object) {
  std::string line = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  line.push_back('\n');
  return line;
}

Json OkAnswer() { return {{"ok", true}}; }

Json ErrorAnswer(const ControlError& error) {
  Json inner = {{"code", error.code}, {"message", error.message}};
  if (!error.hint.empty()) inner["hint"] = error.hint;
  return {{"ok", false}, {"error", std::move(inner)}};
}

Json StatusJson(const GatewayStatus& status, WallTime now) {
  utsname kernel{};
  ::uname(&kernel);
  Json json = {{"version", status.version},
               {"state", status.state},
               {"hostname", status.hostname},
               {"pid", ::getpid()},
               {"kernel", kernel.release},
               {"reactor_features", status.reactor_features},
               {"config", status.config_path},
               {"started", FormatRfc3339(status.started)},
               {"uptime_seconds", (now - status.started) / Seconds(1)},
               {"config_loaded", FormatRfc3339(status.config_loaded)},
               {"memory_bytes", status.memory_bytes},
               {"memory_ceiling_bytes", status.memory_ceiling_bytes},
               {"open_files_max", status.open_files_max},
               {"listeners", status.listeners}};
  json["regions"] = Json::array();
  for (const RegionStatus& region : status.regions) {
    json["regions"].push_back({{"region", region.name},
                               {"queued_entries", region.queued_entries},
                               {"held_body_bytes", region.held_body_bytes},
                               {"scan_done", region.scan_done},
                               {"spool", SpoolJson(region.spool)}});
  }
  for (const http::AcmeNameStatus& name : status.acme) json["acme"].push_back(AcmeJson(name));
  json["shards"] = Json::array();
  for (size_t i = 0; i < status.shards.size(); ++i) {
    json["shards"].push_back(ShardJson(i, status.shards[i]));
  }
  json["counters"] = Json::object();
  for (const auto& [name, value] : status.counters) json["counters"][std::string(name)] = value;
  return json;
}

Json SummaryRowJson(std::string_view region, const session::QueueSummaryRow& row) {
  return {{"region", region},
          {"domain", row.domain},
          {"next_hop", row.next_hop},
          {"queued", row.queued},
          {"deferred", row.deferred},
          {"held", row.held},
          {"delivering", row.delivering},
          {"suspended", row.suspended},
          {"oldest", row.oldest ? Json(FormatRfc3339(*row.oldest)) : Json(nullptr)}};
}

Json EntryJson(std::string_view region, const session::QueueEntryView& entry) {
  return {{"id", entry.id.ToString()},
          {"region", region},
          {"state", entry.state},
          {"sender", entry.sender},
          {"recipients", entry.recipients},
          {"recipients_open", entry.recipients_open},
          {"next_hop", entry.next_hop},
          {"attempts", entry.attempts},
          {"received", FormatRfc3339(entry.received)},
          {"next_attempt", FormatRfc3339(entry.next_attempt)},
          {"deadline", FormatRfc3339(entry.deadline)},
          {"bytes", entry.bytes},
          {"last_reply", entry.last_reply}};
}

Json SuspensionJson(std::string_view region, const session::Suspension& suspension) {
  return {{"region", region},
          {"domain", suspension.domain},
          {"next_hop", suspension.next_hop},
          {"until", FormatRfc3339(suspension.until)}};
}

Json ReloadJson(const ReloadOutcome& outcome) {
  return {{"applied", outcome.applied},
          {"words", outcome.words},
          {"needs_restart", outcome.needs_restart}};
}

Json ConfigJson(const ConfigCheck& check) {
  return {{"path", check.path}, {"valid", check.ok}, {"errors", check.errors}};
}

}  // namespace ringpost::app
