// A sender domain's record, as an import could bring it. What is taken comes back as it was, gives
// only records that may be published, and bears any answers of the DNS: only what is sure changes
// its state, and what is made of it is a record again.
//
// The first byte seeds the answers. All of the input is a DMARC record besides.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"
#include "gateway/identity/dmarc_advice.h"
#include "gateway/identity/domain_check.h"
#include "gateway/identity/key_rotation.h"
#include "gateway/identity/sender_domain_document.h"
#include "gateway/identity/sender_domain_json.h"

namespace ringpost::identity {
namespace {

constexpr std::string_view kZone = "gw.example";
const WallTime kNow = WallFromMillis(1'764'000'000'000);

dns::Answer AnyAnswer(const dns::Question& question, const RecordToPublish& record,
                      const std::string& key, Random* random) {
  dns::Answer answer;
  answer.question = question;
  uint64_t kind = random->Below(8);
  if (kind == 0) return dns::FailedAnswer(question, "SERVFAIL");
  if (kind == 1) {
    return dns::FailedAnswer(question, "no signature", dns::Answer::Failure::kBogus);
  }
  answer.outcome = dns::Answer::Outcome::kNoName;
  if (kind == 2) return answer;
  if (kind != 3) {
    answer.aliases = {{question.name, kind == 4 ? "x.example" : record.value}};
  }
  if (kind != 5) {
    answer.outcome = dns::Answer::Outcome::kRecords;
    answer.records = {{record.value, question.type, 60, 0, kind == 6 ? "another" : key}};
  }
  return answer;
}

bool LeadsTo(const dns::Answer& answer, const std::string& target) {
  return std::any_of(answer.aliases.begin(), answer.aliases.end(),
                     [&target](const dns::Alias& alias) { return alias.target == target; });
}

// The state as the answers have it: verified where each required alias is seen; broken, if it was
// verified, where one surely leads elsewhere. A failure tells nothing of where an alias ends.
DnsState StateBy(const SenderDomain& domain, std::span<const RecordToPublish> records,
                 std::span<const dns::Answer> answers) {
  bool all = true, wrong = false;
  for (size_t i = 0; i < records.size(); ++i) {
    const dns::Answer& alias = answers[2 * i];
    const dns::Answer& behind = answers[2 * i + 1];
    if (!records[i].required || LeadsTo(alias, records[i].value) ||
        LeadsTo(behind, records[i].value)) {
      continue;
    }
    all = false;
    wrong |= alias.known() && (alias.aliases.empty() || behind.known());
  }
  if (all) return DnsState::kVerified;
  return wrong && domain.dns == DnsState::kVerified ? DnsState::kBroken : domain.dns;
}

// A key changes its state as it may: what is active was seen where it is published.
void CheckKeys(const SenderDomain& before, std::span<const KeySight> sights,
               const SenderDomain& after) {
  for (const DkimSlot& slot : after.slots) {
    auto was = std::find_if(before.slots.begin(), before.slots.end(), [&slot](const DkimSlot& one) {
      return one.kind == slot.kind && one.slot == slot.slot;
    });
    RP_CHECK(was != before.slots.end());
    if (slot.state == KeyState::kActive && was->state != KeyState::kActive) {
      RP_CHECK(sights[was - before.slots.begin()] == KeySight::kSeen);
      RP_CHECK(was->state == KeyState::kStandby || was->state == KeyState::kWaiting);
    }
    if (was->state == KeyState::kRetired) {
      RP_CHECK((slot.state == KeyState::kRetired) == (was->until > kNow));
    }
    RP_CHECK((slot.state == was->state) <= (slot.since == was->since));
    bool made = was->state != KeyState::kWaiting && slot.state == KeyState::kWaiting &&
                was->state != KeyState::kActive;
    RP_CHECK(slot.generation == was->generation + made);
  }
}

void CheckLife(const SenderDomain& domain, uint8_t seed) {
  Random random(seed);
  std::vector<std::string> keys;
  for (const DkimSlot& slot : domain.slots) keys.push_back("v=DKIM1; p=" + slot.token);
  std::vector<dns::Answer> failures, answers;
  std::vector<dns::Question> questions = DomainQuestions(domain, kZone);
  std::vector<RecordToPublish> records = RecordsToPublish(domain, kZone);
  for (size_t i = 0; i < questions.size(); ++i) {
    const RecordToPublish& record = records[i / 2];
    failures.push_back(dns::FailedAnswer(questions[i], "SERVFAIL"));
    answers.push_back(AnyAnswer(questions[i], record,
                                record.slot < 0 ? "mx.example" : keys[record.slot], &random));
  }
  RP_CHECK(JudgeDomain(domain, kZone, keys, failures, kNow).domain.dns == domain.dns);
  DomainVerdict verdict = JudgeDomain(domain, kZone, keys, answers, kNow);
  RP_CHECK(CheckSenderDomain(verdict.domain).ok());
  RP_CHECK(verdict.domain.dns == StateBy(domain, records, answers));
  RP_CHECK(verdict.state_changed == (verdict.domain.dns != domain.dns));
  Rotation rotation =
      Rotate(verdict.domain, verdict.sights, DefaultRotation(Seconds(432'000), Seconds(300)), kNow);
  RP_CHECK(CheckSenderDomain(rotation.domain).ok());  // as it is kept where no key can be made
  for (size_t slot : rotation.wanted) {
    RP_CHECK(domain.ed25519_wanted || rotation.domain.slots[slot].kind == tls::DkimKey::Kind::kRsa);
    KeyGenerated(&rotation.domain, slot, kNow);
  }
  RP_CHECK(CheckSenderDomain(rotation.domain).ok());
  CheckKeys(verdict.domain, verdict.sights, rotation.domain);
  RP_CHECK(*SenderDomainFromJson(SenderDomainToJson(rotation.domain)) == rotation.domain);
  RegionMail region = {{{10, "mx.example"}}, "v=spf1 -all"};
  for (const dns::Record& record : ZoneRecords(domain, kZone, keys, region, 300)) {
    RP_CHECK(dns::CheckRecord(record).ok());
  }
}

// Found at the domain's parent, once or twice. What is said of it holds nothing of it.
void CheckAdvice(std::string_view text) {
  std::vector<dns::Answer> answers;
  for (const dns::Question& question : DmarcQuestions("customer.example")) {
    answers.push_back({});
    answers.back().question = question;
    answers.back().outcome = dns::Answer::Outcome::kNoName;
  }
  dns::Answer& parent = answers.back();
  parent.outcome = dns::Answer::Outcome::kRecords;
  parent.records.assign(1 + text.size() % 2,
                        {parent.question.name, dns::RecordType::kTxt, 60, 0, std::string(text)});
  for (const std::string& sentence : DmarcAdvice("customer.example", answers)) {
    RP_CHECK(Printable(sentence, sentence.size()) == sentence);
  }
}

// As an export's record. What is imported is a domain of ours, is what the document says, and is
// there from then on: the same document changes nothing.
void CheckDocument(std::string_view text) {
  Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return;
  StatusOr<DocumentedDomain> document = ParseDomainDocument(json);
  if (!document.ok()) {
    RP_CHECK(!MessageOf(document.status()).empty());
    return;
  }
  RP_CHECK(document->keys.size() == document->domain.slots.size());
  StatusOr<DocumentedDomain> again =
      ParseDomainDocument(DomainDocument(document->domain, document->account, document->keys));
  RP_CHECK(again.ok() && again->domain == document->domain && again->keys == document->keys);
  StatusOr<DomainImport> import = ImportDomain({}, *document, 7, kNow);
  RP_CHECK(import.ok() && import->what == DomainImport::What::kAdded);
  const SenderDomain& domain = import->domain;
  RP_CHECK(CheckSenderDomain(domain).ok() && domain.account == 7 && domain.created <= kNow);
  for (size_t i = 0; i < domain.slots.size(); ++i) {
    bool has_key = domain.slots[i].state != KeyState::kNone;
    RP_CHECK(has_key == !import->keys[i].empty());
    RP_CHECK(domain.slots[i].selector == document->domain.slots[i].selector);
  }
  StatusOr<DomainImport> same = ImportDomain(domain, *document, 7, kNow);
  RP_CHECK(same.ok() && same->what == DomainImport::What::kUnchanged && same->domain == domain);
}

}  // namespace
}  // namespace ringpost::identity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost::identity;
  if (size == 0) return 0;
  CheckAdvice({reinterpret_cast<const char*>(data), size});
  std::string_view json(reinterpret_cast<const char*>(data) + 1, size - 1);
  CheckDocument(json);
  ringpost::StatusOr<SenderDomain> domain = SenderDomainFromJson(json);
  if (!domain.ok()) {
    RP_CHECK(!ringpost::MessageOf(domain.status()).empty());
    return 0;
  }
  ringpost::StatusOr<SenderDomain> again = SenderDomainFromJson(SenderDomainToJson(*domain));
  RP_CHECK(again.ok() && *again == *domain);
  CheckLife(*domain, data[0]);
  return 0;
}
