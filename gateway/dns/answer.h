// What was asked of the DNS, and what came of it: records, their proven absence, or a failure.
//
// A failure (SERVFAIL, no answer in time, bogus signatures) says nothing of what is published, and
// whoever reads an Answer must not take it for "there is none".
//
// Threads: values and functions; any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/dns/record.h"

namespace ringpost::dns {

struct Question {
  std::string name;  // canonical (name.h)
  RecordType type = RecordType::kTxt;

  auto operator<=>(const Question&) const = default;
};

// An alias as the answer has it.
struct Alias {
  std::string owner;
  std::string target;

  auto operator<=>(const Alias&) const = default;
};

struct Answer {
  enum class Outcome : uint8_t {
    kRecords,  // there are some
    kNoData,   // the name is there, and no record of this type
    kNoName,   // there is no such name; where aliases were followed: as the last one's target
    kFailure,  // nothing is known; `words` say why
  };
  enum class Security : uint8_t {
    kInsecure,  // not signed, or we have no anchor for it
    kSecure,    // validated (RFC 4035 section 4.3)
    kBogus,     // signed and wrong: a failure
  };
  enum class Failure : uint8_t {
    kNone,
    kServfail,   // the servers, or the resolver, refused or could not
    kTimeout,    // nobody answered in time
    kBogus,      // as Security has it
    kMalformed,  // the question is none that can be asked, or the answer none that can be read
  };

  Question question;
  Outcome outcome = Outcome::kFailure;
  Security security = Security::kInsecure;
  Failure failure = Failure::kNone;  // of kFailure alone
  std::vector<Alias> aliases;        // from the question's name on, in order; CNAME: one at most
  std::vector<Record> records;       // of the type asked, at the end of the aliases
  uint32_t ttl_seconds = 0;          // the lowest of these
  std::string words;                 // of a failure

  bool known() const { return outcome != Outcome::kFailure; }
};

// A failure, not kNone. What is not printable in the words, and what is too long, is left out.
Answer FailedAnswer(const Question& question, std::string_view words,
                    Answer::Failure failure = Answer::Failure::kServfail);
// Reads a server's or a resolver's whole message, and follows the aliases in its answer section.
// Malformed, truncated, another question's, aliases without end, any rcode but NOERROR and
// NXDOMAIN: a failure.
Answer ReadAnswer(const Question& question, std::string_view message);

}  // namespace ringpost::dns
