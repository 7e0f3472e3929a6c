#include "tests/sim/sim_signing.h"

#include <cstdlib>
#include <vector>

#include "gateway/base/check.h"
#include "tests/unit/session/dkim_check.h"
#include "tests/unit/session/signing_domains.h"

namespace ringpost::sim {
namespace {

// RFC 8410 section 7: the key is the 32 bytes at the end.
std::shared_ptr<const tls::DkimKey> SimKey(uint64_t number) {
  constexpr char kPrefix[] = "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
  std::string der(kPrefix, sizeof kPrefix - 1);
  der.append(32, static_cast<char>(number));
  auto key = tls::DkimKey::FromDer(der);
  RP_CHECK(key.ok());
  return *key;
}

}  // namespace

void SignWith(session::RegionContext* region, uint64_t number) {
  region->sender_domains = nullptr;
  if (number == 0) return;
  session::SignFor(region, {std::string(kSigningDomain)},
                   {{"k" + std::to_string(number), SimKey(number)}});
}

std::string WhatIsWrongWithSignatures(std::string_view content, Signing signing) {
  auto all = session::DkimTags(content);
  if (all.empty()) return signing == Signing::kAlways ? "no signature" : "";
  if (all.size() > 1) return "several signatures";
  if (signing == Signing::kNever) return "a signature without a key";
  if (!content.starts_with("DKIM-Signature: ")) return "a signature that is not in front";
  const std::string& selector = all[0]["s"];
  auto key = SimKey(std::strtoull(selector.c_str() + 1, nullptr, 10));
  return session::WhatIsWrongWithDkim(content, kSigningDomain, selector, *key);
}

}  // namespace ringpost::sim
