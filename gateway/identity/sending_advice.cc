#include "gateway/identity/sending_advice.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "gateway/dns/name.h"
#include "gateway/identity/dmarc_advice.h"
#include "gateway/identity/spf_check.h"

namespace ringpost::identity {
namespace {

using dns::Answer;
using dns::RecordType;

// Loopback, link-local, private, shared, unique local: translated, or not left at all.
constexpr std::string_view kNotSeenOutside[] = {
    "0.0.0.0/8",     "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
    "172.16.0.0/12", "192.168.0.0/16", "::/127",        "fe80::/10",   "fc00::/7"};

bool IsSeenOutside(const IpAddress& address) {
  return std::none_of(
      std::begin(kNotSeenOutside), std::end(kNotSeenOutside),
      [&address](std::string_view text) { return IpNetwork::Parse(text)->Contains(address); });
}

std::string NoAnswer(const std::string& what, const Answer& answer) {
  return what + " cannot be said: the DNS of " + answer.question.name + " does not answer (" +
         answer.words + ")";
}

class Adviser {
 public:
  Adviser(const AdviceSubject& subject, dns::KnownAnswers* known)
      : subject_(subject), known_(known) {
    std::copy_if(subject.sources.begin(), subject.sources.end(), std::back_inserter(sources_),
                 IsSeenOutside);
  }

  std::vector<std::string> All() && {
    Dmarc();
    Spf();
    for (const IpAddress& source : sources_) {
      Forward(source);
      Reverse(source);
    }
    return std::move(words_);
  }

 private:
  void Say(std::string sentence) {
    if (std::find(words_.begin(), words_.end(), sentence) == words_.end()) {
      words_.push_back(std::move(sentence));
    }
  }

  void Dmarc() {
    std::vector<Answer> answers;
    bool all = true;
    for (const dns::Question& question : DmarcQuestions(subject_.domain)) {
      const Answer* answer = known_->Find(question);
      all = all && answer != nullptr;
      if (answer != nullptr) answers.push_back(*answer);
    }
    if (!all) return;
    for (std::string& sentence : DmarcAdvice(subject_.domain, answers)) Say(std::move(sentence));
  }

  void Spf() {
    const Answer* record = known_->Find({subject_.return_path, RecordType::kTxt});
    if (record == nullptr || !LeadsToUs(*record)) return;
    SpfVerdict there = FindSpf(subject_.return_path, known_);
    if (there.result != SpfResult::kNeutral || sources_.empty()) return SaySpf(there, "");
    for (const IpAddress& source : sources_) {
      SaySpf(CheckSpf(source, subject_.return_path, known_), source.ToString());
    }
  }

  bool LeadsToUs(const Answer& answer) const {
    return std::any_of(
        answer.aliases.begin(), answer.aliases.end(),
        [this](const dns::Alias& alias) { return alias.target == subject_.return_path_target; });
  }

  // `source`: of a check; of the record alone: "".
  void SaySpf(const SpfVerdict& verdict, const std::string& source) {
    const std::string& name = subject_.return_path;
    switch (verdict.result) {
      case SpfResult::kNone:
        return Say("the return path " + name +
                   " has no SPF record: the operator's zone has to have it (ringpost dns zone)");
      case SpfResult::kTempError:
        return Say("whether SPF passes at the return path " + name +
                   " cannot be said: " + verdict.words);
      case SpfResult::kPermError:
        return Say("SPF fails at the return path " + name + ": " + verdict.words);
      case SpfResult::kFail:
      case SpfResult::kSoftFail:
        break;
      case SpfResult::kNeutral:
        if (source.empty()) return;
        break;
      default:
        return;
    }
    Say("the SPF record of the return path " + name + " does not let " + source +
        " send, which mail leaves from: [[region]] spf in ringpost.toml has to cover it");
  }

  void Forward(const IpAddress& source) {
    const std::string& helo = subject_.helo;
    auto type = source.is_v4() ? RecordType::kA : RecordType::kAaaa;
    const Answer* answer = known_->Find({helo, type});
    if (answer == nullptr) return;
    if (!answer->known()) return Say(NoAnswer("whether " + helo + " has its address", *answer));
    std::string others;
    for (const dns::Record& record : answer->records) {
      if (IpAddress::Parse(record.value) == source) return;
      others += (others.empty() ? "" : ", ") + record.value;
    }
    std::string has = others.empty() ? "has no " + TypeName(type) + " record"
                                     : "has " + others + " for its " + TypeName(type) + " record";
    Say("the gateway sends from " + source.ToString() + " and calls itself " + helo +
        " (EHLO), which " + has + ": one has to be " + source.ToString());
  }

  void Reverse(const IpAddress& source) {
    const Answer* answer = known_->Find({dns::ReverseName(source), RecordType::kPtr});
    if (answer == nullptr) return;
    const std::string address = source.ToString(), helo = dns::CanonicalName(subject_.helo);
    if (!answer->known()) return Say(NoAnswer("whether " + address + " has a name", *answer));
    if (answer->records.empty()) {
      return Say(address +
                 ", which mail leaves from, has no PTR record, and mailbox providers refuse such "
                 "mail: who gave you the address has to point it to " +
                 helo);
    }
    std::string names;
    for (const dns::Record& record : answer->records) {
      if (dns::CanonicalName(record.value) == helo) return;
      names += (names.empty() ? "" : ", ") + record.value;
    }
    Say(address + ", which mail leaves from, is called " + names +
        " (PTR), and the gateway calls itself " + helo +
        " (EHLO): who gave you the address has to point it to that name");
  }

  const AdviceSubject& subject_;
  dns::KnownAnswers* known_;
  std::vector<IpAddress> sources_;
  std::vector<std::string> words_;
};

}  // namespace

std::vector<std::string> SendingAdvice(const AdviceSubject& subject, dns::KnownAnswers* known) {
  return Adviser(subject, known).All();
}

}  // namespace ringpost::identity
