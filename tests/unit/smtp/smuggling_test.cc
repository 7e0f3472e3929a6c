// SMTP smuggling (VU#302671, CVE-2023-51764, -51765, -51766): whatever stands around a dot, a
// second message hidden behind it is content, or the whole message is refused. Only CRLF.CRLF ends
// data.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/smtp/data_stream_reference.h"
#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

constexpr std::string_view kEndings[] = {"\n",     "\r",     "\r\n", "\r\r\n", "\n\r",
                                         "\n\r\n", "\r\n\r", "\n\n", "\r\r",   ""};

struct Case {
  std::string variant;
  bool true_end;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (std::string_view before : kEndings) {
    for (std::string_view after : kEndings) {
      for (std::string_view dots :
           {std::string_view("."), std::string_view(".."), std::string_view(". "),
            std::string_view(".\0", 2), std::string_view("\0.", 2)}) {
        Case one;
        one.variant.append(before).append(dots).append(after);
        one.true_end = one.variant.find("\r\n.\r\n") != std::string::npos;
        cases.push_back(one);
      }
    }
  }
  return cases;
}

const std::string kHidden =
    "MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nSubject: "
    "hidden\r\n\r\nx\r\n";

// The bytes after 354, as one receive or byte by byte; what was queued, and what the server said.
struct Result {
  std::vector<ServerHarness::Message> messages;
  std::string log;
};
Result Send(const std::string& bytes, bool normalise, bool by_byte) {
  ServerOptions options = TestOptions();
  options.normalise_bare_newlines = normalise;
  ServerHarness harness(options);
  harness.session().Greet();
  harness.Feed("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
  harness.TakeLog();
  for (size_t at = 0; at < bytes.size(); at += by_byte ? 1 : bytes.size()) {
    harness.Feed(std::string_view(bytes).substr(at, by_byte ? 1 : bytes.size()));
  }
  return {harness.messages, harness.TakeLog()};
}

TEST(Smuggling, NothingButCrlfDotCrlfEndsData) {
  size_t checked = 0;
  for (const Case& one : Cases()) {
    if (one.true_end) continue;
    ++checked;
    // A clean line stands between, so that the variant alone decides.
    const std::string bytes = "Subject: x\r\n\r\nbody" + one.variant + kHidden + ".\r\n";
    const reference::Outcome expected = reference::Data(bytes, false);
    const std::string content = reference::Data(bytes, true).content;
    for (bool by_byte : {false, true}) {
      Result refused = Send(bytes, false, by_byte);
      const bool clean = !expected.bare && !expected.nul;
      ASSERT_EQ(refused.messages.size(), clean ? 1u : 0u) << Escape(one.variant);
      EXPECT_EQ(refused.log.find("mail <evil"), std::string::npos) << Escape(one.variant);
      if (clean) {
        EXPECT_EQ(refused.messages[0].body, expected.content) << Escape(one.variant);
      } else {
        EXPECT_NE(refused.log.find("S: 550 5.6.0"), std::string::npos) << Escape(one.variant);
      }
      Result normalised = Send(bytes, true, by_byte);
      ASSERT_EQ(normalised.messages.size(), expected.nul ? 0u : 1u) << Escape(one.variant);
      EXPECT_EQ(normalised.log.find("mail <evil"), std::string::npos) << Escape(one.variant);
      if (!expected.nul) {
        EXPECT_EQ(normalised.messages[0].body, content) << Escape(one.variant);
      }
    }
  }
  EXPECT_GE(checked, 400u);
}

// The control: a true end is an end in both modes, whatever stood before it, and what follows is
// commands.
TEST(Smuggling, CrlfDotCrlfAlwaysEndsData) {
  size_t checked = 0;
  for (const Case& one : Cases()) {
    if (!one.true_end) continue;
    ++checked;
    const std::string bytes = "body" + one.variant + "NOOP\r\n";
    for (bool normalise : {false, true}) {
      for (bool by_byte : {false, true}) {
        Result result = Send(bytes, normalise, by_byte);
        const reference::Outcome expected = reference::Data(bytes, normalise);
        EXPECT_EQ(result.messages.size(), expected.bare || expected.nul ? 0u : 1u)
            << Escape(one.variant);
        const std::string rest = bytes.substr(expected.consumed);
        const bool clean_rest = rest == "NOOP\r\n";
        EXPECT_EQ(result.log.find("S: 250 2.0.0 Still here") != std::string::npos, clean_rest)
            << Escape(one.variant) << "\n"
            << result.log;
      }
    }
  }
  EXPECT_GE(checked, 5u);
}

// The same bytes as a BDAT payload are content to the last octet.
TEST(Smuggling, BdatPayloadIsContent) {
  for (const Case& one : Cases()) {
    const std::string payload = "Subject: x\r\n\r\nbody" + one.variant + kHidden;
    for (bool normalise : {false, true}) {
      ServerOptions options = TestOptions();
      options.normalise_bare_newlines = normalise;
      ServerHarness harness(options);
      harness.session().Greet();
      harness.Feed("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nBDAT " +
                   std::to_string(payload.size()) + " LAST\r\n" + payload + "NOOP\r\n");
      const reference::Outcome expected = reference::Chunk(payload, normalise);
      const bool clean = !expected.bare && !expected.nul;
      ASSERT_EQ(harness.messages.size(), clean ? 1u : 0u) << Escape(one.variant);
      if (clean) {
        EXPECT_EQ(harness.messages[0].body, expected.content);
      }
      const std::string log = harness.TakeLog();
      EXPECT_NE(log.find("S: 250 2.0.0 Still here"), std::string::npos) << Escape(one.variant);
      EXPECT_EQ(log.find("mail <evil"), std::string::npos) << Escape(one.variant);
    }
  }
}

}  // namespace
}  // namespace ringpost::smtp
