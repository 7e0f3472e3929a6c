// AcmeService: certificates obtained and renewed by itself (RFC 8555), one for each name: it asks
// for what is missing, for what is two thirds through its lifetime, and again after failures,
// later each time (acme/schedule.h); one name at a time.
//
// The account and each certificate with its key are in the control store before they are used; a
// start goes on with what is there and asks nobody. While a certificate cannot be renewed the old
// one stays in use.
//
// It says in the log: acme_account, acme_challenge, acme_certificate, acme_failed (with the reason,
// the next try, and how long the certificate that is in use still lasts).
//
// Threads: one of its own for all it does. Make, Start, Configure and the end: the main thread;
// certificates() and status(): any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/status.h"
#include "gateway/base/time.h"
#include "gateway/http/acme/messages.h"
#include "gateway/http/acme_challenges.h"
#include "gateway/tls/alpn_challenges.h"
#include "gateway/tls/certificate.h"
#include "gateway/tls/client_context.h"
#include "storage/control_store.h"

namespace ringpost::http {

// [acme], and what belongs to it.
struct AcmeOptions {
  std::string directory;           // URL
  std::string email;               // of a new account; may be empty
  std::vector<std::string> names;  // lower case
  // That can be answered here; where one failed the next try begins with the next of them.
  std::vector<acme::ChallengeKind> challenges;
  std::shared_ptr<const tls::ClientContext> authorities;  // verifies the server
};

struct AcmeNameStatus {
  std::string name;
  std::optional<WallTime> not_after;  // of the certificate in use
  WallTime next_try;                  // renewal, or after a failure
  uint32_t failures = 0;              // in a row
  std::string last_failure;           // in words; empty: the last try did well
};

class AcmeService {
 public:
  // All outlive the service.
  struct Setup {
    storage::ControlStore* store = nullptr;
    Log* log = nullptr;
    tls::AlpnChallenges* alpn_challenges = nullptr;
    AcmeChallenges* http_challenges = nullptr;
    std::string user_agent;
    std::function<void()> changed;  // certificates() differ; called on the service's thread
    WallTime (*wall_clock)() = &ReadWallClock;  // tests set theirs
  };

  // Reads what is stored. A record that does not open is said in the log, and asked for anew.
  static std::unique_ptr<AcmeService> Make(Setup setup, AcmeOptions options);
  virtual ~AcmeService() = default;  // ends what is under way, without waiting for a server

  // Once, when challenges can be answered.
  virtual void Start() = 0;
  // After Start. Other names, another server. Names whose last try failed are tried again at once.
  virtual void Configure(AcmeOptions options) = 0;
  // Of the names that have one, in the order of the names.
  virtual std::vector<std::shared_ptr<const tls::Certificate>> certificates() const = 0;
  virtual std::vector<AcmeNameStatus> status() const = 0;
};

}  // namespace ringpost::http
