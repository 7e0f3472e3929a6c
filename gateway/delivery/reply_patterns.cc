#include "gateway/delivery/reply_patterns.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <utility>

#include "gateway/delivery/shaping_limits.h"

namespace ringpost::delivery {
namespace {

RE2::Options OptionsOf(int64_t memory_bytes) {
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  options.set_max_mem(memory_bytes);
  options.set_never_capture(true);
  return options;
}

}  // namespace

// The set tells all that are found in one pass. Where its automaton would need more memory than it
// may have it says so, and each is asked by itself.
struct ReplyPatterns::Impl {
  Impl() : set(OptionsOf(limits::kReplyPatternsMemoryBytesMax), RE2::UNANCHORED) {}
  RE2::Set set;
  std::vector<std::unique_ptr<RE2>> each;
};

ReplyPatterns::ReplyPatterns(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReplyPatterns::~ReplyPatterns() = default;

std::string ReplyPatterns::WrongWith(const std::string& pattern) {
  if (pattern.empty()) return "is empty, and would fit every reply";
  if (pattern.size() > limits::kReplyPatternBytesMax) {
    return "has more than " + std::to_string(limits::kReplyPatternBytesMax) + " bytes";
  }
  RE2 compiled(pattern, OptionsOf(limits::kReplyPatternMemoryBytesMax));
  return compiled.ok() ? "" : "is no regular expression (RE2): " + compiled.error();
}

StatusOr<std::unique_ptr<const ReplyPatterns>> ReplyPatterns::Make(
    const std::vector<std::string>& patterns) {
  auto impl = std::make_unique<Impl>();
  for (const std::string& pattern : patterns) {
    std::string wrong = WrongWith(pattern);
    std::string error;
    bool added = wrong.empty() && impl->set.Add(pattern, &error) >= 0;
    if (!added) {
      return MakeStatus(StatusCode::kInvalidArgument,
                        "\"" + pattern + "\" " + (wrong.empty() ? error : wrong));
    }
    impl->each.push_back(
        std::make_unique<RE2>(pattern, OptionsOf(limits::kReplyPatternMemoryBytesMax)));
  }
  if (!impl->set.Compile()) {
    return MakeStatus(StatusCode::kInvalidArgument, "the patterns are too much together");
  }
  return std::unique_ptr<const ReplyPatterns>(new ReplyPatterns(std::move(impl)));
}

std::vector<uint32_t> ReplyPatterns::FoundIn(std::string_view text) const {
  std::vector<uint32_t> found;
  if (impl_->each.empty()) return found;
  re2::StringPiece piece(text.data(), text.size());
  std::vector<int> numbers;
  RE2::Set::ErrorInfo error{};
  if (impl_->set.Match(piece, &numbers, &error)) {
    found.assign(numbers.begin(), numbers.end());
    std::sort(found.begin(), found.end());
  } else if (error.kind != RE2::Set::kNoError) {
    for (uint32_t i = 0; i < impl_->each.size(); ++i) {
      if (RE2::PartialMatch(piece, *impl_->each[i])) found.push_back(i);
    }
  }
  return found;
}

}  // namespace ringpost::delivery
