// SenderLinks: what the HTTP side asks about links that verify an address (/confirm/TOKEN), and is
// told. Who keeps them is app/link_book.h.
//
// A token is letters and digits; what is none is never asked about. Whoever has it may confirm, so
// it stands in no log.
//
// Threads: Ask from the HTTP side's; `done` is called once, on any thread, here or later.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "gateway/base/ip_address.h"
#include "gateway/base/limits.h"
#include "gateway/base/time.h"

namespace ringpost::http {

inline constexpr std::string_view kLinkPath = "/confirm/";
inline constexpr std::string_view kLinkAlphabet = "abcdefghijklmnopqrstuvwxyz234567";

inline bool IsLinkToken(std::string_view text) {
  return text.size() == limits::kLinkTokenBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return kLinkAlphabet.find(c) != std::string_view::npos; });
}

struct LinkQuestion {
  std::string token;
  bool confirm = false;  // else it is only looked at, and nothing changes
};

struct LinkFacts {
  enum class State : uint8_t {
    kOpen,
    kConfirmed,  // by this very question
    kUsed,       // the address is verified already
    kReplaced,   // a newer one was sent
    kExpired,
    kUnknown,
    kTooMany,      // this client asks too often
    kUnavailable,  // nobody can say now
  };
  State state = State::kUnavailable;
  std::string address, account;  // but of kUnknown, kTooMany and kUnavailable
  std::string gateway;           // its name
};

class SenderLinks {
 public:
  using Done = std::function<void(LinkFacts facts)>;
  virtual ~SenderLinks() = default;
  virtual void Ask(LinkQuestion question, const IpAddress& client, Done done) = 0;
};

}  // namespace ringpost::http
