#include "gateway/http/acme/messages.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "gateway/base/base64url.h"
#include "gateway/base/json_depth.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/http/acme/url.h"

namespace ringpost::acme {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kErrorUrn = "urn:ietf:params:acme:error:";

Status Wrong(std::string_view what, std::string_view how) {
  return MakeStatus(StatusCode::kInvalidArgument,
                    "the server's " + std::string(what) + " " + std::string(how));
}

std::optional<Json> ParseObject(std::string_view body) {
  if (body.size() > limits::kAcmeAnswerBytesMax) return std::nullopt;
  if (NestsDeeper(body, limits::kJsonDepthMax)) return std::nullopt;
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

const Json* Find(const Json& object, const char* name) {
  auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// Empty where it is missing or no string.
std::string TextOf(const Json& object, const char* name) {
  const Json* found = object.is_object() ? Find(object, name) : nullptr;
  return found && found->is_string() ? found->get<std::string>() : "";
}

const Json& ListOf(const Json& object, const char* name) {
  static const Json kNone = Json::array();
  const Json* found = Find(object, name);
  return found && found->is_array() ? *found : kNone;
}

// False: it is there, and is no URL to be followed; or `required` and not there.
bool TakeUrl(const Json& object, const char* name, bool required, std::string* url) {
  if (!Find(object, name)) return !required;
  *url = TextOf(object, name);
  return ParseUrl(*url).has_value();
}

std::string Cut(std::string_view words) { return Printable(words, limits::kAcmeWordsBytesMax); }

State StateOf(const Json& object) {
  static constexpr std::pair<std::string_view, State> kStates[] = {
      {"pending", State::kPending},       {"ready", State::kReady},
      {"processing", State::kProcessing}, {"valid", State::kValid},
      {"invalid", State::kInvalid},
  };
  std::string text = TextOf(object, "status");
  for (const auto& [name, state] : kStates) {
    if (text == name) return state;
  }
  return State::kOther;
}

std::string ShortType(const std::string& type) {
  return type.starts_with(kErrorUrn) ? type.substr(kErrorUrn.size()) : type;
}

// "detail (type); mx.example: detail (type)": the subproblems behind it (section 6.7.1).
std::string WordsOf(const Json& problem) {
  std::string words = TextOf(problem, "detail");
  std::string type = ShortType(TextOf(problem, "type"));
  if (!type.empty()) words += words.empty() ? type : " (" + type + ")";
  if (words.empty()) return words;
  size_t shown = 0;
  for (const Json& sub : ListOf(problem, "subproblems")) {
    if (!sub.is_object() || ++shown > limits::kAcmeAuthorizationsMax) break;
    std::string name = sub.contains("identifier") ? TextOf(sub["identifier"], "value") : "";
    words += "; " + (name.empty() ? "" : name + ": ") + TextOf(sub, "detail") + " (" +
             ShortType(TextOf(sub, "type")) + ")";
    if (words.size() > limits::kAcmeWordsBytesMax) break;
  }
  return Cut(words);
}

std::string ErrorOf(const Json& object) {
  const Json* error = Find(object, "error");
  return error && error->is_object() ? WordsOf(*error) : "";
}

std::string NameOf(const Json& identifier) {
  std::string type = TextOf(identifier, "type");
  std::string value = ToLower(TextOf(identifier, "value"));
  return type == "dns" ? value : type + ":" + value;
}

std::optional<ChallengeKind> KindOf(const Json& challenge) {
  std::string type = TextOf(challenge, "type");
  for (ChallengeKind kind : {ChallengeKind::kHttp01, ChallengeKind::kTlsAlpn01}) {
    if (type == ChallengeName(kind)) return kind;
  }
  return std::nullopt;
}

// A challenge of a kind we know must be whole.
Status TakeChallenge(const Json& json, Authorization* authorization) {
  if (!json.is_object()) return Wrong("authorization", "has a challenge that is no object");
  if (StateOf(json) == State::kInvalid && authorization->error.empty()) {
    authorization->error = ErrorOf(json);
  }
  auto kind = KindOf(json);
  if (!kind) return OkStatus();
  Challenge challenge;
  challenge.kind = *kind;
  challenge.token = TextOf(json, "token");
  if (!IsBase64Url(challenge.token) || challenge.token.size() > limits::kAcmeTokenBytesMax) {
    return Wrong("authorization", "has a challenge with a token that is none");
  }
  if (!TakeUrl(json, "url", true, &challenge.url)) {
    return Wrong("authorization", "has a challenge without an https URL");
  }
  authorization->challenges.push_back(std::move(challenge));
  return OkStatus();
}

}  // namespace

Problem ParseProblem(int status, std::string_view body) {
  Problem problem;
  auto json = ParseObject(body);
  if (json) {
    problem.type = Cut(ShortType(TextOf(*json, "type")));
    problem.words = WordsOf(*json);
  }
  std::string code = "the server answered " + std::to_string(status);
  problem.words = problem.words.empty() ? code : code + ": " + problem.words;
  return problem;
}

StatusOr<Directory> ParseDirectory(std::string_view body) {
  auto json = ParseObject(body);
  if (!json) return Wrong("directory", "is not a JSON object");
  Directory directory;
  if (!TakeUrl(*json, "newNonce", true, &directory.new_nonce) ||
      !TakeUrl(*json, "newAccount", true, &directory.new_account) ||
      !TakeUrl(*json, "newOrder", true, &directory.new_order)) {
    return Wrong("directory", "lacks https URLs for newNonce, newAccount and newOrder");
  }
  const Json* meta = Find(*json, "meta");
  if (meta && meta->is_object()) {
    const Json* external = Find(*meta, "externalAccountRequired");
    directory.external_account_required =
        external && external->is_boolean() && external->get<bool>();
  }
  return directory;
}

StatusOr<State> ParseAccount(std::string_view body) {
  auto json = ParseObject(body);
  if (!json) return Wrong("account", "is not a JSON object");
  return StateOf(*json);
}

StatusOr<Order> ParseOrder(std::string_view body) {
  auto json = ParseObject(body);
  if (!json) return Wrong("order", "is not a JSON object");
  Order order;
  order.state = StateOf(*json);
  order.error = ErrorOf(*json);
  const Json& identifiers = ListOf(*json, "identifiers");
  const Json& authorizations = ListOf(*json, "authorizations");
  if (identifiers.size() > limits::kAcmeAuthorizationsMax ||
      authorizations.size() > limits::kAcmeAuthorizationsMax) {
    return Wrong("order", "has more identifiers or authorizations than were asked for");
  }
  for (const Json& one : identifiers) order.names.push_back(NameOf(one));
  for (const Json& one : authorizations) {
    if (!one.is_string() || !ParseUrl(one.get_ref<const std::string&>())) {
      return Wrong("order", "has an authorization that is no https URL");
    }
    order.authorizations.push_back(one.get<std::string>());
  }
  if (order.authorizations.empty()) return Wrong("order", "has no authorizations");
  if (!TakeUrl(*json, "finalize", true, &order.finalize)) {
    return Wrong("order", "has no https URL to finalize it");
  }
  if (!TakeUrl(*json, "certificate", order.state == State::kValid, &order.certificate)) {
    return Wrong("order", "has no https URL of its certificate");
  }
  return order;
}

std::string_view ChallengeName(ChallengeKind kind) {
  return kind == ChallengeKind::kHttp01 ? "http-01" : "tls-alpn-01";
}

StatusOr<Authorization> ParseAuthorization(std::string_view body) {
  auto json = ParseObject(body);
  if (!json) return Wrong("authorization", "is not a JSON object");
  Authorization authorization;
  authorization.state = StateOf(*json);
  const Json* identifier = Find(*json, "identifier");
  if (!identifier) return Wrong("authorization", "is for no identifier");
  authorization.name = NameOf(*identifier);
  const Json* wildcard = Find(*json, "wildcard");
  if (wildcard && wildcard->is_boolean() && wildcard->get<bool>()) {
    authorization.name.insert(0, "*.");
  }
  const Json& challenges = ListOf(*json, "challenges");
  if (challenges.size() > limits::kAcmeOffersMax) {
    return Wrong("authorization", "has too many challenges");
  }
  for (const Json& one : challenges) {
    Status taken = TakeChallenge(one, &authorization);
    if (!taken.ok()) return taken;
  }
  return authorization;
}

}  // namespace ringpost::acme
