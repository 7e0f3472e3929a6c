#include "gateway/session/host_addresses.h"

#include <gtest/gtest.h>

#include "gateway/base/limits.h"

namespace ringpost::session {
namespace {

using dns::Answer;
using dns::RecordType;

Answer Of(RecordType type, const std::vector<std::string>& values) {
  Answer answer;
  answer.question = {"mx.example", type};
  answer.outcome = values.empty() ? Answer::Outcome::kNoData : Answer::Outcome::kRecords;
  for (const std::string& value : values) {
    answer.records.push_back({"mx.example", type, 300, 0, value});
  }
  return answer;
}
Answer V6(const std::vector<std::string>& values) { return Of(RecordType::kAaaa, values); }
Answer V4(const std::vector<std::string>& values) { return Of(RecordType::kA, values); }
Answer Failed(std::string words, Answer::Failure failure = Answer::Failure::kServfail) {
  return dns::FailedAnswer({"mx.example", RecordType::kA}, words, failure);
}

HostAddresses Read(const Answer& v6, const Answer& v4) {
  return ReadHostAddresses(v6, v4, delivery::TargetAddresses({*IpNetwork::Parse("10.1.0.0/16")}));
}
// "2a00::1 1.1.1.1", or the error.
std::string Text(const HostAddresses& found) {
  EXPECT_EQ(found.addresses.empty(), !found.error.empty());
  std::string text = found.error;
  for (const IpAddress& address : found.addresses) {
    text += (text.empty() ? "" : " ") + address.ToString();
  }
  return text;
}

TEST(HostAddressesTest, FamiliesInTurn) {
  EXPECT_EQ(Text(Read(V6({"2a00::1"}), V4({"1.1.1.1"}))), "2a00::1 1.1.1.1");
  EXPECT_EQ(Text(Read(V6({}), V4({"1.1.1.1", "1.1.1.2"}))), "1.1.1.1 1.1.1.2");
  EXPECT_EQ(Text(Read(V6({"2a00::1", "2a00::2"}), V4({}))), "2a00::1 2a00::2");
  EXPECT_EQ(Text(Read(V6({"2a00::1"}), V4({"1.1.1.1", "1.1.1.2", "1.1.1.3"}))),
            "2a00::1 1.1.1.1 1.1.1.2 1.1.1.3");
  EXPECT_EQ(Text(Read(V6({"2a00::1", "2a00::2", "2a00::3"}), V4({"1.1.1.1"}))),
            "2a00::1 1.1.1.1 2a00::2 2a00::3");
  EXPECT_EQ(Text(Read(V6({"::ffff:1.1.1.1", "2a00::1"}), V4({"1.1.1.1", "1.1.1.1"}))),
            "1.1.1.1 2a00::1");
}

TEST(HostAddressesTest, NotTooMany) {
  std::vector<std::string> v6, v4;
  for (size_t i = 1; i <= limits::kAddressesPerHopMax; ++i) {
    v6.push_back("2a00::" + std::to_string(i));
    v4.push_back("1.1.1." + std::to_string(i));
  }
  HostAddresses found = Read(V6(v6), V4(v4));
  ASSERT_EQ(found.addresses.size(), limits::kAddressesPerHopMax);
  EXPECT_EQ(found.addresses.back().ToString(), v4[limits::kAddressesPerHopMax / 2 - 1]);
  EXPECT_EQ(Read(V6(v6), V4({})).addresses.size(), limits::kAddressesPerHopMax);
}

TEST(HostAddressesTest, WhatIsRefused) {
  EXPECT_EQ(Text(Read(V6({"::1"}), V4({"127.0.0.1", "1.1.1.1", "10.1.0.5", "10.2.0.5"}))),
            "1.1.1.1 10.1.0.5");
  EXPECT_EQ(Text(Read(V6({}), V4({"192.168.0.1"}))),
            "192.168.0.1 is a private address, to which no mail is sent");
  EXPECT_EQ(Text(Read(V6({"::1"}), V4({"192.168.0.1"}))),
            "::1 is a loopback address, to which no mail is sent");
  EXPECT_EQ(Text(Read(Failed("the answer is SERVFAIL"), V4({"0.0.0.0"}))),
            "0.0.0.0 is an address of \"this network\", to which no mail is sent; the answer is "
            "SERVFAIL");
}

TEST(HostAddressesTest, Failures) {
  using Failure = Answer::Failure;
  EXPECT_EQ(Text(Read(V6({}), V4({}))), "the name has no address");
  Answer no_name = V4({});
  no_name.outcome = Answer::Outcome::kNoName;
  EXPECT_EQ(Text(Read(no_name, no_name)), "there is no such name");
  EXPECT_EQ(Text(Read(Failed("x"), Failed("x"))), "x");
  EXPECT_EQ(Text(Read(Failed("y"), Failed("x"))), "x; y");
  EXPECT_EQ(Text(Read(V6({}), Failed("x"))), "x");
  EXPECT_EQ(Text(Read(Failed("x"), V4({}))), "x");
  EXPECT_EQ(Text(Read(V6({}), Failed("no keys", Failure::kBogus))),
            "the answer is bogus (DNSSEC): no keys");
  EXPECT_EQ(Text(Read(Failed("x"), V4({"1.1.1.1"}))), "1.1.1.1");
  EXPECT_EQ(Text(Read(V6({"2a00::1"}), Failed("x"))), "2a00::1");
}

}  // namespace
}  // namespace ringpost::session
