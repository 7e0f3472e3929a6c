// AsyncResolver: Resolver for who has many questions at once and no thread for each.
//
//   resolver->Start(question, asker);          // any number, while open() < kQuestionsInFlightMax
//   poll({resolver->fd(), ...}, resolver->UntilDue());
//   for (AsyncResolver::Done& done : resolver->Process()) ...
//
// Every question comes back once, by Process: with its answer, or ResolverOptions::ask_millis after
// its Start with a failure. A question that is given up the library goes on asking for a while, so
// that it may know more when it is asked again.
//
// Errors: as Resolver, an Answer.
//
// Threads: one at a time; nothing blocks. The library has a thread of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/dns/answer.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/resolver.h"

namespace ringpost::dns {

class AsyncResolver {
 public:
  struct Done {
    void* asker = nullptr;  // as it was given
    Answer answer;
  };

  // As Resolver::Create.
  static StatusOr<std::unique_ptr<AsyncResolver>> Create(const ResolverOptions& options);
  ~AsyncResolver();  // open questions end with it, and come back no more
  AsyncResolver(const AsyncResolver&) = delete;
  AsyncResolver& operator=(const AsyncResolver&) = delete;

  // At limits::kQuestionsInFlightMax the answer is a failure.
  void Start(const Question& question, void* asker);
  // Questions that are in work, or whose answer waits for Process.
  size_t open() const;
  // Readable: Process has something to do.
  int fd() const;
  // How long it may be left alone though nothing can be read; Millis::max(): nothing is open.
  Millis UntilDue() const;
  std::vector<Done> Process();

 private:
  struct Impl;
  explicit AsyncResolver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::dns
