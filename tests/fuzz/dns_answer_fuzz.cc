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
  RP_CHECK(name.size() <= 4 * limits::kNameBytesMax);  // all of it as \DDD
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

void CheckAnswer(const Question& question, std::string_view bytes) {
  Answer answer = ReadAnswer(question, bytes);
  RP_CHECK(answer.known() == answer.words.empty());
  RP_CHECK((answer.outcome == Answer::Outcome::kRecords) == !answer.records.empty());
  RP_CHECK(answer.known() || answer.aliases.empty());
  RP_CHECK(answer.aliases.size() <= limits::kAliasesMax);
  std::string name = question.name;
  for (const Alias& alias : answer.aliases) {
    RP_CHECK(alias.owner == name);
    if (question.type != RecordType::kCname) name = alias.target;
  }
  for (const Record& record : answer.records) {
    RP_CHECK(record.owner == name && record.type == question.type);
    RP_CHECK(record.ttl_seconds >= answer.ttl_seconds);
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
