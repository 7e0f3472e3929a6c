// Updates and TSIG. The first line is a key as an operator writes it; what follows is a message: a
// server's answer, and a list of records to publish. The hash is a sum that an input can get right,
// so that what comes behind it is reached; what it was of is looked at.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/dns/dns_limits.h"
#include "gateway/dns/message.h"
#include "gateway/dns/tsig.h"
#include "gateway/dns/update_message.h"

namespace ringpost::dns {
namespace {

const WallTime kNow = WallFromMillis(1'764'000'000'000);

std::string summed;  // what the last sum was of

std::array<uint8_t, 32> Sum(std::string_view, std::string_view covered) {
  summed = covered;
  return {};
}

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
  RP_CHECK(summed.starts_with(bytes));
  if (with.size() > limits::kMessageBytesMax) return;
  for (int apart : {-301, -300, 0, 300, 301}) {
    bool near = -300 <= apart && apart <= 300;
    RP_CHECK(VerifyTsig(key, mac, kNow + Seconds(apart), &Sum, with).ok() == near);
  }
  // RFC 8945 section 5.3: the request's MAC with its length, then the message as it was.
  std::string covered;
  AppendU16(static_cast<uint16_t>(mac.size()), &covered);
  RP_CHECK(summed.starts_with(covered.append(mac).append(bytes)));
  with[0] ^= 1;  // the id is what it was before somebody forwarded it (section 5.3.2)
  RP_CHECK(VerifyTsig(key, mac, kNow, &Sum, with).ok() && summed.starts_with(covered));
  RP_CHECK(!VerifyTsig(key, mac, kNow, &Sum, bytes).ok());
}

using Sets = std::map<RecordSet, std::vector<Record>>;

Sets SetsOf(const Update& update) {
  Sets sets;
  for (const RecordSet& set : update.removed) sets[set];
  for (const Record& record : update.records) {
    sets[{record.owner, record.type}].push_back(record);
  }
  return sets;
}

// Each set is in one part as a whole, and no part that has several is too large.
void CheckSplit(const Update& update) {
  Sets together;
  for (const Update& part : SplitUpdate(update)) {
    Sets sets = SetsOf(part);
    RP_CHECK(part.zone == update.zone && !sets.empty());
    StatusOr<std::string> made = UpdateMessage(part, 0);
    RP_CHECK(made.ok() || sets.size() == 1 ||
             made.status().code() != StatusCode::kResourceExhausted);
    for (auto& [set, records] : sets) RP_CHECK(together.emplace(set, std::move(records)).second);
  }
  RP_CHECK(together == SetsOf(update));
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
  CheckSplit(update);
  StatusOr<std::string> made = UpdateMessage(update, message.id);
  if (!made.ok()) return;
  Message again;
  RP_CHECK(ReadMessage(*made, &again) && again.questions[0].name == update.zone);
  RP_CHECK(again.authorities.size() == update.records.size() + SetsOf(update).size());
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
    // No secret is in them; the words by which any line is refused may be a line.
    const auto empty = TsigKey::Parse("");
    RP_CHECK(line.size() < 24 || words.find(line) == std::string_view::npos ||
             ringpost::MessageOf(empty.status()).find(line) != std::string_view::npos);
  }
  TsigKey used = key.ok() ? *key : TsigKey{"update-key", "secret"};
  (void)VerifyTsig(used, "mac", kNow, &Sum, rest);
  if (rest.size() >= 2) (void)ReadUpdateAnswer(rest, ReadU16(rest, 0));
  CheckSigned(used, rest);
  CheckUpdate(rest);
  return 0;
}
