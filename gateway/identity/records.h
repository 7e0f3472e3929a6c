// The records of accounts, credentials and verified senders: what the control store keeps, what an
// operator sends and is shown, and what an export holds: JSON objects, one shape for all of them.
//
//   {"name":"acme","region":"eu","senders":{"mode":"allow","entries":["example.com"]}}
//   {"name":"new-one","ramp":{"first_day":200,"days":14,"begins":"2026-11-28"}}
//   {"kind":"user","name":"printer-7","account":"acme","rate":{"count":100,"seconds":60}}
//   {"name":"example.com","account":"acme","state":"verified"}
//
// A member that is not there has its default, and a default is not written: so two records that
// mean the same are the same text. What is none of a record's members, of another type or out of
// bounds is refused in words that name it. Passwords are never in here.
//
// Threads: functions over values.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/identity/credential.h"

namespace ringpost::identity {

using Json = nlohmann::ordered_json;

// A restrict list as it was written.
struct ListRecord {
  ListMode mode = ListMode::kOff;
  std::vector<std::string> entries;
};

struct AccountRecord {
  std::string name;
  std::string description;
  std::string region;
  bool suspended = false, exempt = false;
  ListRecord senders, recipients;
  RateLimit rate;
  Ramp ramp;

  static StatusOr<AccountRecord> Parse(const Json& object);
  Json ToJson() const;
  // INVALID_ARGUMENT: a list's entry that is none.
  StatusOr<Account> ToAccount(uint32_t id) const;
};

struct CredentialRecord {
  CredentialKind kind = CredentialKind::kUser;
  std::string name;
  std::string account;
  std::string description;
  CredentialStatus status = CredentialStatus::kAllowed;
  std::string blocked_because;  // in words, by the brake; gone when it is not blocked any more
  ListRecord senders, recipients;
  std::vector<std::string> networks;
  // All that is no list is as CredentialSettings has it; its lists are null here.
  CredentialSettings settings;

  static StatusOr<CredentialRecord> Parse(const Json& object);
  Json ToJson() const;
  // What is common to those that are set up alike: the same text, the same settings.
  std::string SettingsText() const;
  StatusOr<CredentialSettings> ToSettings() const;
};

enum class SenderState : uint8_t {
  kPending,
  kVerified,
  kBroken,  // was verified; its DNS no longer says so
};

// A domain or an address that an account may be verified for.
struct SenderRecord {
  std::string name;
  std::string account;
  SenderState state = SenderState::kPending;

  static StatusOr<SenderRecord> Parse(const Json& object);
  Json ToJson() const;
};

std::string_view KindName(CredentialKind kind);  // "user", "api_key", "network", "address"
// Nothing: it is none.
std::optional<CredentialKind> ParseKind(std::string_view name);

// "acme": 1 to limits::kAccountNameBytesMax letters, digits, '-', '_', '.'.
bool IsAccountName(std::string_view name);

}  // namespace ringpost::identity
