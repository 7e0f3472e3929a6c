// Issuance: one attempt to obtain one certificate for one name from an ACME server (RFC 8555
// section 7), without sockets: it says what to do next, and is told what came of it.
//
//   while (true) {
//     Issuance::Action action = issuance.Next(now);
//     switch (action.kind) {
//       case kSend:     ...send action.request, then OnAnswer, or OnNoAnswer; break;
//       case kWait:     ...let action.wait pass; break;
//       case kPublish:  ...answer whoever asks for action.answer, as its kind has it; break;
//       case kDone:     ...chain() is the certificate; return;
//       case kFailed:   ...failure() says why; return;
//     }
//   }
//   ...and what was published is withdrawn.
//
// The way: directory, account (where none is known), order, for each authorization a challenge and
// a look until it is valid, finalize, certificate. A nonce that the server does not like is
// replaced, and the request made again. It begins anew with an account that the server has
// forgotten, once.
//
// The server may lie: URLs that are not https, or lead to another host than the directory's, are
// not followed, nor are redirects; the order, its
// authorizations and the certificate must be for our name alone, the certificate for our key; all
// answers are bounded, and so is the whole attempt, in requests and in time (limits::kAcme...).
//
// Threads: none of its own; the caller's, one at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/time.h"
#include "gateway/http/acme/messages.h"
#include "gateway/tls/acme_key.h"

namespace ringpost::acme {

// What is published for a challenge.
struct ChallengeAnswer {
  ChallengeKind kind = ChallengeKind::kHttp01;
  std::string name;
  std::string token;
  std::string key_authorization;  // section 8.1
};

class Issuance {
 public:
  struct Options {
    std::string directory;                  // URL
    std::string email;                      // of a new account; empty: none is given
    std::string name;                       // a DNS name, lower case
    std::vector<ChallengeKind> challenges;  // the one to be tried first; at least one
    std::shared_ptr<const tls::AcmeKey> account_key, certificate_key;
    std::string account_url;  // empty: there is no account yet
  };
  enum class Method : uint8_t { kGet, kHead, kPost };
  struct Request {
    Method method = Method::kGet;
    std::string url;
    std::string body;  // application/jose+json
  };
  // Header fields as they came; empty where they did not.
  struct Answer {
    int status = 0;
    std::string content_type, location, replay_nonce, retry_after;
    std::string body;  // of at most limits::kAcmeAnswerBytesMax
  };
  enum class ActionKind : uint8_t { kSend, kWait, kPublish, kDone, kFailed };
  struct Action {
    ActionKind kind = ActionKind::kFailed;
    Request request;
    Millis wait{0};
    ChallengeAnswer answer;
  };
  struct Failure {
    std::string words;
    Seconds retry_after{0};  // what the server asked for
  };

  Issuance(Options options, MonoTime now);

  Action Next(MonoTime now);
  // After kSend.
  void OnAnswer(const Answer& answer, WallTime now);
  void OnNoAnswer(std::string_view why);

  // The account that was used, once it is known.
  const std::string& account_url() const { return options_.account_url; }
  // After kDone: PEM, checked.
  const std::string& chain() const { return chain_; }
  const Failure& failure() const { return failure_; }

 private:
  enum class Step : uint8_t {
    kDirectory,
    kAccount,
    kOrder,
    kAuthorization,
    kPublish,
    kChallenge,
    kAuthorizationPoll,
    kOrderPoll,
    kFinalize,
    kCertificate,
    kDone,
    kFailed,
  };

  Action Ask();
  std::string UrlOf(Step step) const;
  std::string PayloadOf(Step step) const;
  void TakeDirectory(const Answer& answer);
  void TakeAccount(const Answer& answer);
  void TakeNewOrder(const Answer& answer, WallTime now);
  void TakeOrder(const Answer& answer, WallTime now);
  void FollowOrder(const Order& order, const Answer& answer, WallTime now);
  void TakeAuthorization(const Answer& answer, WallTime now);
  void ChooseChallenge(const Authorization& authorization);
  void NextAuthorization();
  void TakeCertificate(const Answer& answer, WallTime now);
  void Refused(const Answer& answer, WallTime now);
  void Poll(Step step, const Answer& answer, WallTime now);
  void Fail(const std::string& words);

  Options options_;
  MonoTime deadline_;
  Step step_ = Step::kDirectory;
  Directory directory_;
  std::string nonce_;         // empty: the next POST needs one first
  bool nonce_asked_ = false;  // what is open is the request for one
  uint32_t requests_ = 0, nonce_tries_ = 0, polls_ = 0;
  bool account_renewed_ = false;
  Millis wait_{0};  // before the next action
  std::string order_url_;
  Order order_;
  size_t authorization_ = 0;  // which of order_.authorizations
  Challenge challenge_;
  bool finalized_ = false;
  std::string chain_;
  Failure failure_;
};

}  // namespace ringpost::acme
