#include "gateway/dns/answer.h"

#include <algorithm>
#include <optional>

#include "gateway/base/text.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"

namespace ringpost::dns {
namespace {

bool Asks(const Message& message, const Question& question) {
  return (message.flags & kFlagResponse) != 0 && message.questions.size() == 1 &&
         message.questions[0].name == question.name && message.questions[0].type == question.type &&
         message.questions[0].rr_class == kClassIn;
}

// The records of one name and type. False: one is malformed.
bool Collect(std::string_view bytes, const Message& message, const std::string& owner,
             RecordType type, std::vector<Record>* found) {
  for (const MessageRecord& record : message.answers) {
    if (record.type != type || record.rr_class != kClassIn || record.owner != owner) continue;
    std::optional<Record> read = ReadRecordData(bytes, type, record.data_at, record.data_bytes);
    if (!read) return false;
    read->owner = owner;
    read->ttl_seconds = record.ttl_seconds;
    found->push_back(std::move(*read));
  }
  return true;
}

// Goes from alias to alias; the name at their end. Nothing: without end, or malformed.
std::optional<std::string> Follow(std::string_view bytes, const Message& message, Answer* answer,
                                  uint32_t* ttl_seconds) {
  std::string name = answer->question.name;
  while (true) {
    std::vector<Record> found;
    if (!Collect(bytes, message, name, RecordType::kCname, &found)) return std::nullopt;
    if (found.empty()) return name;
    // RFC 1034 section 3.6.2: one for a name.
    if (found.size() > 1 || answer->aliases.size() == limits::kAliasesMax) return std::nullopt;
    *ttl_seconds = std::min(*ttl_seconds, found[0].ttl_seconds);
    answer->aliases.push_back({name, found[0].value});
    if (answer->question.type == RecordType::kCname) return name;
    name = found[0].value;
  }
}

Answer Malformed(const Question& question, std::string_view words) {
  return FailedAnswer(question, words, Answer::Failure::kMalformed);
}

}  // namespace

Answer FailedAnswer(const Question& question, std::string_view words, Answer::Failure failure) {
  Answer answer;
  answer.question = question;
  answer.failure = failure;
  if (failure == Answer::Failure::kBogus) answer.security = Answer::Security::kBogus;
  answer.words = Printable(words, limits::kWordsBytesMax);
  return answer;
}

Answer ReadAnswer(const Question& question, std::string_view bytes) {
  Message message;
  if (!ReadMessage(bytes, &message)) return Malformed(question, "the answer is malformed");
  // A refusal need not say what was asked.
  auto rcode = static_cast<Rcode>(message.rcode());
  if (rcode != Rcode::kNoError && rcode != Rcode::kNxDomain) {
    return FailedAnswer(question, "the answer is " + RcodeName(message.rcode()));
  }
  if (!Asks(message, question)) return Malformed(question, "the answer is to something else");
  if ((message.flags & kFlagTruncated) != 0) return Malformed(question, "the answer is cut off");
  Answer answer;
  answer.question = question;
  uint32_t ttl_seconds = UINT32_MAX;
  std::optional<std::string> last = Follow(bytes, message, &answer, &ttl_seconds);
  if (!last) return Malformed(question, "the aliases in the answer are malformed or without end");
  if (!Collect(bytes, message, *last, question.type, &answer.records)) {
    return Malformed(question, "a record in the answer is malformed");
  }
  for (const Record& record : answer.records) {
    ttl_seconds = std::min(ttl_seconds, record.ttl_seconds);
  }
  answer.ttl_seconds = ttl_seconds == UINT32_MAX ? 0 : ttl_seconds;
  answer.outcome = !answer.records.empty()     ? Answer::Outcome::kRecords
                   : rcode == Rcode::kNxDomain ? Answer::Outcome::kNoName
                                               : Answer::Outcome::kNoData;
  return answer;
}

}  // namespace ringpost::dns
