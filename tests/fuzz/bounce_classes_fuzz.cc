// bounce-classes.toml from anywhere: every input is a set of rules or a list of errors, never both;
// and rules judge a reply as they are written. Input: the file, and behind a 0x1E byte the reply.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/app/config_bounces.h"
#include "gateway/base/check.h"
#include "gateway/base/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view file = text.substr(0, text.find('\x1e'));
  std::string_view words = text.substr(std::min(file.size() + 1, text.size()));
  app::BounceClassesResult result = app::ParseBounceClasses(file);
  RP_CHECK((result.classes == nullptr) == !result.errors.empty());
  RP_CHECK(result.errors.size() <= limits::kConfigErrorsMax);
  if (!result.classes) return 0;
  smtp::Reply reply = mail::ReadBounceReply(words);
  auto judged = result.classes->Classify(reply.code, reply.enhanced, reply.text);
  uint32_t lines = static_cast<uint32_t>(std::count(file.begin(), file.end(), '\n')) + 1;
  RP_CHECK(judged.line <= lines);
  RP_CHECK(judged.line != 0 || judged.klass == mail::BounceClass::kUnknown);
  if (result.classes->size() == 0) RP_CHECK(judged.line == 0);
  // A rule for all that fails, behind the others, is the one where none of them was.
  std::string more =
      std::string(file) + "\n[[rule]]\nclass = \"soft\"\ncode = [\"4xx\", \"5xx\"]\n";
  app::BounceClassesResult again = app::ParseBounceClasses(more);
  if (!again.classes) return 0;  // the file ends within something
  auto last = again.classes->Classify(reply.code, reply.enhanced, reply.text);
  bool fails = reply.code >= 400;
  RP_CHECK(judged.line != 0 ? last.line == judged.line : (last.line != 0) == fails);
  return 0;
}
