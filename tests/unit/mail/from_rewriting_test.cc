#include "gateway/mail/from_rewriting.h"

#include <gtest/gtest.h>

#include "gateway/mail/from_field.h"

namespace ringpost::mail {
namespace {

HeaderSummary WithValue(std::string value) {
  HeaderSummary headers;
  headers.from_count = 1;
  headers.from = std::move(value);
  return headers;
}

std::string Qualified(std::string_view address) {
  if (address.empty()) return "";
  size_t at = address.find('@');
  bool whole = at != std::string_view::npos && address.find('.', at) != std::string_view::npos;
  return whole ? std::string(address) : std::string(address.substr(0, at)) + "@example.com";
}

TEST(FromRewriting, NamesWithoutADomainGetOne) {
  struct Case {
    const char* before;
    const char* after;  // null: it stays
  } cases[] = {
      {"root", "root@example.com"},
      {"root (Cron Daemon)", "root@example.com (Cron Daemon)"},
      {"Cron <root>", "Cron <root@example.com>"},
      {"root@localhost", "root@example.com"},
      {"\"Printer 7\" <scan@printer>", "\"Printer 7\" <scan@example.com>"},
      {"root@printer <root@printer>", "root@example.com <root@example.com>"},
      {"\"root@printer\" <root@printer>", "root@example.com"},
      {"(root@printer) root@printer", "root@example.com"},
      {"a@printer, b@other.example", "a@example.com, b@other.example"},
      {"a@whole.example", nullptr},
      {"two words", nullptr},
      {"<a b>", nullptr},
      {"<root", nullptr},
      {"root, admin", nullptr},
      {"", nullptr},
  };
  for (const Case& one : cases) {
    auto after = RewriteFrom(WithValue(one.before), Qualified);
    EXPECT_EQ(after.has_value(), one.after != nullptr) << one.before;
    if (!after || !one.after) continue;
    // Where a display name holds the address, either form will do: it must be read without doubt.
    FromAddresses read = ReadFromField(*after);
    EXPECT_EQ(read.problem, FromProblem::kNone) << *after;
    if (std::string_view(one.before).find("root@printer") == std::string_view::npos) {
      EXPECT_EQ(*after, one.after);
    }
    EXPECT_EQ(read.addresses, ReadFromField(one.after).addresses) << *after;
  }
}

TEST(FromRewriting, AForcedSenderIsThereAlsoWithoutAField) {
  auto forced = [](std::string_view) { return std::string("it@example.com"); };
  EXPECT_EQ(RewriteFrom(HeaderSummary(), forced), "it@example.com");
  EXPECT_EQ(RewriteFrom(WithValue("B <b@x.example>"), forced), "B <it@example.com>");
  EXPECT_EQ(RewriteFrom(HeaderSummary(), Qualified), std::nullopt);
  HeaderSummary two = WithValue("a@x.example");
  two.from_count = 2;
  EXPECT_EQ(RewriteFrom(two, forced), std::nullopt);
}

TEST(FromRewriting, TheFieldIsReplacedWhereItStands) {
  EXPECT_EQ(WithFrom("A: 1\r\nfRom : x\r\n y\r\nB: 2\r\n\r\n", "v"),
            "A: 1\r\nFrom: v\r\nB: 2\r\n\r\n");
  EXPECT_EQ(WithFrom("From: x", "v"), "From: v\r\n");
  EXPECT_EQ(WithFrom("X-From: x\r\n\r\n", "v"), "From: v\r\nX-From: x\r\n\r\n");
  EXPECT_EQ(WithFrom("", "v"), "From: v\r\n");
  EXPECT_EQ(WithFrom("A: 1\r\n From: no\r\nFrom: x\r\n\r\n", "v"),
            "A: 1\r\n From: no\r\nFrom: v\r\n\r\n");
}

}  // namespace
}  // namespace ringpost::mail
