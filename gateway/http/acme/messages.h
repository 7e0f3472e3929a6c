// What an ACME server answers (RFC 8555 section 7.1, RFC 7807), read and checked as far as we go by
// it: types, URLs (url.h), sizes and numbers of things. What is not as it must be is an error in
// words; what we do not know is passed over.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"

namespace ringpost::acme {

// An error of the server's (section 6.7), fit for a log.
struct Problem {
  std::string type;   // "badNonce": without "urn:ietf:params:acme:error:"; empty: none was given
  std::string words;  // never empty
};
// Of an answer that is not what was hoped for, whatever is in it.
Problem ParseProblem(int status, std::string_view body);

struct Directory {
  std::string new_nonce, new_account, new_order;
  bool external_account_required = false;
};
StatusOr<Directory> ParseDirectory(std::string_view body);

// Of accounts, orders, authorizations and challenges; kOther is every end that is no success.
enum class State : uint8_t { kPending, kReady, kProcessing, kValid, kInvalid, kOther };

StatusOr<State> ParseAccount(std::string_view body);

struct Order {
  State state = State::kOther;
  std::vector<std::string> names;  // its identifiers, lower case; another type: "type:value"
  std::vector<std::string> authorizations;  // URLs, at least one
  std::string finalize;                     // URL
  std::string certificate;                  // URL, or empty
  std::string error;                        // in words, or empty
};
StatusOr<Order> ParseOrder(std::string_view body);

enum class ChallengeKind : uint8_t { kHttp01, kTlsAlpn01 };
std::string_view ChallengeName(ChallengeKind kind);  // "http-01", "tls-alpn-01"

struct Challenge {
  ChallengeKind kind = ChallengeKind::kHttp01;
  std::string url;
  std::string token;  // base64url
};
struct Authorization {
  State state = State::kOther;
  std::string name;                   // as in Order::names; a wildcard's: "*." before it
  std::vector<Challenge> challenges;  // of the kinds we know
  std::string error;                  // of the challenge that failed, in words, or empty
};
StatusOr<Authorization> ParseAuthorization(std::string_view body);

}  // namespace ringpost::acme
