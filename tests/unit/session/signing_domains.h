// Domains that sign, for tests: a region goes by them from now on.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/mail/sender_domains.h"
#include "gateway/session/dispatcher.h"
#include "gateway/session/signing_keys.h"

namespace ringpost::session {

using Selectors = std::vector<SigningKeys::Selector>;

inline void SignFor(RegionContext* region, const std::vector<std::string>& domains,
                    Selectors selectors) {
  mail::SenderDomains::Builder builder;
  for (const std::string& domain : domains) builder.Put(domain, {.keys = 1});
  region->sender_domains = std::move(builder).Build();
  auto shared = std::make_shared<const Selectors>(std::move(selectors));
  region->signing_keys = std::make_shared<SigningKeys>(
      [shared](const std::string&) { return StatusOr<SigningKeys::Selectors>(shared); });
}

}  // namespace ringpost::session
