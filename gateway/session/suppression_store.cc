#include "gateway/session/suppression_store.h"

#include <charconv>

#include "gateway/identity/address_list.h"
#include "gateway/identity/suppression_limits.h"
#include "gateway/session/suppression_limits.h"
#include "storage/byte_codec.h"

namespace ringpost::session {
namespace {

using identity::Suppression;
using identity::SuppressionReasonOf;

constexpr uint8_t kFormat = 1;
constexpr size_t kIdBytes = 16, kHeadBytes = 1 + 1 + 8 + kIdBytes;
constexpr std::string_view kPrefix = "suppression/";

// "suppression/0000002a/".
std::string PrefixOf(uint32_t account) {
  std::string prefix(kPrefix);
  for (int shift = 28; shift >= 0; shift -= 4) {
    prefix.push_back("0123456789abcdef"[account >> shift & 15]);
  }
  return prefix + "/";
}

constexpr size_t kPrefixBytes = kPrefix.size() + 9;

Status Damaged(std::string_view key) {
  return MakeStatus(StatusCode::kDataLoss, "the record " + std::string(key) +
                                               " is no suppression, or one of a newer version");
}

// Whose record it is.
std::optional<uint32_t> AccountOf(std::string_view key) {
  if (key.size() <= kPrefixBytes || key[kPrefixBytes - 1] != '/') return std::nullopt;
  const char *from = key.data() + kPrefix.size(), *to = key.data() + kPrefixBytes - 1;
  uint32_t account = 0;
  auto [end, error] = std::from_chars(from, to, account, 16);
  if (error != std::errc() || end != to) return std::nullopt;
  return account;
}

StatusOr<Suppression> Read(std::string_view key, const std::string& value) {
  auto suppression = DecodeSuppression(value);
  auto account = AccountOf(key);
  if (!account || !suppression.ok()) return Damaged(key);
  suppression->account = *account;
  suppression->entry = identity::ListEntry(key.substr(kPrefixBytes));
  return suppression;
}

}  // namespace

std::string EncodeSuppression(const Suppression& suppression) {
  std::string_view detail = suppression.detail;
  detail = detail.substr(0, identity::limits::kSuppressionDetailBytesMax);
  std::string bytes(kHeadBytes + detail.size(), '\0');
  storage::ByteWriter out(bytes.data());
  out.U8(kFormat);
  out.U8(static_cast<uint8_t>(suppression.reason));
  out.U64(static_cast<uint64_t>(suppression.time.time_since_epoch().count()));
  out.Raw(suppression.message.key());
  out.Raw(detail);
  return bytes;
}

StatusOr<Suppression> DecodeSuppression(std::string_view bytes) {
  storage::ByteReader in(bytes);
  uint8_t format = in.U8();
  auto reason = SuppressionReasonOf(uint64_t{in.U8()});
  auto time = static_cast<int64_t>(in.U64());
  std::string_view id = in.Raw(kIdBytes);
  if (!in.ok() || format != kFormat || !reason) {
    return MakeStatus(StatusCode::kDataLoss, "not a suppression");
  }
  Suppression suppression;
  suppression.reason = *reason;
  suppression.time = WallTime(WallTime::duration(time));
  suppression.message = MessageId::FromKey(id);
  suppression.detail = std::string(in.Raw(in.left()));
  return suppression;
}

StatusOr<std::unique_ptr<SuppressionStore>> SuppressionStore::Open(const std::string& path,
                                                                   Log* log) {
  auto store = storage::ControlStore::Open(path, log, limits::kSuppressionMemtableBytes);
  if (!store.ok()) return store.status();
  return std::unique_ptr<SuppressionStore>(new SuppressionStore(std::move(*store)));
}

Status SuppressionStore::Load(identity::SuppressionTable* table) {
  Status bad;
  Status read =
      store_->ForEachUntil(kPrefix, "", storage::ControlStore::Order::kForwards,
                           [&](std::string_view key, const std::string& value) {
                             auto account = AccountOf(key);
                             auto one = DecodeSuppression(value);
                             if (!account || !one.ok()) {
                               bad = Damaged(key);
                               return false;
                             }
                             table->Add(*account, key.substr(kPrefixBytes), one->reason, one->time);
                             return true;
                           });
  return read.ok() ? bad : read;
}

Status SuppressionStore::Write(const std::vector<Change>& changes) {
  std::vector<storage::ControlStore::Change> rows;
  rows.reserve(changes.size());
  for (const Change& change : changes) {
    auto& row = rows.emplace_back();
    row.key = PrefixOf(change.account) + change.key;
    if (change.suppression) row.value = EncodeSuppression(*change.suppression);
  }
  return store_->Write(rows);
}

StatusOr<std::optional<Suppression>> SuppressionStore::Get(uint32_t account, std::string_view key) {
  std::string row = PrefixOf(account) + std::string(key);
  auto value = store_->Get(row);
  if (!value.ok()) return value.status();
  if (!*value) return std::optional<Suppression>();
  auto suppression = Read(row, **value);
  if (!suppression.ok()) return suppression.status();
  return std::optional<Suppression>(std::move(*suppression));
}

Status SuppressionStore::ForEach(uint32_t account, std::string_view after, const EachFn& each) {
  Status bad;
  std::string prefix = PrefixOf(account);
  std::string from = after.empty() ? std::string() : prefix + std::string(after);
  Status read = store_->ForEachUntil(prefix, from, storage::ControlStore::Order::kForwards,
                                     [&](std::string_view key, const std::string& value) {
                                       auto one = Read(key, value);
                                       if (!one.ok()) {
                                         bad = one.status();
                                         return false;
                                       }
                                       return each(key.substr(kPrefixBytes), *one);
                                     });
  return read.ok() ? bad : read;
}

}  // namespace ringpost::session
