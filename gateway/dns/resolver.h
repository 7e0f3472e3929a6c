// Resolver: asks the DNS, and validates what is signed (RFC 4033), by libunbound.
//
// It asks the servers of the Internet itself, from the root on, unless it is told to ask through
// forwarders. Without a trust anchor nothing is secure, and nothing bogus. What it knows it keeps
// for as long as the records say, "there is none" for limits::kNegativeCacheSecondsMax at most.
//
// Errors: a name that cannot be resolved is an Answer (kFailure, with words), never a Status.
//
// Threads: one at a time; Ask blocks it, for ResolverOptions::ask_millis at most. The library has a
// thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/dns/answer.h"
#include "gateway/dns/dns_limits.h"

namespace ringpost::dns {

struct ResolverOptions {
  // Resolvers that are asked for all; they should be close, and let DNSSEC through.
  std::vector<Endpoint> forwarders;
  // A zone whose server is known; "" is the root, for a DNS of one's own.
  struct Stub {
    std::string zone;
    Endpoint server;
  };
  std::vector<Stub> stubs;
  std::string trust_anchors_file;  // DS or DNSKEY records; empty: none
  std::string root_hints_file;     // empty: those that the library has
  uint32_t ask_millis = limits::kAskMillisDefault;
  // Records and failures are kept no longer; 0: not at all. Nothing: as they say.
  std::optional<uint32_t> cache_seconds_max;
};

class Resolver {
 public:
  // INVALID_ARGUMENT: a file that cannot be read, or an option that the library refuses; in words.
  static StatusOr<std::unique_ptr<Resolver>> Create(const ResolverOptions& options);
  ~Resolver();  // questions that nobody waits for end with it
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  Answer Ask(const Question& question);
  // All at once, limits::kQuestionsAtOnceMax of them; the answers are in their order.
  std::vector<Answer> AskAll(std::span<const Question> questions);

 private:
  struct Impl;
  explicit Resolver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::dns
