#include "gateway/http/acme/issuance.h"

#include <algorithm>
#include <utility>

#include "gateway/base/base64url.h"
#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/http/acme/jws.h"
#include "gateway/http/acme/schedule.h"
#include "gateway/http/acme/url.h"
#include "gateway/tls/certificate.h"

namespace ringpost::acme {
namespace {

std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  AppendJsonEscaped(&quoted, text);
  return quoted + "\"";
}

bool IsMediaType(std::string_view field, std::string_view type) {
  return EqualsIgnoreCase(TrimSpace(field.substr(0, field.find(';'))), type);
}

}  // namespace

Issuance::Issuance(Options options, MonoTime now)
    : options_(std::move(options)), deadline_(now + Seconds(limits::kAcmeAttemptSeconds)) {
  RP_CHECK(!options_.challenges.empty() && options_.account_key && options_.certificate_key);
  if (!ParseUrl(options_.directory)) Fail("the directory is no https URL");
}

// --- Out

std::string Issuance::UrlOf(Step step) const {
  switch (step) {
    case Step::kDirectory:
      return options_.directory;
    case Step::kAccount:
      return directory_.new_account;
    case Step::kOrder:
      return directory_.new_order;
    case Step::kAuthorization:
    case Step::kAuthorizationPoll:
      return order_.authorizations[authorization_];
    case Step::kChallenge:
      return challenge_.url;
    case Step::kOrderPoll:
      return order_url_;
    case Step::kFinalize:
      return order_.finalize;
    case Step::kCertificate:
      return order_.certificate;
    case Step::kPublish:
    case Step::kDone:
    case Step::kFailed:
      break;
  }
  return "";
}

// Empty: POST-as-GET.
std::string Issuance::PayloadOf(Step step) const {
  switch (step) {
    case Step::kAccount:
      return R"({"termsOfServiceAgreed":true)" +
             (options_.email.empty() ? ""
                                     : ",\"contact\":[" + Quote("mailto:" + options_.email) + "]") +
             "}";
    case Step::kOrder:
      return R"({"identifiers":[{"type":"dns","value":)" + Quote(options_.name) + "}]}";
    case Step::kChallenge:
      return "{}";
    case Step::kFinalize:
      return "{\"csr\":\"" + Base64Url(options_.certificate_key->MakeRequest({options_.name})) +
             "\"}";
    default:
      return "";
  }
}

Issuance::Action Issuance::Next(MonoTime now) {
  Action action;
  bool over = step_ == Step::kDone || step_ == Step::kFailed;
  if (!over && now >= deadline_) {
    Fail("it was not done within " + std::to_string(limits::kAcmeAttemptSeconds) + " s");
  } else if (!over && requests_ >= limits::kAcmeRequestsMax) {
    Fail("it was not done within " + std::to_string(limits::kAcmeRequestsMax) + " requests");
  }
  if (step_ == Step::kDone || step_ == Step::kFailed) {
    action.kind = step_ == Step::kDone ? ActionKind::kDone : ActionKind::kFailed;
    return action;
  }
  if (wait_ > Millis(0)) {
    action.kind = ActionKind::kWait;
    action.wait = std::exchange(wait_, Millis(0));
    return action;
  }
  if (step_ == Step::kPublish) {
    action.kind = ActionKind::kPublish;
    action.answer = {challenge_.kind, options_.name, challenge_.token,
                     challenge_.token + "." + options_.account_key->Thumbprint()};
    step_ = Step::kChallenge;
    return action;
  }
  return Ask();
}

Issuance::Action Issuance::Ask() {
  Action action;
  nonce_asked_ = step_ != Step::kDirectory && nonce_.empty();
  action.request.url = nonce_asked_ ? directory_.new_nonce : UrlOf(step_);
  if (ParseUrl(action.request.url)->authority != ParseUrl(options_.directory)->authority) {
    Fail("the server leads to another host: " + action.request.url);
    return action;
  }
  action.kind = ActionKind::kSend;
  ++requests_;
  if (nonce_asked_) action.request.method = Method::kHead;
  if (nonce_asked_ || step_ == Step::kDirectory) return action;
  action.request.method = Method::kPost;
  action.request.body =
      SignRequest(*options_.account_key, step_ == Step::kAccount ? "" : options_.account_url,
                  action.request.url, std::exchange(nonce_, ""), PayloadOf(step_));
  return action;
}

// --- In

void Issuance::OnNoAnswer(std::string_view why) {
  Fail(Printable(why, limits::kAcmeWordsBytesMax));
}

void Issuance::OnAnswer(const Answer& answer, WallTime now) {
  if (step_ == Step::kDone || step_ == Step::kFailed) return;
  if (IsBase64Url(answer.replay_nonce) &&
      answer.replay_nonce.size() <= limits::kAcmeTokenBytesMax) {
    nonce_ = answer.replay_nonce;
  }
  if (answer.status < 200 || answer.status > 299) {
    Refused(answer, now);
    return;
  }
  if (std::exchange(nonce_asked_, false)) {
    if (nonce_.empty()) Fail("the server gave no nonce where it is to give them");
    return;
  }
  switch (step_) {
    case Step::kDirectory:
      TakeDirectory(answer);
      break;
    case Step::kAccount:
      TakeAccount(answer);
      break;
    case Step::kOrder:
      TakeNewOrder(answer, now);
      break;
    case Step::kAuthorization:
    case Step::kAuthorizationPoll:
      TakeAuthorization(answer, now);
      break;
    case Step::kChallenge:
      Poll(Step::kAuthorizationPoll, answer, now);
      break;
    case Step::kOrderPoll:
    case Step::kFinalize:
      finalized_ |= step_ == Step::kFinalize;
      TakeOrder(answer, now);
      break;
    case Step::kCertificate:
      TakeCertificate(answer, now);
      break;
    case Step::kPublish:
    case Step::kDone:
    case Step::kFailed:
      break;
  }
}

void Issuance::Refused(const Answer& answer, WallTime now) {
  if (answer.status >= 300 && answer.status <= 399) {
    Fail("the server answered " + std::to_string(answer.status) +
         ", a redirect; these are not followed: give the URL it leads to");
    return;
  }
  Problem problem = ParseProblem(answer.status, answer.body);
  bool signed_one = step_ != Step::kDirectory && !nonce_asked_;
  if (signed_one && problem.type == "badNonce" && ++nonce_tries_ <= limits::kAcmeNonceTriesMax) {
    return;  // the same again, with the nonce that came along or a new one
  }
  if (signed_one && problem.type == "accountDoesNotExist" && step_ != Step::kAccount &&
      !std::exchange(account_renewed_, true)) {
    options_.account_url.clear();
    step_ = Step::kAccount;
    return;
  }
  if (signed_one && problem.type == "orderNotReady" && step_ == Step::kFinalize) {
    Poll(Step::kOrderPoll, answer, now);
    return;
  }
  failure_.retry_after = ParseRetryAfter(answer.retry_after, now).value_or(Seconds(0));
  Fail(problem.words);
}

// The next look at `step`, after what the server asks for or a growing wait.
void Issuance::Poll(Step step, const Answer& answer, WallTime now) {
  constexpr Millis kLeast(limits::kAcmePollMillisMin), kMost(limits::kAcmePollMillisMax);
  step_ = step;
  Millis ours = std::min(kLeast * (int64_t{1} << std::min(polls_++, 10u)), kMost);
  auto asked = ParseRetryAfter(answer.retry_after, now);
  wait_ = asked ? std::clamp<Millis>(*asked, kLeast, kMost) : ours;
}

void Issuance::TakeDirectory(const Answer& answer) {
  auto directory = ParseDirectory(answer.body);
  if (!directory.ok()) {
    Fail(std::string(MessageOf(directory.status())));
    return;
  }
  if (directory->external_account_required) {
    Fail(
        "the server wants accounts that are bound to one of its own (externalAccountRequired), "
        "which is not supported; take another");
    return;
  }
  directory_ = std::move(*directory);
  step_ = options_.account_url.empty() ? Step::kAccount : Step::kOrder;
}

void Issuance::TakeAccount(const Answer& answer) {
  auto state = ParseAccount(answer.body);
  if (!state.ok()) {
    Fail(std::string(MessageOf(state.status())));
  } else if (*state != State::kValid) {
    Fail("the server has closed this account");
  } else if (!ParseUrl(answer.location)) {
    Fail("the server gave no https URL of the account");
  } else {
    options_.account_url = answer.location;
    step_ = Step::kOrder;
  }
}

void Issuance::TakeNewOrder(const Answer& answer, WallTime now) {
  if (!ParseUrl(answer.location)) {
    Fail("the server gave no https URL of the order");
    return;
  }
  order_url_ = answer.location;
  authorization_ = 0;
  TakeOrder(answer, now);
}

void Issuance::TakeOrder(const Answer& answer, WallTime now) {
  auto order = ParseOrder(answer.body);
  if (!order.ok()) {
    Fail(std::string(MessageOf(order.status())));
  } else if (order->names != std::vector<std::string>{options_.name}) {
    Fail("the server's order is for something else than " + options_.name);
  } else {
    FollowOrder(*order, answer, now);
  }
}

void Issuance::FollowOrder(const Order& order, const Answer& answer, WallTime now) {
  bool fresh = step_ == Step::kOrder;
  order_ = order;
  switch (order.state) {
    case State::kPending:
      if (fresh) {
        step_ = Step::kAuthorization;
      } else {
        Poll(Step::kOrderPoll, answer, now);
      }
      return;
    case State::kReady:
      if (finalized_) {
        Fail("the server has forgotten that the order was finalized");
      } else {
        step_ = Step::kFinalize;
      }
      return;
    case State::kProcessing:
      Poll(Step::kOrderPoll, answer, now);
      return;
    case State::kValid:
      if (finalized_) {
        step_ = Step::kCertificate;
      } else {
        Fail("the server has issued what nobody asked for");
      }
      return;
    case State::kInvalid:
    case State::kOther:
      Fail("the order came to nothing" + (order.error.empty() ? "" : ": " + order.error));
      return;
  }
}

void Issuance::TakeAuthorization(const Answer& answer, WallTime now) {
  auto authorization = ParseAuthorization(answer.body);
  if (!authorization.ok()) {
    Fail(std::string(MessageOf(authorization.status())));
    return;
  }
  if (authorization->name != options_.name) {
    Fail("the server's authorization is for something else than " + options_.name);
    return;
  }
  switch (authorization->state) {
    case State::kPending:
    case State::kProcessing:
      if (step_ == Step::kAuthorization) {
        ChooseChallenge(*authorization);
      } else {
        Poll(Step::kAuthorizationPoll, answer, now);
      }
      return;
    case State::kValid:
      NextAuthorization();
      return;
    default:
      Fail("the server did not find that this host has the name" +
           (authorization->error.empty() ? "" : ": " + authorization->error));
  }
}

void Issuance::ChooseChallenge(const Authorization& authorization) {
  for (ChallengeKind wanted : options_.challenges) {
    auto found = std::find_if(authorization.challenges.begin(), authorization.challenges.end(),
                              [&](const Challenge& one) { return one.kind == wanted; });
    if (found == authorization.challenges.end()) continue;
    challenge_ = *found;
    step_ = Step::kPublish;
    return;
  }
  std::string kinds;
  for (ChallengeKind kind : options_.challenges) {
    kinds.append(kinds.empty() ? "" : ", ").append(ChallengeName(kind));
  }
  Fail("the server offers none of the challenges that can be answered here: " + kinds);
}

void Issuance::NextAuthorization() {
  polls_ = 0;
  ++authorization_;
  step_ = authorization_ < order_.authorizations.size() ? Step::kAuthorization : Step::kOrderPoll;
}

// The chain, the key and the name must fit each other, and nobody else's name be among them.
void Issuance::TakeCertificate(const Answer& answer, WallTime now) {
  if (!IsMediaType(answer.content_type, "application/pem-certificate-chain")) {
    Fail("the server's certificate is no application/pem-certificate-chain");
    return;
  }
  std::string key = options_.certificate_key->ToPem();
  WipedAtEnd wiped(&key);
  auto certificate = tls::Certificate::Parse(
      answer.body, key, {"the server's certificate", "the key it was asked for with"}, now);
  if (!certificate.ok()) {
    Fail(std::string(MessageOf(certificate.status())));
    return;
  }
  if ((*certificate)->names() != std::vector<std::string>{options_.name}) {
    Fail("the server's certificate is for something else than " + options_.name);
    return;
  }
  chain_ = answer.body;
  step_ = Step::kDone;
}

void Issuance::Fail(const std::string& words) {
  failure_.words = Printable(words, 2 * limits::kAcmeWordsBytesMax);
  step_ = Step::kFailed;
}

}  // namespace ringpost::acme
