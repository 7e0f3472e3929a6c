// Updates and TSIG. The first line is a key as an operator writes it; what follows is a message: a
// server's answer, and a list of records to publish. The hash is a sum that an input can get right,
// so that what comes behind it is reached.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "gateway/base/check.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"
#include "gateway/dns/tsig.h"
#include "gateway/dns/update_message.h"

namespace ringpost::dns {
namespace {

const WallTime kNow = WallFromMillis(1'764'000'000'000);

std::array<uint8_t, 32> Sum(std::string_view, std::string_view) { return {}; }

void CheckSigned(const TsigKey& key, std::string_view bytes) {
  Message message;
  if (!ReadMessage(bytes, &message)) return;
  auto is_tsig = [](const MessageRecord& record) { return record.type == RecordType::kTsig; };
  for (const auto* section : {&message.answers, &message.authorities, &message.additionals}) {
    if (std::any_of(section->begin(), section->end(), is_tsig)) return;
  }
  if (message.additionals.size() == limits::kSectionRecordsMax) return;
  std::string with(bytes);
  std::string mac = SignTsig(key, kNow, &Sum, &with);
  if (with.size() > limits::kMessageBytesMax) return;
  RP_CHECK(VerifyTsig(key, mac, kNow, &Sum, with).ok());
  RP_CHECK(!VerifyTsig(key, mac, kNow + Seconds(301), &Sum, with).ok());
  RP_CHECK(!VerifyTsig(key, mac, kNow, &Sum, bytes).ok());
}

// All that can be published of what the message has, as one update.
void CheckUpdate(std::string_view bytes) {
  Message message;
  if (!ReadMessage(bytes, &message) || message.questions.empty()) return;
  Update update{message.questions[0].name, {}, {}};
  for (const MessageRecord& record : message.answers) {
    std::optional<Record> read =
        ReadRecordData(bytes, record.type, record.data_at, record.data_bytes);
    if (!read) continue;
    read->owner = record.owner;
    read->ttl_seconds = record.ttl_seconds;
    update.records.push_back(*read);
  }
  for (const MessageRecord& record : message.authorities) {
    update.removed.push_back({record.owner, record.type});
  }
  size_t records = 0;
  for (const Update& part : SplitUpdate(update)) records += part.records.size();
  RP_CHECK(records == update.records.size());
  StatusOr<std::string> made = UpdateMessage(update, message.id);
  if (!made.ok()) return;
  Message again;
  RP_CHECK(ReadMessage(*made, &again) && again.questions[0].name == update.zone);
  RP_CHECK(again.authorities.size() >= update.records.size());
  RP_CHECK(!ReadUpdateAnswer(*made, message.id).ok());  // it is no answer
}

}  // namespace
}  // namespace ringpost::dns

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost::dns;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  ringpost::StatusOr<TsigKey> key = TsigKey::Parse(line);
  if (!key.ok()) {
    std::string_view words = ringpost::MessageOf(key.status());
    RP_CHECK(line.size() < 24 || words.find(line) == std::string_view::npos);
  }
  TsigKey used = key.ok() ? *key : TsigKey{"update-key", "secret"};
  (void)VerifyTsig(used, "mac", kNow, &Sum, rest);
  if (rest.size() >= 2) (void)ReadUpdateAnswer(rest, ReadU16(rest, 0));
  CheckSigned(used, rest);
  CheckUpdate(rest);
  return 0;
}
