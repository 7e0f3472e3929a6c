#include "gateway/http/front_door.h"

#include <algorithm>
#include <charconv>

#include "gateway/base/ip_address.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/http/link_page.h"
#include "gateway/smtp/address.h"

namespace ringpost::http {
namespace {

constexpr std::string_view kChallengePath = "/.well-known/acme-challenge/";
constexpr uint16_t kHttpsPort = 443;

Answer Say(uint16_t status, std::string words) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(words) + "\n";
  return answer;
}

// What may stand in a target as it is (RFC 3986 section 2), and so may be repeated in a Location:
// no space, no control, nothing that ends or begins something else.
bool IsTarget(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c < '\x7f' &&
                  std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
         });
}

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

bool Looks(const Request& request) { return request.method == "GET" || request.method == "HEAD"; }

Answer AnswerChallenge(const Request& request, std::string_view token,
                       const AcmeChallenges& challenges) {
  if (!Looks(request)) {
    Answer answer = Say(405, "Only GET and HEAD are answered here.");
    answer.allow = "GET, HEAD";
    return answer;
  }
  auto authorization =
      AcmeChallenges::IsToken(token) ? challenges.Find(token) : std::optional<std::string>();
  if (!authorization) return Say(404, "There is no ACME challenge of this name now.");
  Answer answer;
  answer.status = 200;
  answer.body = std::move(*authorization);
  answer.content_type = "application/octet-stream";
  return answer;
}

// A target as it was sent, in its parts.
struct Target {
  std::string_view authority, path;
};

// RFC 9112 section 3.2.2: the target's own authority goes before Host.
Target TargetOf(const Request& request) {
  constexpr std::string_view kScheme = "http://";
  Target target{request.host, request.target};
  if (!StartsWithIgnoreCase(target.path, kScheme)) return target;
  target.path.remove_prefix(kScheme.size());
  target.authority = target.path.substr(0, target.path.find_first_of("/?"));
  target.path.remove_prefix(target.authority.size());
  if (target.path.empty()) target.path = "/";
  return target;
}

// RFC 9112 section 3.2: none or several are refused.
bool HasHost(const Request& request) {
  return request.hosts == 1 || (request.hosts == 0 && request.version < 11);
}

// What stands behind /confirm/, where links are answered; nothing: it is another target.
std::optional<std::string_view> LinkToken(const Request& request, uint16_t https_port) {
  std::string_view path = TargetOf(request).path;
  if (!HasHost(request) || !path.starts_with(kLinkPath)) return std::nullopt;
  if (!request.secure && https_port != 0) return std::nullopt;
  return path.substr(kLinkPath.size());
}

Answer AnswerLink(const Request& request, std::string_view token, const LinkFacts& link) {
  if (!Looks(request) && request.method != "POST") {
    Answer answer = Say(405, "Only GET, HEAD and POST are answered here.");
    answer.allow = "GET, HEAD, POST";
    return answer;
  }
  LinkFacts unknown;
  unknown.state = LinkFacts::State::kUnknown;
  return LinkPage(IsLinkToken(token) ? link : unknown);
}

}  // namespace

std::optional<LinkQuestion> QuestionOf(const Request& request, uint16_t https_port) {
  auto token = LinkToken(request, https_port);
  bool confirm = request.method == "POST";
  if (!token || !IsLinkToken(*token) || (!confirm && !Looks(request))) return std::nullopt;
  return LinkQuestion{std::string(*token), confirm};
}

bool TakesForm(const Request& request, uint16_t https_port) {
  return request.method == "POST" && LinkToken(request, https_port).has_value();
}

std::string LoggedTarget(std::string_view target) {
  size_t at = target.find(kLinkPath);
  if (at == std::string_view::npos) {
    return std::string(target.substr(0, limits::kHttpTargetLoggedBytesMax));
  }
  target = target.substr(0, at + kLinkPath.size());
  return std::string(target.substr(0, limits::kHttpTargetLoggedBytesMax)) + "...";
}

std::string_view HostOf(std::string_view authority) {
  std::string_view host = authority, port;
  if (authority.starts_with('[')) {  // RFC 3986 section 3.2.2: an IPv6 address
    size_t end = authority.find(']');
    if (end == std::string_view::npos) return {};
    host = authority.substr(0, end + 1);
    port = authority.substr(end + 1);
    auto address = IpAddress::Parse(host.substr(1, end - 1));
    if (!address || address->is_v4()) return {};
  } else {
    host = authority.substr(0, authority.find(':'));
    port = authority.substr(host.size());
    if (host.size() > limits::kDomainBytesMax) return {};
    if (!smtp::IsDomain(host, false) && !IpAddress::Parse(host)) return {};
  }
  if (!port.empty() && !(port.front() == ':' && (port.size() == 1 || IsPort(port.substr(1))))) {
    return {};
  }
  return host;
}

Answer AnswerTo(const Request& request, const AcmeChallenges& challenges, uint16_t https_port,
                const LinkFacts& link) {
  if (!HasHost(request)) return Say(400, "There must be one Host field.");
  auto [authority, target] = TargetOf(request);
  if (!IsTarget(target)) return Say(400, "The request's target is not a path.");
  if (auto token = LinkToken(request, https_port)) return AnswerLink(request, *token, link);
  if (request.secure) {
    return Say(404, "Nothing is served here under this name: this is a mail gateway.");
  }
  if (target.starts_with(kChallengePath)) {
    return AnswerChallenge(request, target.substr(kChallengePath.size()), challenges);
  }
  if (https_port == 0) return Say(404, "Nothing is served here: this is a mail gateway.");
  std::string_view host = HostOf(authority);
  if (host.empty()) return Say(400, "The Host field is not the name of a host.");
  Answer answer = Say(308, "This is served under https alone.");
  answer.location = "https://" + std::string(host);
  if (https_port != kHttpsPort) answer.location += ":" + std::to_string(https_port);
  answer.location += target;
  return answer;
}

}  // namespace ringpost::http
