// shaping.toml from anywhere, and replies to what it makes of them: every input is a table or a
// list of errors, never both; what holds for a site is within its bounds; nothing that a server
// says lets more through than the rules do.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/config_shaping.h"
#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/delivery/shaping.h"
#include "gateway/delivery/shaping_automation.h"
#include "gateway/delivery/shaping_limits.h"

namespace {

using namespace ringpost;
using namespace ringpost::delivery;

const std::vector<std::vector<std::string>> kSites = {
    {}, {"mx.example.com"}, {"mx.example.com", "mx.stranger.test"}, {"smtp.google.com", "a.b"}};
const std::string_view kNames[] = {"", "a", "acme", "warm"};

void CheckRate(const PaceLimit& rate) {
  RP_CHECK(rate.period >= Seconds(1) &&
           rate.period <= Seconds(delivery::limits::kPacePeriodSecondsMax));
  RP_CHECK(PaceLimit::Parse(rate.ToString()) == (rate.limited() ? rate : PaceLimit()));
}

void CheckShaping(const Shaping& shaping) {
  RP_CHECK(shaping.connections() >= 1 && shaping.recipients_per_transaction() >= 1);
  RP_CHECK(!shaping.retry().empty() && shaping.lifetime() >= Seconds(1));
  for (const PaceLimit& rate :
       {shaping.connection_rate(), shaping.message_rate(), shaping.total_connection_rate(),
        shaping.total_message_rate(), shaping.account_message_rate()}) {
    CheckRate(rate);
  }
  if (shaping.provider().empty()) {
    RP_CHECK(shaping.total_connections() == 0 && !shaping.total_message_rate().limited());
  }
}

bool LetsMoreThrough(const Shaping& after, const Shaping& before) {
  return after.connections() > before.connections() ||
         before.message_rate().StricterThan(after.message_rate()) ||
         before.connection_rate().StricterThan(after.connection_rate()) ||
         after.recipients_per_transaction() > before.recipients_per_transaction();
}

void CheckPlace(const std::shared_ptr<const ShapingTable>& table, const ShapingQuery& query,
                std::string_view said) {
  Shaping before = table->For(query);
  CheckShaping(before);
  ShapingAutomation automation(table);
  ActionsInForce in_force;
  ShapingPlace place{"site", before.provider(), query.source, query.account};
  MonoTime now{Seconds(1000)};
  for (int i = 0; i < 3; ++i) {
    smtp::Reply reply{static_cast<uint16_t>(i == 0 ? 421 : 550), {4, 7, 0}, std::string(said)};
    for (ShapingAction& action : automation.Observe(query, place, reply, now)) {
      RP_CHECK(action.until > now);
      RP_CHECK(in_force.Add(std::move(action), now));
    }
    now += Millis(10);
  }
  RP_CHECK(automation.places() <= table->automations().size());
  Shaping after = before;
  in_force.Adjust(place, now, &after);
  CheckShaping(after);
  RP_CHECK(!LetsMoreThrough(after, before));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  app::Config config;
  app::ShapingResult result = app::ParseShaping(text, "fuzz.toml", app::BaseShaping(config));
  RP_CHECK((result.table != nullptr) == result.errors.empty());
  RP_CHECK(result.errors.size() <= ringpost::limits::kConfigErrorsMax);
  RP_CHECK(result.ErrorText().find('\0') == std::string::npos);
  for (const app::ConfigError& error : result.errors) RP_CHECK(error.file == "fuzz.toml");
  if (!result.table) return 0;
  RP_CHECK(result.table->automations().size() <= delivery::limits::kAutomationsMax);
  for (const auto& hosts : kSites) {
    for (std::string_view name : kNames) {
      CheckPlace(result.table, {"example.com", hosts, name, name}, text);
    }
  }
  return 0;
}
