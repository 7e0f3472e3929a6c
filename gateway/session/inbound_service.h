// InboundService: mail in, for one region on one shard: its connections and their life.
//
// It owns its connections (inbound_connection.h) and the messages on their way to the store
// (inbound_message.h). What is durable goes to `admit`, which is the region's Dispatcher.
//
// Threads: the shard's own. It must outlive its connections: destroy it only when idle() after
// BeginDrain or Abort.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "gateway/session/dispatcher.h"
#include "gateway/session/inbound_policy.h"

namespace ringpost::session {

struct InboundHost;
struct ShardIdentity;

class InboundService {
 public:
  using AdmitFn = std::function<void(std::unique_ptr<storage::NewMessage>)>;
  using TraceSink = std::function<void(std::string_view line)>;

  // `region`, `shared` and `identity` outlive it. `identity` null: AUTH is answered 454.
  InboundService(const RegionContext* region, InboundShared* shared, AdmitFn admit,
                 ShardIdentity* identity = nullptr);
  ~InboundService();
  InboundService(const InboundService&) = delete;
  InboundService& operator=(const InboundService&) = delete;

  // Takes an accepted descriptor.
  void Accept(int fd, std::shared_ptr<const ListenerPolicy> policy);
  // 421 to sessions that are idle, and to the others once their transaction is over.
  void BeginDrain();
  // Ends every connection without waiting. Messages at the store are still settled and admitted.
  void Abort();
  // Memory is short: 421 to the sessions that are idle now.
  void CloseIdle();
  size_t connections() const;
  // No connection is open, no message waits for the store, no password for a worker.
  bool idle() const;

  // `ringpost trace`: lines of sessions whose client lies in `client` go to `sink` until Untrace.
  void Trace(const IpNetwork& client, TraceSink sink);
  void Untrace();

 private:
  std::unique_ptr<InboundHost> host_;
};

}  // namespace ringpost::session
