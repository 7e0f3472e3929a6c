// NetRig: the same stream tests over the real ring with loopback sockets and over the simulated
// ring.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/reactor/io.h"

namespace ringpost::reactor {

// A scripted end of a connection, outside the Io under test.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void Write(std::string_view bytes) = 0;
  virtual const std::string& received() = 0;
  virtual size_t unsent_bytes() = 0;  // of what was written
  virtual void SetReading(bool on) = 0;
  virtual void HalfClose() = 0;
  virtual void Reset() = 0;
  virtual void Close() = 0;
  virtual bool ended() = 0;
};

class NetRig {
 public:
  virtual ~NetRig() = default;
  virtual Io& io() = 0;
  // A descriptor for a Listener, closed by StopListening.
  virtual int Listen(Endpoint* local) = 0;
  virtual void StopListening(int fd) = 0;
  virtual std::unique_ptr<Peer> Connect(const Endpoint& server) = 0;
  // A place where peers accept; each goes to `serve`.
  virtual Endpoint Serve(std::function<void(std::unique_ptr<Peer>)> serve) = 0;
  // A place where connects are refused.
  virtual Endpoint Refusing() = 0;
  // Runs loop and peers until `done`; false where it did not come.
  virtual bool RunUntil(const std::function<bool()>& done) = 0;
  // Runs them for a while (`span` of the rig's time).
  virtual void RunFor(Millis span) = 0;
  // Whether it is the real kernel, with its own buffer sizes and no faults made on purpose.
  virtual bool real() const = 0;
};

struct RigOptions {
  uint64_t seed = 0;  // 0: the real ring
  uint32_t buffer_bytes = 8 * 1024;
  uint32_t buffer_count = 256;
};
std::unique_ptr<NetRig> MakeRealRig(const RigOptions& options);
std::unique_ptr<NetRig> MakeSimRig(const RigOptions& options);

}  // namespace ringpost::reactor
