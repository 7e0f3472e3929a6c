// Answers of hostile servers: the input is a message. What is read of it must hold together, and
// what could be published of it must come through the wire and back as it was.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "gateway/base/check.h"
#include "gateway/dns/answer.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"
#include "gateway/dns/name.h"
#include "gateway/dns/zone_file.h"

namespace ringpost::dns {
namespace {

void CheckName(const std::string& name) {
  RP_CHECK(std::all_of(name.begin(), name.end(), [](char c) {
    auto byte = static_cast<uint8_t>(c);
    return byte > 0x20 && byte < 0x7F && (byte < 'A' || byte > 'Z');
  }));
  auto escapes = static_cast<size_t>(std::count(name.begin(), name.end(), '\\'));
  RP_CHECK(name.size() - 3 * escapes <= limits::kNameBytesMax);  // \DDD is one byte
  if (!IsName(name)) return;
  RP_CHECK(CanonicalName(name) == name);
  RP_CHECK(IsHostName(name) <= IsName(name) && IsAtOrBelow(name, name));
  std::string wire, again;
  AppendNameOnWire(name, &wire);
  size_t at = 0;
  RP_CHECK(ReadName(wire, &at, &again) && again == name && at == wire.size());
  RP_CHECK(IsAtOrBelow(JoinNames("a", name), name));
}

void CheckPublished(const Record& record) {
  if (!CheckRecord(record).ok()) return;
  std::string data;
  AppendRecordData(record, &data);
  std::optional<Record> again = ReadRecordData(data, record.type, 0, data.size());
  RP_CHECK(again && again->value == record.value && again->preference == record.preference);
  std::string line = RecordLine(record);
  RP_CHECK(std::count(line.begin(), line.end(), '\n') == 1 && line.back() == '\n');
  RP_CHECK(std::all_of(line.begin(), line.end() - 1,
                       [](char c) { return static_cast<uint8_t>(c) >= 0x20 && c != 0x7F; }));
}

// The message itself has those records and no others at the end of the aliases, and no TTL on the
// way is lower.
void CheckAgainst(const Message& message, const Answer& answer) {
  RP_CHECK((message.flags & (kFlagResponse | kFlagTruncated)) == kFlagResponse);
  std::string last = answer.question.name;
  uint32_t least = UINT32_MAX;
  size_t aliases = 0, records = 0;
  auto count = [&](const std::string& owner, RecordType type, size_t* counted) {
    for (const MessageRecord& record : message.answers) {
      if (record.owner != owner || record.type != type || record.rr_class != kClassIn) continue;
      least = std::min(least, record.ttl_seconds);
      ++*counted;
    }
  };
  for (const Alias& alias : answer.aliases) {
    count(alias.owner, RecordType::kCname, &aliases);
    last = alias.target;
  }
  RP_CHECK(aliases == answer.aliases.size());  // one for a name
  if (answer.question.type == RecordType::kCname) last = answer.question.name;
  count(last, answer.question.type, &records);
  RP_CHECK(records == answer.records.size());
  RP_CHECK(answer.ttl_seconds == (least == UINT32_MAX ? 0 : least));
}

void CheckAnswer(const Question& question, std::string_view bytes) {
  Answer answer = ReadAnswer(question, bytes);
  RP_CHECK(answer.known() == answer.words.empty());
  RP_CHECK(answer.known() == (answer.failure == Answer::Failure::kNone));
  RP_CHECK((answer.outcome == Answer::Outcome::kRecords) == !answer.records.empty());
  RP_CHECK(answer.known() || answer.aliases.empty());
  RP_CHECK(answer.aliases.size() <= limits::kAliasesMax);
  Message message;
  if (answer.known()) {
    RP_CHECK(ReadMessage(bytes, &message));
    CheckAgainst(message, answer);
  }
  std::string name = question.name;
  for (const Alias& alias : answer.aliases) {
    RP_CHECK(alias.owner == name);
    if (question.type != RecordType::kCname) name = alias.target;
  }
  for (const Record& record : answer.records) {
    RP_CHECK(record.owner == name && record.type == question.type);
    CheckPublished(record);
    RP_CHECK(!TypeName(record.type).empty());
  }
}

}  // namespace
}  // namespace ringpost::dns

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost::dns;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Message message;
  Question question{"a.example", RecordType::kTxt};
  if (ReadMessage(bytes, &message)) {
    RP_CHECK(message.answers.size() <= limits::kSectionRecordsMax);
    for (const auto* section : {&message.answers, &message.authorities, &message.additionals}) {
      for (const MessageRecord& record : *section) {
        RP_CHECK(record.data_at + record.data_bytes <= size);
        RP_CHECK(record.at < record.data_at);
        CheckName(record.owner);
        (void)ReadRecordData(bytes, record.type, record.data_at, record.data_bytes);
      }
    }
    // What it says that it answers, so that its records are looked at.
    if (!message.questions.empty()) {
      question = {message.questions[0].name, message.questions[0].type};
      CheckName(question.name);
    }
  }
  CheckAnswer(question, bytes);
  return 0;
}
