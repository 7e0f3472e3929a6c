// Replies of a hostile server: whole and split, the parser must say the same, and what it keeps is
// printable and bounded. The first byte seeds the splits.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"
#include "gateway/smtp/capabilities.h"
#include "gateway/smtp/reply_parser.h"

namespace ringpost::smtp {
namespace {

struct Seen {
  std::vector<Reply> replies;
  std::vector<std::string> lines;
  std::string error;
  bool operator==(const Seen&) const = default;
};

void CheckReply(const Reply& reply) {
  RP_CHECK(reply.code >= 200 && reply.code <= 599);
  RP_CHECK(!reply.enhanced.present() || reply.enhanced.klass == reply.code / 100);
  RP_CHECK(reply.text.size() <= limits::kReplyTextKeptBytesMax);
  RP_CHECK(IsUtf8(reply.text));
  for (char c : reply.text) RP_CHECK(c == '\n' || static_cast<uint8_t>(c) >= 0x20);
}

// False once the grammar is broken.
bool Feed(ReplyParser* parser, std::string_view input, Seen* seen) {
  while (true) {
    switch (parser->Next(&input)) {
      case ReplyParser::Result::kNeedInput:
        RP_CHECK(input.empty());
        return true;
      case ReplyParser::Result::kBroken:
        seen->error = parser->error();
        RP_CHECK(!seen->error.empty());
        return false;
      case ReplyParser::Result::kReply:
        RP_CHECK(parser->lines() <= limits::kReplyLinesMax);
        CheckReply(parser->reply());
        seen->replies.push_back(parser->reply());
        [[fallthrough]];
      case ReplyParser::Result::kLine:
        RP_CHECK(parser->line().size() < limits::kReplyLineBytesMax);
        seen->lines.emplace_back(parser->line());
        break;
    }
  }
}

}  // namespace
}  // namespace ringpost::smtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost;
  using namespace ringpost::smtp;
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  Seen whole, split;
  ReplyParser first, second;
  Feed(&first, input, &whole);
  Random random(data[0]);
  for (std::string_view rest = input; !rest.empty();) {
    size_t count = data[0] == 0 ? 1 : 1 + random.Below(rest.size());
    std::string part(rest.substr(0, count));
    rest.remove_prefix(count);
    if (!Feed(&second, part, &split)) break;
  }
  RP_CHECK(whole == split);
  Capabilities capabilities;
  for (const std::string& line : whole.lines)
    AddCapability(line.substr(line.size() < 4 ? line.size() : 4), &capabilities);
  FinishCapabilities(&capabilities);
  RP_CHECK(!capabilities.binarymime || capabilities.chunking);
  return 0;
}
