#include "gateway/identity/suppression_rules.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "gateway/base/text.h"

namespace ringpost::identity {
namespace {

// As servers without enhanced codes, and those that give 5.0.0, say it.
constexpr std::string_view kNoMailboxWords[] = {
    "user unknown",           "unknown user",       "no such user",        "no such mailbox",
    "no such address",        "no such recipient",  "unknown recipient",   "recipient unknown",
    "unknown mailbox",        "mailbox not found",  "user not found",      "address unknown",
    "no mailbox here",        "user doesn't exist", "user does not exist", "mailbox does not exist",
    "invalid mailbox",        "account disabled",   "account is disabled", "recipient not found",
    "address does not exist",
};
// What beside them makes it another thing: the server names a reason of its own.
constexpr std::string_view kPolicyWords[] = {
    "spam",        "policy",     "blocked",    "blacklist",
    "blocklist",   "block list", "reputation", "rate limit",
    "too many",    "dmarc",      "spf",        "dkim",
    "not allowed", "quota",      "sender",     "receiving mail at a rate",
};

template <size_t N>
bool HasAny(std::string_view text, const std::string_view (&words)[N]) {
  return std::any_of(std::begin(words), std::end(words), [text](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

// Whether the enhanced code leaves it to the words.
bool SaysNothing(const smtp::EnhancedCode& code) {
  return !code.present() ||
         (code.detail == 0 && (code.subject == 0 || code.subject == 1 || code.subject == 5));
}

}  // namespace

bool SaysNoMailbox(const smtp::Reply& reply) {
  if (!reply.permanent()) return false;
  const smtp::EnhancedCode& code = reply.enhanced;
  if (code.present() && code.klass != 5) return false;
  std::string text = ToLower(reply.text);
  if (SaysNothing(code)) return HasAny(text, kNoMailboxWords) && !HasAny(text, kPolicyWords);
  if (code.subject == 1) {
    return code.detail == 1 || code.detail == 2 || code.detail == 3 || code.detail == 6 ||
           code.detail == 10;
  }
  // Some say so too where a mailbox gets too much at a time.
  return code.subject == 2 && code.detail == 1 && !HasAny(text, kPolicyWords);
}

smtp::Reply SuppressedReply(std::string_view address, const SuppressionTable::Found& found) {
  std::string words = "<" + std::string(address) + "> is on this account's suppression list";
  words += found.whole_domain ? " by its domain (" : " (";
  words += std::string(SuppressionReasonWords(found.reason)) + ", " +
           FormatRfc3339(found.day).substr(0, 10);
  words +=
      "): nothing is sent to it. Drop it from your recipients; if it is good after all, ask "
      "the operator of this gateway to take it off the list";
  return {550, {5, 7, 1}, std::move(words)};
}

}  // namespace ringpost::identity
