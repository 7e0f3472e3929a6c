// InboundHost: what the inbound sessions and messages of one region on one shard share. Private to
// the inbound_* files of this room.
//
// Threads: the shard's own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "gateway/session/dispatcher.h"
#include "gateway/session/inbound_policy.h"
#include "storage/spool.h"

namespace ringpost::session {

class InboundConnection;
struct ShardIdentity;

struct InboundHost {
  using AdmitFn = std::function<void(std::unique_ptr<storage::NewMessage>)>;
  using TraceSink = std::function<void(std::string_view line)>;

  const RegionContext* region = nullptr;
  InboundShared* shared = nullptr;
  AdmitFn admit;
  ShardIdentity* identity = nullptr;  // null: nobody can log in

  InboundConnection* first = nullptr;  // all connections, linked through themselves
  size_t connections = 0;
  uint32_t messages = 0;       // between DATA and the store's last answer, client present or not
  uint32_t password_jobs = 0;  // out to workers (inbound_login.h), client present or not
  uint32_t origin_reads = 0;   // asked of the store (inbound_return.h), client present or not
  bool draining = false;

  TraceSink trace;  // null: nobody traces
  IpNetwork trace_network;

  reactor::Io& io() const { return *region->io; }
  bool traced(const IpAddress& client) const { return trace && trace_network.Contains(client); }
};

}  // namespace ringpost::session
