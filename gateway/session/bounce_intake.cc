#include "gateway/session/bounce_intake.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/mail/bounce_classes.h"
#include "gateway/mail/bounce_limits.h"
#include "gateway/mail/return_path.h"
#include "gateway/session/suppression_intake.h"

namespace ringpost::session {
namespace {

using identity::OutcomeCounts;
using identity::SuppressionReason;

std::string_view ActionName(mail::DsnAction action) {
  switch (action) {
    case mail::DsnAction::kFailed:
      return "failed";
    case mail::DsnAction::kDelayed:
      return "delayed";
    case mail::DsnAction::kDelivered:
      return "delivered";
    case mail::DsnAction::kRelayed:
      return "relayed";
    case mail::DsnAction::kExpanded:
      return "expanded";
  }
  return "failed";
}

// Which of the message's recipients is meant; empty: none that can be told.
std::string_view RecipientOf(const storage::StoredOrigin& origin, std::string_view first,
                             std::string_view second, bool only) {
  for (std::string_view said : {first, second}) {
    for (const std::string& recipient : origin.recipients) {
      if (EqualsIgnoreCase(recipient, said)) return recipient;
    }
  }
  return only && origin.recipients.size() == 1 ? std::string_view(origin.recipients[0])
                                               : std::string_view();
}

// The same after a restart (FNV-1a): what has come is kept over it.
uint32_t KeyOf(const MessageId& id, std::string_view recipient, char kind) {
  uint64_t number = 0xcbf29ce484222325 ^ id.random_part();
  auto add = [&number](char c) {
    number = (number ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  };
  add(kind);
  for (char c : recipient) add(AsciiLower(c));
  return static_cast<uint32_t>(number ^ number >> 32);
}

// Once for each recipient and kind of news, however often it comes: as long as return paths live.
bool IsNews(InboundHost* host, const MessageId& id, std::string_view recipient, char kind) {
  return host->shared->rates.Take(identity::RateTable::Kind::kBounce, KeyOf(id, recipient, kind),
                                  {1, mail::kReturnPathLife}, host->io().wall_now()) == Millis(0);
}

void Suppress(InboundHost* host, const BounceOrigin& about, std::string_view recipient,
              SuppressionReason reason, std::string detail) {
  if (!host->region->suppression_intake) return;
  identity::Suppression entry;
  entry.account = about.origin.account;
  entry.entry = recipient;
  entry.reason = reason;
  entry.detail = std::move(detail);
  entry.message = about.id;
  entry.time = host->io().wall_now();
  host->region->suppression_intake->Add(std::move(entry));
}

std::string Detail(const mail::BouncedRecipient& reported) {
  const smtp::Reply& said = reported.diagnosis;
  std::string text = said.code != 0 ? std::to_string(said.code) + " " : "";
  const smtp::EnhancedCode& status = said.enhanced.present() ? said.enhanced : reported.status;
  if (status.present()) text += status.ToString() + " ";
  return text + said.text.substr(0, limits::kReplyTextKeptBytesMax);
}

}  // namespace

BounceIntake::BounceIntake(std::vector<BounceOrigin> origins,
                           std::shared_ptr<const mail::BounceClasses> classes,
                           std::string_view message)
    : origins_(std::move(origins)),
      classes_(std::move(classes)),
      facts_(mail::ReadBounce(message)) {}

void BounceIntake::Apply(InboundHost* host, const MessageId& id) const {
  // A report is about one message; who brings it to many return paths at once means something else.
  size_t looked_at = std::min(origins_.size(), mail::limits::kBounceOriginsMax);
  for (const BounceOrigin& about : std::span(origins_).first(looked_at)) {
    if (facts_.kind == mail::BounceKind::kFeedback) ApplyComplaint(host, id, about);
    if (facts_.all) ApplyBounce(host, id, about, *facts_.all, true);
    for (const mail::BouncedRecipient& one : facts_.recipients) {
      ApplyBounce(host, id, about, one, facts_.recipients.size() == 1);
    }
  }
}

void BounceIntake::ApplyBounce(InboundHost* host, const MessageId& id, const BounceOrigin& about,
                               const mail::BouncedRecipient& reported, bool only) const {
  WallTime now = host->io().wall_now();
  std::string_view recipient = RecipientOf(about.origin, reported.original, reported.final, only);
  mail::BounceClasses::Result result;
  if (reported.failed()) result = classes_->Classify(reported);
  LogLine line(now, "bounce_received");
  line.Id(about.id)
      .Text("bounce", id.ToString())
      .Text("kind", mail::BounceKindName(facts_.kind))
      .Text("to", recipient.empty() ? reported.address() : recipient)
      .Flag("known", !recipient.empty())
      .Text("action", ActionName(reported.action));
  if (reported.failed()) {
    line.Text("class", mail::BounceClassName(result.klass)).Number("rule", result.line);
  }
  line.Text("status", reported.status.ToString())
      .Text("reply", Detail(reported))
      .Text("relay", reported.remote_mta)
      .Text("by", facts_.reporting_mta)
      .To(*host->region->log);
  bool hard = reported.failed() && result.klass == mail::BounceClass::kHard;
  if (!hard || recipient.empty() || !IsNews(host, about.id, recipient, 'b')) return;
  host->shared->outcomes.Add(about.origin.credential, OutcomeCounts::What::kHardBounce, now);
  Suppress(host, about, recipient, SuppressionReason::kHardBounce, Detail(reported));
}

void BounceIntake::ApplyComplaint(InboundHost* host, const MessageId& id,
                                  const BounceOrigin& about) const {
  WallTime now = host->io().wall_now();
  const mail::FeedbackFacts& said = facts_.feedback;
  std::string_view named =
      said.recipients.empty() ? std::string_view() : std::string_view(said.recipients[0]);
  // Whoever it is, the message was complained of; who sends reports often hides the address.
  std::string_view recipient = RecipientOf(about.origin, named, {}, said.recipients.size() <= 1);
  // "not-spam" (RFC 6430) takes a complaint back.
  bool complains = said.type != "not-spam";
  LogLine(now, "complaint_received")
      .Id(about.id)
      .Text("bounce", id.ToString())
      .Text("type", said.type)
      .Text("to", recipient.empty() ? named : recipient)
      .Flag("known", !recipient.empty())
      .Text("agent", said.user_agent)
      .To(*host->region->log);
  if (!complains || !IsNews(host, about.id, recipient, 'c')) return;
  host->shared->outcomes.Add(about.origin.credential, OutcomeCounts::What::kComplaint, now);
  if (!recipient.empty()) {
    Suppress(host, about, recipient, SuppressionReason::kComplaint,
             said.type + " " + said.user_agent);
  }
}

}  // namespace ringpost::session
