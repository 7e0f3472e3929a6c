// DaneLookup: whether DANE holds for a host that mail is to be brought to, and by which TLSA
// records (RFC 7672 section 2.2.2, RFC 7671 section 7). It knows no resolver: it says what is to be
// asked, and takes the answers.
//
//   DaneLookup lookup({"mx.example", 25, {"example"}}, a, aaaa);
//   while (const Question* question = lookup.next()) lookup.Take(...ask(*question)...);
//   const TlsaSet& found = lookup.found();
//
// It is for hosts from a *secure* MX answer, for a domain whose lack of MX is proven secure, and
// for hosts that the operator configured (RFC 7672 section 2.2.1 and 2.2); whoever had the host
// from anything else does not ask.
//
// By the answers for the host's addresses:
//   - none is known, or one is not and the other has no address: kFailure. Where one family is
//     known and has addresses, the other's failure is nothing to DANE.
//   - one family is secure: the TLSA records of the name at the end of its aliases are asked
//     for, and where there are none those of the host itself.
//   - none is, and the host is an alias: the alias is asked for by itself; if it is secure, the
//     TLSA records of the host itself are. Otherwise DANE does not hold, and nothing is asked:
//     servers of zones without DNSSEC are known to break on TLSA.
// By the answer for the TLSA records:
//   - none, for SERVFAIL, time-out, bogus or malformed: kFailure. Nothing may be sent to the host,
//     in clear or otherwise (RFC 7672 section 2.1.2, 2.2).
//   - insecure: as if there were no records.
//   - secure, with records that can be used: kUsable. With none that can: kUnusable, and no other
//     name is asked.
//
// Threads: a value; one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/dane_policy.h"
#include "gateway/dns/answer.h"

namespace ringpost::dns {

struct TlsaSet {
  enum class Outcome : uint8_t {
    kNotUsed,   // what leads to the host, or its TLSA records, are not signed: DANE does not hold
    kNone,      // it is proven that there are none, or the host has no address
    kUsable,    // `policy` is what the host's certificate must match, or nothing is sent
    kUnusable,  // there are some, and none can be used: TLS must be, whatever the certificate
    kFailure,   // nothing is known: the host must not be used now
  };

  Outcome outcome = Outcome::kFailure;
  // Of kFailure: kBogus is a report's "dnssec-invalid" (RFC 8460 section 4.3.2.1).
  Answer::Failure failure = Answer::Failure::kNone;
  std::shared_ptr<const DanePolicy> policy;  // of kUsable alone
  std::string base_domain;                   // of kUsable and kUnusable: what SNI asks for
  uint32_t ttl_seconds = 0;                  // for which it may be kept
  std::string words;                         // why, unless it is kUsable

  bool known() const { return outcome != Outcome::kFailure; }
};

class DaneLookup {
 public:
  struct Target {
    std::string host;  // canonical (name.h)
    uint16_t port = 25;
    // The domain that the mail is for and, where it is an alias, the name at its end, if they led
    // to the host by a secure MX answer: a certificate by a DANE-TA record may be for them too (RFC
    // 7672 section 3.2.2). None: for the TLSA base domain alone.
    std::vector<std::string> next_hops;
  };

  // `a` and `aaaa` answer the questions for the host's addresses.
  DaneLookup(Target target, const Answer& a, const Answer& aaaa);

  // To be asked now; null: all is known. limits::kDaneQuestionsMax of them at most.
  const Question* next() const { return asking_ ? &question_ : nullptr; }
  // What came of next().
  void Take(const Answer& answer);
  // Once next() is null.
  const TlsaSet& found() const { return found_; }

 private:
  void Start(const Answer& a, const Answer& aaaa);
  void Ask(std::string name, RecordType type);
  void AskForRecords();
  void TakeAlias(const Answer& answer);
  void TakeRecords(const Answer& answer);
  void Lives(uint32_t ttl_seconds);
  void Finish(TlsaSet::Outcome outcome, std::string words);
  void Fail(const Answer& answer);

  Target target_;
  std::vector<std::string> bases_;  // whose records are still to be asked for
  std::string base_;                // whose are
  Question question_;
  bool asking_ = false;
  uint32_t ttl_seconds_ = UINT32_MAX;
  TlsaSet found_;
};

}  // namespace ringpost::dns
