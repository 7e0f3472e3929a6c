// dns_room: a sender domain before a real DNS server, step by step. Its record and its keys' texts
// lie in FOLDER, as domain.json and keys; SERVER is an endpoint.
//
//   dns_room new DOMAIN OPERATOR_ZONE FOLDER [ed25519]
//     A new one, with keys; writes `publish`, "OWNER TARGET" lines, and `zone`, the operator's.
//   dns_room check SERVER OPERATOR_ZONE FOLDER [TRUST_ANCHORS]
//     Asks, judges, turns the keys, and prints what it found as JSON.
//   dns_room zone OPERATOR_ZONE FOLDER SERIAL
//     Writes `zone` anew.
//   dns_room update SERVER OPERATOR_ZONE FOLDER KEY [remove]
//     Sends the domain's records to the server, or their removal. Exits with 1, and the reason,
//     where it refuses.
//   dns_room ask SERVER ZONE NAME TYPE [TRUST_ANCHORS]
//     One answer as JSON.
//   dns_room mail SERVER ZONE NAMES [TRUST_ANCHORS]
//     Who takes the mail of the domains in a file, and where, as JSON (mail.h).
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/dns/resolver.h"
#include "gateway/dns/update_client.h"
#include "gateway/dns/zone_file.h"
#include "gateway/identity/domain_check.h"
#include "gateway/identity/key_rotation.h"
#include "gateway/identity/sender_domain_json.h"
#include "gateway/tls/password_hash.h"
#include "tests/dns/mail.h"
#include "tests/dns/sts.h"

namespace ringpost::identity {
namespace {

using Words = std::vector<std::string>;
using Json = nlohmann::ordered_json;

constexpr uint32_t kTtlSeconds = 60;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  RP_CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
void Write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  RP_CHECK(file.good());
}

struct Life {
  SenderDomain domain;
  std::vector<std::string> keys;  // TXT of each slot

  static Life Load(const std::string& folder) {
    Life life;
    StatusOr<SenderDomain> domain = SenderDomainFromJson(Read(folder + "/domain.json"));
    RP_CHECK(domain.ok());
    life.domain = *domain;
    std::ifstream keys(folder + "/keys");
    for (std::string line; std::getline(keys, line);) life.keys.push_back(line);
    life.keys.resize(life.domain.slots.size());
    return life;
  }
  void Save(const std::string& folder) const {
    Write(folder + "/domain.json", SenderDomainToJson(domain));
    std::string lines;
    for (const std::string& key : keys) lines += key + "\n";
    Write(folder + "/keys", lines);
  }
  void MakeKey(size_t slot) {
    keys[slot] = tls::DkimKey::Generate(domain.slots[slot].kind)->TxtRecord();
    KeyGenerated(&domain, slot, ReadWallClock());
  }
  std::vector<dns::Record> Records(const std::string& zone) const {
    RegionMail region = {{{10, "mx1." + zone}, {20, "mx2." + zone}},
                         "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"};
    return ZoneRecords(domain, zone, keys, region, kTtlSeconds);
  }
};

std::string ZoneText(const Life& life, const std::string& zone, uint32_t serial) {
  dns::ZoneHead head;
  head.zone = zone;
  head.primary = "ns1." + zone;
  head.mailbox = "hostmaster." + zone;
  head.name_servers = {"ns1." + zone};
  head.serial = serial;
  head.ttl_seconds = kTtlSeconds;
  std::vector<dns::Record> records = life.Records(zone);
  for (std::string host : {"ns1.", "mx1.", "mx2."}) {
    records.push_back({host + zone, dns::RecordType::kA, kTtlSeconds, 0, "192.0.2.1"});
  }
  StatusOr<std::string> text = dns::WriteZoneFile(head, records);
  RP_CHECK(text.ok());
  return *text;
}

int New(const Words& words) {
  const std::string &name = words[1], &zone = words[2], &folder = words[3];
  Life life;
  life.domain = *NewSenderDomain(name, 1, words.size() > 4, ReadWallClock());
  life.keys.resize(life.domain.slots.size());
  for (size_t i = 0; i < life.keys.size(); ++i) life.MakeKey(i);
  std::string lines;
  for (const RecordToPublish& record : RecordsToPublish(life.domain, zone)) {
    lines += record.owner + " " + record.value + "\n";
  }
  Write(folder + "/publish", lines);
  Write(folder + "/zone", ZoneText(life, zone, 1));
  life.Save(folder);
  return 0;
}

std::unique_ptr<dns::Resolver> MakeResolver(const std::string& server, const Words& zones,
                                            const std::string& anchors) {
  dns::ResolverOptions options;
  for (const std::string& zone : zones) options.stubs.push_back({zone, *Endpoint::Parse(server)});
  options.trust_anchors_file = anchors;
  options.ask_millis = 5000;
  options.cache_seconds_max = 0;
  auto resolver = dns::Resolver::Create(options);
  if (!resolver.ok()) std::cerr << MessageOf(resolver.status()) << "\n";
  RP_CHECK(resolver.ok());
  return std::move(*resolver);
}

int Check(const Words& words) {
  const std::string &zone = words[2], &folder = words[3];
  Life life = Life::Load(folder);
  auto resolver =
      MakeResolver(words[1], {life.domain.name, zone}, words.size() > 4 ? words[4] : "");
  std::vector<dns::Answer> answers = resolver->AskAll(DomainQuestions(life.domain, zone));
  WallTime now = ReadWallClock();
  DomainVerdict verdict = JudgeDomain(life.domain, zone, life.keys, answers, now);
  Rotation rotation = Rotate(verdict.domain, verdict.sights,
                             DefaultRotation(Seconds(5 * 86'400), Seconds(kTtlSeconds)), now);
  life.domain = rotation.domain;
  life.keys.resize(life.domain.slots.size());
  life.Save(folder);
  Json json = Json::parse(SenderDomainToJson(life.domain));
  json["state_changed"] = verdict.state_changed;
  json["secure"] = std::all_of(answers.begin(), answers.end(), [](const dns::Answer& answer) {
    return answer.security == dns::Answer::Security::kSecure;
  });
  for (KeySight sight : verdict.sights) json["sights"].push_back(static_cast<int>(sight));
  std::cout << json.dump() << "\n";
  return 0;
}

std::array<uint8_t, 32> Hmac(std::string_view key, std::string_view message) {
  return tls::HmacSha256(key, {message});
}

int Update(const Words& words) {
  const std::string &server = words[1], &zone = words[2];
  Life life = Life::Load(words[3]);
  StatusOr<dns::TsigKey> key = dns::TsigKey::Parse(words[4]);
  RP_CHECK(key.ok());
  dns::Update update{zone, {}, life.Records(zone)};
  if (words.size() > 5) {
    for (const dns::Record& record : update.records) {
      update.removed.push_back({record.owner, record.type});
    }
    update.records.clear();
  }
  for (const dns::Update& part : dns::SplitUpdate(update)) {
    Status status = dns::SendUpdate(*Endpoint::Parse(server), part, *key, &Hmac);
    if (!status.ok()) {
      std::cerr << MessageOf(status) << "\n";
      return 1;
    }
  }
  return 0;
}

int Ask(const Words& words) {
  auto resolver = MakeResolver(words[1], {words[2]}, words.size() > 5 ? words[5] : "");
  auto type = static_cast<dns::RecordType>(std::stoi(words[4]));
  dns::Answer answer = resolver->Ask({words[3], type});
  Json json = {{"outcome", static_cast<int>(answer.outcome)},
               {"security", static_cast<int>(answer.security)},
               {"failure", static_cast<int>(answer.failure)},
               {"words", answer.words},
               {"ttl", answer.ttl_seconds},
               {"aliases", Json::array()},
               {"records", Json::array()}};
  for (const dns::Alias& alias : answer.aliases) {
    json["aliases"].push_back({alias.owner, alias.target});
  }
  for (const dns::Record& record : answer.records) json["records"].push_back(record.value);
  std::cout << json.dump() << "\n";
  return 0;
}

int Run(const Words& words) {
  const std::string what = words.empty() ? "" : words[0];
  if (what == "new" && words.size() >= 4) return New(words);
  if (what == "check" && words.size() >= 4) return Check(words);
  if (what == "update" && words.size() >= 5) return Update(words);
  if (what == "ask" && words.size() >= 5) return Ask(words);
  if (what == "mail" && words.size() >= 4) return session::Mail(words);
  if (what == "sts" && words.size() == 8) return http::Sts(words);
  if (what == "zone" && words.size() == 4) {
    Write(words[2] + "/zone",
          ZoneText(Life::Load(words[2]), words[1], static_cast<uint32_t>(std::stoul(words[3]))));
    return 0;
  }
  std::cerr << "usage: dns_room new | check | zone | update | ask | mail | sts ...\n";
  return 2;
}

}  // namespace
}  // namespace ringpost::identity

int main(int argc, char** argv) {
  try {
    return ringpost::identity::Run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dns_room: %s\n", error.what());
    return 2;
  }
}
