#include "gateway/dns/zone_file.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/dns/dns_limits.h"

namespace ringpost::dns {
namespace {

ZoneHead Head() {
  ZoneHead head;
  head.zone = "gw.example";
  head.primary = "ns1.gw.example";
  head.mailbox = "hostmaster.gw.example";
  head.name_servers = {"ns2.other.example", "NS1.gw.example."};
  head.name_servers[1] = "ns1.gw.example";
  head.serial = 7;
  return head;
}

Record Txt(std::string owner, std::string text) {
  return {std::move(owner), RecordType::kTxt, 300, 0, std::move(text)};
}

StatusOr<std::string> Write(std::vector<Record> records) {
  return WriteZoneFile(Head(), std::move(records));
}

TEST(ZoneFileTest, Golden) {
  std::vector<Record> records = {Txt("k.dkim.gw.example", "v=DKIM1; k=rsa; p=AAAA"),
                                 {"t.rp.gw.example", RecordType::kMx, 300, 20, "mx2.gw.example"},
                                 {"t.rp.gw.example", RecordType::kMx, 300, 10, "mx1.gw.example"},
                                 Txt("t.rp.gw.example", "v=spf1 ip4:192.0.2.0/24 -all"),
                                 {"mx1.gw.example", RecordType::kA, 300, 0, "192.0.2.1"},
                                 {"mx1.gw.example", RecordType::kAaaa, 300, 0, "2001:db8::1"},
                                 {"www.gw.example", RecordType::kCname, 60, 0, "mx1.gw.example"}};
  StatusOr<std::string> written = Write(records);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(*written,
            "; Written by a program: changes made here are lost.\n"
            "$ORIGIN gw.example.\n"
            "gw.example. 300 IN SOA ns1.gw.example. hostmaster.gw.example. 7 3600 600 1209600 60\n"
            "gw.example. 300 IN NS ns1.gw.example.\n"
            "gw.example. 300 IN NS ns2.other.example.\n"
            "k.dkim.gw.example. 300 IN TXT \"v=DKIM1; k=rsa; p=AAAA\"\n"
            "mx1.gw.example. 300 IN A 192.0.2.1\n"
            "mx1.gw.example. 300 IN AAAA 2001:db8::1\n"
            "t.rp.gw.example. 300 IN MX 10 mx1.gw.example.\n"
            "t.rp.gw.example. 300 IN MX 20 mx2.gw.example.\n"
            "t.rp.gw.example. 300 IN TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
            "www.gw.example. 60 IN CNAME mx1.gw.example.\n");
  std::reverse(records.begin(), records.end());
  records.push_back(records[0]);  // there twice
  EXPECT_EQ(*Write(records), *written);
}

TEST(ZoneFileTest, CutsAndEscapesTexts) {
  EXPECT_EQ(RecordLine(Txt("a.b", "a\"b\\c;\n\x7f\xff d")),
            "a.b. 300 IN TXT \"a\\\"b\\\\c;\\010\\127\\255 d\"\n");
  EXPECT_EQ(RecordLine(Txt("a.b", std::string(300, 'x'))),
            "a.b. 300 IN TXT \"" + std::string(255, 'x') + "\" \"" + std::string(45, 'x') + "\"\n");
  EXPECT_EQ(RecordLine({"a.b", RecordType::kMx, 1, 0, ""}), "a.b. 1 IN MX 0 .\n");
}

TEST(ZoneFileTest, RefusesWhatCannotBe) {
  auto refused = [](Record record) { return Write({std::move(record)}).status().code(); };
  constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
  EXPECT_EQ(refused(Txt("a.other.example", "x")), kInvalid);
  EXPECT_EQ(refused(Txt("a b.gw.example", "x")), kInvalid);
  EXPECT_EQ(refused(Txt("A.gw.example", "x")), kInvalid);
  EXPECT_EQ(refused(Txt("a.gw.example\n$INCLUDE x", "x")), kInvalid);
  EXPECT_EQ(refused(Txt("a.gw.example", "")), kInvalid);
  EXPECT_EQ(refused(Txt("a.gw.example", std::string(limits::kTextBytesMax + 1, 'x'))), kInvalid);
  EXPECT_EQ(refused({"a.gw.example", RecordType::kA, 1, 0, "2001:db8::1"}), kInvalid);
  EXPECT_EQ(refused({"a.gw.example", RecordType::kAaaa, 1, 0, "192.0.2.1"}), kInvalid);
  EXPECT_EQ(refused({"a.gw.example", RecordType::kCname, 1, 0, "x\ny"}), kInvalid);
  EXPECT_EQ(refused({"a.gw.example", RecordType::kTlsa, 1, 0, "x"}), kInvalid);
  EXPECT_EQ(refused({"gw.example", RecordType::kCname, 1, 0, "x.example"}), kInvalid);
  EXPECT_EQ(refused({"a.gw.example", RecordType::kTxt, limits::kTtlSecondsMax + 1, 0, "x"}),
            kInvalid);
  EXPECT_EQ(Write({Txt("a.gw.example", "x"), {"a.gw.example", RecordType::kCname, 300, 0, "b.c"}})
                .status()
                .code(),
            kInvalid);
  EXPECT_EQ(Write({Txt("a.gw.example", "x"), {"a.gw.example", RecordType::kTxt, 60, 0, "y"}})
                .status()
                .code(),
            kInvalid);
}

TEST(ZoneFileTest, RefusesHeads) {
  for (auto change :
       {+[](ZoneHead* head) { head->zone = "gw example"; },
        +[](ZoneHead* head) { head->primary = ""; }, +[](ZoneHead* head) { head->mailbox = "a@b"; },
        +[](ZoneHead* head) { head->name_servers.clear(); },
        +[](ZoneHead* head) { head->name_servers[0] = "_x"; }}) {
    ZoneHead head = Head();
    change(&head);
    EXPECT_EQ(WriteZoneFile(head, {}).status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace ringpost::dns
