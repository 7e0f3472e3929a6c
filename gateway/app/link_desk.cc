#include "gateway/app/link_desk.h"

#include "gateway/base/limits.h"

namespace ringpost::app {

bool LinkDesk::TooMany(const IpAddress& client) {
  constexpr identity::RateLimit kLimit{limits::kLinkLookupsOfClientMax,
                                       Seconds(limits::kLinkLookupsOfClientSeconds)};
  size_t bytes = client.is_v4() ? client.bytes.size() : client.bytes.size() / 2;
  uint64_t number = hash_({reinterpret_cast<const char*>(client.bytes.data()), bytes});
  return rates_.Take(identity::RateTable::Kind::kWebClient, static_cast<uint32_t>(number), kLimit,
                     ReadWallClock()) > Millis(0);
}

void LinkDesk::Ask(http::LinkQuestion question, const IpAddress& client, Done done) {
  http::LinkFacts facts;
  if (TooMany(client)) {
    facts.state = http::LinkFacts::State::kTooMany;
    done(std::move(facts));
    return;
  }
  if (under_way_.fetch_add(1) >= limits::kLinkLookupsMax) {
    under_way_.fetch_sub(1);
    done(std::move(facts));
    return;
  }
  service_->Ask(std::move(question), client.ToString(),
                [this, done = std::move(done)](http::LinkFacts found) {
                  under_way_.fetch_sub(1);
                  done(std::move(found));
                });
}

}  // namespace ringpost::app
