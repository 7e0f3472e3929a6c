#include "gateway/http/sts_records.h"

#include <utility>

#include "gateway/base/check.h"
#include "gateway/dns/dns_limits.h"
#include "storage/byte_codec.h"

namespace ringpost::http {
namespace {

using storage::ByteReader;
using storage::ByteWriter;

constexpr uint8_t kFormat = 1;

// What a policy says in its own words is read as from its server, so that no other rules count for
// what was stored.
std::string BodyOf(const dns::StsPolicy& policy) {
  std::string body;
  for (const std::string& line : policy.Lines()) body += line + "\n";
  return body;
}

uint64_t Number(WallTime time) { return static_cast<uint64_t>(ToMillis(time)); }
WallTime Time(uint64_t number) { return WallFromMillis(static_cast<int64_t>(number)); }

}  // namespace

std::string StsRecordKey(std::string_view domain) {
  return std::string(kStsRecordPrefix) + std::string(domain);
}

std::string EncodeStsPolicy(const KeptStsPolicy& kept) {
  RP_CHECK(kept.held);
  std::string body = BodyOf(kept.held->policy);
  const std::string& id = kept.held->id;
  std::string record(1 + 3 * 8 + 2 + id.size() + 4 + body.size(), 0);
  ByteWriter out(record.data());
  out.U8(kFormat);
  out.U64(Number(kept.fetched));
  out.U64(Number(kept.used));
  out.U64(Number(kept.held->expires));
  out.Text16(id);
  out.Text32(body);
  return record;
}

StatusOr<KeptStsPolicy> DecodeStsPolicy(std::string_view domain, std::string_view record) {
  ByteReader in(record);
  bool known = in.U8() == kFormat;
  KeptStsPolicy kept;
  kept.fetched = Time(in.U64());
  kept.used = Time(in.U64());
  WallTime expires = Time(in.U64());
  std::string_view id = in.Text16();
  auto policy = dns::ParseStsPolicy(in.Text32());
  if (!known || !in.AtEnd() || id.size() > dns::limits::kStsIdBytesMax || !policy.ok()) {
    return MakeStatus(StatusCode::kDataLoss, "the policy of MTA-STS of " + std::string(domain) +
                                                 " is damaged, or a newer version's");
  }
  kept.held = std::make_shared<session::HeldStsPolicy>(
      session::HeldStsPolicy{std::string(domain), std::string(id), std::move(*policy), expires});
  return kept;
}

}  // namespace ringpost::http
