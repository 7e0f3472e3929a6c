// ReplyPatterns: many regular expressions looked for at once in what a next hop said.
//
// RE2 alone: its time is linear in the text and its memory bounded, whatever a stranger's server
// says and whatever an operator writes. The text is taken as bytes (Latin-1): replies need not be
// UTF-8.
//
// Threads: immutable once made; any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/status.h"

namespace ringpost::delivery {

class ReplyPatterns {
 public:
  // Empty: `pattern` is one. Else what is wrong with it: "is empty...".
  static std::string WrongWith(const std::string& pattern);
  // INVALID_ARGUMENT: one is none, or they are too much together.
  static StatusOr<std::unique_ptr<const ReplyPatterns>> Make(
      const std::vector<std::string>& patterns);
  ~ReplyPatterns();

  // Numbers of the patterns that are found in `text`, in rising order.
  std::vector<uint32_t> FoundIn(std::string_view text) const;

 private:
  struct Impl;
  explicit ReplyPatterns(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost::delivery
