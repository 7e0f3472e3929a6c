#include "gateway/session/lookup_flight.h"

#include <algorithm>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/dns/mta_sts.h"
#include "gateway/session/host_addresses.h"

namespace ringpost::session {

using dns::Answer;
using dns::Question;
using dns::RecordType;

std::vector<Question> LookupFlight::First() const {
  if (kind_ != Kind::kExchangers) return {{name_, RecordType::kAaaa}, {name_, RecordType::kA}};
  std::vector<Question> questions = {{name_, RecordType::kMx}};
  if (rules_->policies) questions.push_back(dns::StsRecordQuestion(name_));
  return questions;
}

const Answer& LookupFlight::Of(RecordType type) const {
  auto found = std::find_if(answers_.begin(), answers_.end(),
                            [&](const Answer& one) { return one.question.type == type; });
  RP_CHECK(found != answers_.end());
  return *found;
}

LookupFlight::Next LookupFlight::Take(Answer answer) {
  if (dane_) {
    dane_->Take(answer);
    return dane_->next() ? Next::kAsk : Next::kDone;
  }
  answers_.push_back(std::move(answer));
  return answers_.size() < First().size() ? Next::kWait : AfterAnswers();
}

LookupFlight::Next LookupFlight::AfterAnswers() {
  switch (kind_) {
    case Kind::kAddresses:
      return Next::kDone;
    case Kind::kDane:
      // One connection carries the mail of all domains that the host serves, so that a certificate
      // for one of these alone proves nothing here (decisions/061).
      dane_.emplace(dns::DaneLookup::Target{.host = name_}, Of(RecordType::kA),
                    Of(RecordType::kAaaa));
      return dane_->next() ? Next::kAsk : Next::kDone;
    case Kind::kExchangers:
      break;
  }
  dns::Exchangers found = dns::ReadExchangers(Of(RecordType::kMx), rules_->own_names);
  bool hosts = found.outcome == dns::Exchangers::Outcome::kHosts;
  return hosts && rules_->policies ? Next::kPolicy : Next::kDone;
}

LookupFlight::Next LookupFlight::SetPolicy(StsVerdict policy) {
  policy_ = std::move(policy);
  return Next::kDone;
}

void LookupFlight::Fail(std::string_view words, Answer::Failure failure) {
  dane_.reset();
  answers_.clear();
  for (const Question& question : First()) {
    answers_.push_back(dns::FailedAnswer(question, words, failure));
  }
}

void LookupFlight::Reply() const {
  if (kind_ == Kind::kExchangers) {
    ReplyExchangers();
  } else {
    ReplyAddresses();
  }
}

void LookupFlight::ReplyExchangers() const {
  dns::Exchangers found = dns::ReadExchangers(Of(RecordType::kMx), rules_->own_names);
  for (Posted* asker : askers) {
    auto* request = static_cast<ExchangersRequest*>(asker);
    request->found = found;
    request->policy = policy_;
    request->reply_to->Post(request);
  }
}

void LookupFlight::ReplyAddresses() const {
  HostAddresses found =
      ReadHostAddresses(Of(RecordType::kAaaa), Of(RecordType::kA), rules_->targets);
  dns::TlsaSet tlsa;
  if (dane_) tlsa = dane_->found();
  // Whether the host has TLSA records that it must be held to is not known, so that it cannot be
  // spoken to (RFC 7672 section 2.2); what is known of its addresses makes no difference.
  if (dane_ && !tlsa.known() && !found.addresses.empty()) {
    found.addresses.clear();
    found.error = "its TLSA records (DANE) cannot be had: " + tlsa.words;
  }
  for (Posted* asker : askers) {
    auto* request = static_cast<HostRequest*>(asker);
    request->addresses = found.addresses;
    request->error = found.error;
    request->no_address = found.no_address;
    request->tlsa = tlsa;
    request->reply_to->Post(request);
  }
}

}  // namespace ringpost::session
