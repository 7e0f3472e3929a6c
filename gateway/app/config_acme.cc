#include "gateway/app/config_acme.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/http/acme/url.h"
#include "gateway/smtp/address.h"

namespace ringpost::app {
namespace {

// Whether HTTP-01 can be answered there.
bool SpeaksHttpInClear(const ListenerConfig& listener) {
  return listener.tls != ListenerTls::kImplicit &&
         listener.protocol != session::ListenerProtocol::kSmtp;
}

bool IsHostname(std::string_view text) {
  return text.size() <= limits::kDomainBytesMax && smtp::IsDomain(text, false) &&
         !IpAddress::Parse(text);
}

bool IsEmail(std::string_view text) {
  size_t at = text.rfind('@');
  return at != std::string_view::npos && at > 0 && at <= limits::kLocalPartBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; }) &&
         text.find_first_of(",?&%") == std::string_view::npos && IsHostname(text.substr(at + 1));
}

void ReadAcmeNames(TableReader* table, const Config& config, AcmeConfig* acme) {
  bool given = table->Texts(
      "names", limits::kAcmeNamesMax, [&](std::string_view text) -> std::optional<std::string> {
        std::string name = ToLower(text);
        if (!IsHostname(name)) {
          return "expects names of this host such as \"mail.example.com\" (no wildcards: these "
                 "need DNS), not " +
                 Quoted(text);
        }
        if (std::find(acme->names.begin(), acme->names.end(), name) != acme->names.end()) {
          return "has " + Quoted(text) + " twice";
        }
        acme->names.push_back(std::move(name));
        return std::nullopt;
      });
  if (given && acme->names.empty()) {
    table->Error("names", "is empty; expects names such as [\"mail.example.com\"]");
  }
  if (!table->Find("names")) acme->names.push_back(ToLower(config.hostname));
}

constexpr std::string_view kAcmeChallenges[] = {"http-01", "tls-alpn-01"};

}  // namespace

void ReadAcme(const toml::table* from, ErrorList* errors, Config* config) {
  TableReader table(from, "acme", errors);
  AcmeConfig& acme = config->acme.emplace();
  if (table.Text("directory", &acme.directory) && !acme::ParseUrl(acme.directory)) {
    table.Error("directory",
                "expects the https URL of an ACME server's directory, such as "
                "\"https://acme-v02.api.letsencrypt.org/directory\", not " +
                    Quoted(acme.directory));
  }
  if (acme.directory.size() > limits::kAcmeDirectoryBytesMax) {
    table.Error("directory",
                "expects at most " + std::to_string(limits::kAcmeDirectoryBytesMax) + " bytes");
  }
  if (table.Text("email", &acme.email) && !IsEmail(acme.email)) {
    table.Error("email",
                "expects an address such as \"postmaster@example.com\", not " + Quoted(acme.email));
  }
  ReadAcmeNames(&table, *config, &acme);
  bool agreed = false;
  bool said = table.Flag("agree_tos", &agreed);
  if ((said || !table.Find("agree_tos")) && !agreed) {
    table.Error("agree_tos",
                "must be true: read the terms of service of the server (its directory's "
                "meta.termsOfService), which an account agrees to");
  }
  size_t kind = 0;
  if (table.Choice("challenge", kAcmeChallenges, &kind)) {
    acme.challenges = {static_cast<acme::ChallengeKind>(kind)};
  }
  if (table.Text("authorities", &acme.authorities) && !acme.authorities.starts_with('/')) {
    table.Error("authorities", "expects an absolute path, one that begins with /, not " +
                                   Quoted(acme.authorities));
  }
  table.Finish();
}

// A server that validates names comes to port 80 or 443. A listener at another port will do where
// the operator has said so, by naming the challenge: it may be where those are led to.
void CheckAcmeChallenges(const toml::table* from, ErrorList* errors, Config* config) {
  AcmeConfig& acme = *config->acme;
  TableReader table(from, "acme", errors);
  auto can = [&](acme::ChallengeKind kind, bool any_port) {
    return std::any_of(config->listeners.begin(), config->listeners.end(), [&](const auto& one) {
      bool fits = kind == acme::ChallengeKind::kTlsAlpn01 ? one.tls == ListenerTls::kImplicit
                                                          : SpeaksHttpInClear(one);
      uint16_t port = kind == acme::ChallengeKind::kTlsAlpn01 ? 443 : 80;
      return fits && (any_port || one.address.port == port);
    });
  };
  if (acme.challenges.empty()) {
    if (table.Find("challenge")) return;  // it is wrong in itself
    for (auto kind : {acme::ChallengeKind::kHttp01, acme::ChallengeKind::kTlsAlpn01}) {
      if (can(kind, false)) acme.challenges.push_back(kind);
    }
    if (!acme.challenges.empty()) return;
    table.Error(
        "challenge",
        "no [[listener]] can answer challenges: give one with port 80 and protocol = "
        "\"auto\" (http-01), or one with port 443 and tls = \"implicit\" (tls-alpn-01); or, "
        "where these ports lead to others here, say which challenge is meant");
  } else if (!can(acme.challenges[0], true)) {
    bool http = acme.challenges[0] == acme::ChallengeKind::kHttp01;
    table.Error("challenge", http ? "needs a [[listener]] with protocol = \"auto\" or \"http\", "
                                    "which port 80 leads to"
                                  : "needs a [[listener]] with tls = \"implicit\", which port 443 "
                                    "leads to");
  }
}

}  // namespace ringpost::app
