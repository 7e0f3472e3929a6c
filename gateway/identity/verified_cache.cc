#include "gateway/identity/verified_cache.h"

#include <algorithm>

#include "gateway/base/limits.h"

namespace ringpost::identity {
namespace {

constexpr size_t kWays = 4;  // entries of one bucket, which a credential's hash chooses
constexpr size_t kBuckets = limits::kVerifiedLoginsMax / kWays;

}  // namespace

VerifiedCache::VerifiedCache() : entries_(kBuckets * kWays) {}

size_t VerifiedCache::BucketOf(std::string_view credential) const {
  return hash_(credential) % kBuckets * kWays;
}

// All parts but the password are of a fixed size, so that no two lists of them run into the same
// bytes.
tls::Digest VerifiedCache::MarkOf(std::string_view credential, const PasswordRecord& record,
                                  std::string_view password) const {
  const PasswordRecordBytes bytes = record.Encode();
  const tls::Digest name = tls::Sha256Of(credential);
  return tls::HmacSha256(key_.view(), {tls::View(name), {bytes.data(), bytes.size()}, password});
}

bool VerifiedCache::Knows(std::string_view credential, const PasswordRecord& record,
                          std::string_view password, MonoTime now) const {
  const tls::Digest mark = MarkOf(credential, record, password);
  bool known = false;
  const Entry* bucket = &entries_[BucketOf(credential)];
  for (const Entry* entry = bucket; entry != bucket + kWays; ++entry) {
    known |= tls::SameSecret(tls::View(entry->mark), tls::View(mark)) && now < entry->until;
  }
  return known;
}

void VerifiedCache::Remember(std::string_view credential, const PasswordRecord& record,
                             std::string_view password, MonoTime now) {
  const tls::Digest mark = MarkOf(credential, record, password);
  Entry* bucket = &entries_[BucketOf(credential)];
  Entry* end = bucket + kWays;
  Entry* entry = std::find_if(bucket, end, [&](const Entry& e) { return e.mark == mark; });
  if (entry == end) {
    entry = std::min_element(bucket, end,
                             [](const Entry& a, const Entry& b) { return a.until < b.until; });
  }
  *entry = {mark, now + Seconds(limits::kVerifiedLoginSeconds)};
}

}  // namespace ringpost::identity
