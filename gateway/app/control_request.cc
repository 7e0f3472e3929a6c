#include "gateway/app/control_request.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "gateway/base/json_depth.h"
#include "gateway/base/text.h"
#include "gateway/delivery/routing.h"
#include "gateway/smtp/address.h"

namespace ringpost::app {
namespace {

using nlohmann::json;

enum Member : uint32_t {
  kRegion = 1 << 0,
  kId = 1 << 1,
  kDomain = 1 << 2,
  kNextHop = 1 << 3,
  kSender = 1 << 4,
  kHeld = 1 << 5,
  kAll = 1 << 6,
  kLimit = 1 << 7,
  kAfter = 1 << 8,
  kReason = 1 << 9,
  kSeconds = 1 << 10,
  kClient = 1 << 11,
};
constexpr std::array<std::string_view, 12> kMemberNames = {
    "region", "id",    "domain", "next_hop", "sender",  "held",
    "all",    "limit", "after",  "reason",   "seconds", "client"};

constexpr uint32_t kFilter = kRegion | kId | kDomain | kNextHop | kSender | kHeld;

struct CommandSpec {
  ControlCommand command;
  std::string_view name;
  uint32_t accepts;
  bool needs_filter;  // a filter, or "all"
  bool changes;       // something; others only look
};
constexpr std::array<CommandSpec, 39> kCommands = {{
    {ControlCommand::kStatus, "status", 0, false, false},
    {ControlCommand::kQueueSummary, "queue summary", kRegion | kDomain | kNextHop, false, false},
    {ControlCommand::kQueueList, "queue list", kFilter | kLimit | kAfter, false, false},
    {ControlCommand::kQueueShow, "queue show", kRegion | kId, true, false},
    {ControlCommand::kQueueRetry, "queue retry", kFilter | kAll, true, true},
    {ControlCommand::kQueueHold, "queue hold", kFilter | kAll, true, true},
    {ControlCommand::kQueueRelease, "queue release", kFilter | kAll, true, true},
    {ControlCommand::kQueueDelete, "queue delete", kFilter | kAll, true, true},
    {ControlCommand::kQueueBounce, "queue bounce", kFilter | kAll | kReason, true, true},
    {ControlCommand::kSuspend, "suspend", kRegion | kDomain | kNextHop | kSeconds, true, true},
    {ControlCommand::kResume, "resume", kRegion | kDomain | kNextHop | kAll, true, true},
    {ControlCommand::kSuspensions, "suspensions", kRegion, false, false},
    {ControlCommand::kDrain, "drain", 0, false, true},
    {ControlCommand::kReload, "reload", 0, false, true},
    {ControlCommand::kConfigCheck, "config check", 0, false, false},
    {ControlCommand::kTrace, "trace", kClient | kNextHop, true, true},
    {ControlCommand::kSuppressionAdd, "suppression add", 0, false, true},
    {ControlCommand::kSuppressionRemove, "suppression remove", 0, false, true},
    {ControlCommand::kSuppressionList, "suppression list", 0, false, false},
    {ControlCommand::kSuppressionShow, "suppression show", 0, false, false},
    {ControlCommand::kIdentityPut, "identity put", 0, false, true},
    {ControlCommand::kIdentityRemove, "identity remove", 0, false, true},
    {ControlCommand::kIdentityList, "identity list", 0, false, false},
    {ControlCommand::kIdentityAudit, "identity audit", 0, false, false},
    {ControlCommand::kSenderAdd, "sender add", 0, false, true},
    {ControlCommand::kSenderLink, "sender link", 0, false, true},
    {ControlCommand::kTlsPolicies, "tls policies", 0, false, false},
    {ControlCommand::kDomainAdd, "domain add", 0, false, true},
    {ControlCommand::kDomainShow, "domain show", 0, false, false},
    {ControlCommand::kDomainList, "domain list", 0, false, false},
    {ControlCommand::kDomainCheck, "domain check", 0, false, false},
    {ControlCommand::kDomainRemove, "domain remove", 0, false, true},
    {ControlCommand::kDomainRotate, "domain rotate", 0, false, true},
    {ControlCommand::kDomainExport, "domain export", 0, false, false},
    {ControlCommand::kDomainImport, "domain import", 0, false, true},
    {ControlCommand::kDnsZone, "dns zone", 0, false, false},
    {ControlCommand::kDnsRecords, "dns records", 0, false, false},
    {ControlCommand::kTlsOutcomes, "tls outcomes", 0, false, false},
    {ControlCommand::kTlsReport, "tls report", 0, false, false},
}};

ControlError BadRequest(std::string message, std::string hint = "") {
  return {"bad_request", std::move(message), std::move(hint)};
}

std::string Quoted(std::string_view text) { return "\"" + Printable(text, 64) + "\""; }

std::string AcceptedMembers(const CommandSpec& spec) {
  std::string names = "\"command\"";
  for (size_t i = 0; i < kMemberNames.size(); ++i) {
    if (spec.accepts & (1u << i)) names.append(", \"").append(kMemberNames[i]).push_back('"');
  }
  return names;
}

// The members of a request, read one by one; the first error is kept and ends it.
class Reader {
 public:
  explicit Reader(ControlRequest* request) : request_(request) {}

  // False: error() says why.
  bool Read(uint32_t member, const json& value) {
    switch (member) {
      case kRegion:
        return Text(value, "region", &request_->region);
      case kDomain:
        return Domain(value);
      case kNextHop:
        return NextHop(value);
      case kSender:
        return Text(value, "sender", &request_->filter.sender);
      case kReason:
        return Reason(value);
      case kId:
        return Id(value, "id", &request_->filter.id);
      case kAfter:
        return Id(value, "after", &request_->after);
      case kHeld:
        return Flag(value, "held", &request_->filter.held_only);
      case kAll:
        return Flag(value, "all", &request_->all);
      case kLimit:
        return Number(value, "limit", limits::kControlListEntriesMax, &request_->limit);
      case kSeconds:
        return Number(value, "seconds", limits::kSuspensionSecondsMax, &request_->seconds);
      case kClient:
        return Client(value);
      default:
        return false;
    }
  }
  const ControlError& error() const { return error_; }

 private:
  bool Fail(std::string message) {
    error_ = BadRequest(std::move(message));
    return false;
  }
  // Names and addresses: not empty, bounded, nothing that could break a line or a terminal.
  bool Text(const json& value, std::string_view name, std::string* out) {
    const auto* text = value.get_ptr<const std::string*>();
    bool fine = text && !text->empty() && text->size() <= limits::kPathBytesMax;
    if (fine) {
      for (unsigned char c : *text) fine = fine && c >= 0x20 && c != 0x7f;
    }
    if (!fine) {
      return Fail(Quoted(name) + " is a text of 1 to " + std::to_string(limits::kPathBytesMax) +
                  " bytes without control characters");
    }
    *out = *text;
    return true;
  }
  // As the queue names it. "." would be no domain at all, and so every message.
  bool Domain(const json& value) {
    std::string text;
    if (!Text(value, "domain", &text)) return false;
    request_->filter.recipient_domain = smtp::DomainKey(text);
    if (!request_->filter.recipient_domain.empty()) return true;
    return Fail("\"domain\" is a domain such as \"example.com\", not " + Quoted(text));
  }
  // As routes name it: with its port, and in lower case. A list of hops is taken as it is.
  bool NextHop(const json& value) {
    std::string text;
    if (!Text(value, "next_hop", &text)) return false;
    auto hop = delivery::NextHop::Parse(text);
    std::string name = hop ? hop->ToString() : text;
    request_->filter.next_hop = name.size() <= limits::kPathBytesMax ? name : text;
    return true;
  }
  bool Reason(const json& value) {
    const auto* text = value.get_ptr<const std::string*>();
    bool fine = text && !text->empty() && text->size() <= limits::kControlReasonBytesMax;
    if (fine) {
      for (unsigned char c : *text) fine = fine && c >= 0x20 && c < 0x7f;
    }
    if (!fine) {
      return Fail("\"reason\" is a line of 1 to " + std::to_string(limits::kControlReasonBytesMax) +
                  " printable ASCII characters");
    }
    request_->reason = *text;
    return true;
  }
  bool Id(const json& value, std::string_view name, std::optional<MessageId>* out) {
    if (const auto* text = value.get_ptr<const std::string*>()) *out = MessageId::Parse(*text);
    if (*out) return true;
    return Fail(Quoted(name) + " is a message id: " + std::to_string(MessageId::kTextSize) +
                " letters and digits, as in \"250 2.0.0 queued as ...\"");
  }
  bool Flag(const json& value, std::string_view name, bool* out) {
    if (!value.is_boolean()) return Fail(Quoted(name) + " is true or false");
    *out = value.get<bool>();
    return true;
  }
  bool Number(const json& value, std::string_view name, uint32_t max, uint32_t* out) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() < 1 || value.get<uint64_t>() > max) {
      return Fail(Quoted(name) + " is a whole number from 1 to " + std::to_string(max));
    }
    *out = value.get<uint32_t>();
    return true;
  }
  bool Client(const json& value) {
    if (const auto* text = value.get_ptr<const std::string*>()) {
      request_->client = IpNetwork::Parse(*text);
    }
    if (request_->client) return true;
    return Fail(
        "\"client\" is an address or a network without host bits, such as \"192.0.2.7\" or "
        "\"192.0.2.0/24\"");
  }

  ControlRequest* request_;
  ControlError error_;
};

const CommandSpec* FindCommand(std::string_view name) {
  for (const CommandSpec& spec : kCommands) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

// What the members mean together.
std::optional<ControlError> CheckWhole(const CommandSpec& spec, const ControlRequest& request) {
  const session::QueueFilter& filter = request.filter;
  bool site = !filter.recipient_domain.empty() || !filter.next_hop.empty();
  bool any = site || filter.id || !filter.sender.empty() || filter.held_only;
  switch (spec.command) {
    case ControlCommand::kQueueShow:
      if (!filter.id) return BadRequest("\"queue show\" needs an \"id\"");
      break;
    case ControlCommand::kSuspend:
      if (!site) return BadRequest("\"suspend\" needs a \"domain\" or a \"next_hop\"");
      if (request.seconds == 0) return BadRequest("\"suspend\" needs \"seconds\"");
      break;
    case ControlCommand::kTrace:
      if (request.client.has_value() == !filter.next_hop.empty()) {
        return BadRequest("\"trace\" needs either a \"client\" or a \"next_hop\"");
      }
      break;
    default:
      if (spec.needs_filter && !any && !request.all) {
        return BadRequest(Quoted(spec.name) + " needs to know which: a filter, or \"all\":true");
      }
      if (request.all && any) {
        return BadRequest("\"all\" and a filter exclude each other");
      }
  }
  return std::nullopt;
}

}  // namespace

std::string_view ControlCommandName(ControlCommand command) {
  for (const CommandSpec& spec : kCommands) {
    if (spec.command == command) return spec.name;
  }
  return "";
}

bool ChangesSomething(ControlCommand command) {
  for (const CommandSpec& spec : kCommands) {
    if (spec.command == command) return spec.changes;
  }
  return true;
}

std::variant<ControlRequest, ControlError> ParseControlRequest(std::string_view line) {
  if (NestsDeeper(line, limits::kJsonDepthMax)) {
    return ControlError{"protocol",
                        "a request has objects and lists at most " +
                            std::to_string(limits::kJsonDepthMax) + " deep",
                        "no command takes deeper ones"};
  }
  json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return ControlError{"protocol", "a request is one JSON object on one line",
                        "speak to this socket with the ringpost command"};
  }
  auto named = object.find("command");
  const std::string* name = named == object.end() ? nullptr : named->get_ptr<const std::string*>();
  if (!name) return BadRequest("a request has a \"command\", which is a text");
  const CommandSpec* spec = FindCommand(*name);
  if (!spec) {
    return BadRequest("this daemon knows no command " + Quoted(*name),
                      "ringpost and ringpostd may be of different versions");
  }
  ControlRequest request;
  request.command = spec->command;
  if (IsIdentityCommand(spec->command) || IsLinkCommand(spec->command) ||
      IsStsCommand(spec->command) || IsDomainCommand(spec->command) ||
      IsTlsReportCommand(spec->command) || IsSuppressionCommand(spec->command)) {
    // Once more, in the order of the text: it is what a record is written in.
    request.identity = std::make_shared<nlohmann::ordered_json>(
        nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false));
    return request;
  }
  Reader reader(&request);
  for (const auto& [key, value] : object.items()) {
    if (key == "command") continue;
    uint32_t member = 0;
    for (size_t i = 0; i < kMemberNames.size(); ++i) {
      if (kMemberNames[i] == key) member = 1u << i;
    }
    if ((spec->accepts & member) == 0) {
      return BadRequest(Quoted(*name) + " does not take " + Quoted(key),
                        "it takes " + AcceptedMembers(*spec));
    }
    if (!reader.Read(member, value)) return reader.error();
  }
  if (auto error = CheckWhole(*spec, request)) return *error;
  return request;
}

}  // namespace ringpost::app
