#include "gateway/smtp/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace ringpost::smtp {
namespace {

using State = ProxyHeader::State;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string V2(int version_command, int family, const std::string& body) {
  std::string header = kSignature;
  header += static_cast<char>(version_command);
  header += static_cast<char>(family);
  header += static_cast<char>(body.size() >> 8);
  header += static_cast<char>(body.size() & 255);
  return header + body;
}
const std::string kV4("\xc0\x00\x02\x01\xc0\x00\x02\x02\x12\x34\x00\x19", 12);

// The parsed header, which must also be what every shorter prefix waits for.
ProxyHeader Parse(const std::string& header) {
  for (size_t size = 0; size < header.size(); ++size) {
    EXPECT_EQ(ParseProxyHeader(std::string_view(header).substr(0, size)).state, State::kNeedMore)
        << size;
  }
  ProxyHeader parsed = ParseProxyHeader(header + "EHLO x\r\n");
  EXPECT_EQ(parsed.state, State::kParsed);
  EXPECT_EQ(parsed.consumed_bytes, header.size());
  return parsed;
}

TEST(ProxyProtocol, ReadsVersion1) {
  ProxyHeader header = Parse("PROXY TCP4 192.0.2.1 192.0.2.2 4660 25\r\n");
  EXPECT_EQ(header.source->ToString(), "192.0.2.1:4660");
  EXPECT_EQ(header.destination->ToString(), "192.0.2.2:25");
  header = Parse("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n");
  EXPECT_EQ(header.source->ToString(), "[2001:db8::1]:0");
  EXPECT_EQ(header.destination->ToString(), "[2001:db8::2]:65535");
  EXPECT_FALSE(Parse("PROXY UNKNOWN\r\n").source);
  EXPECT_FALSE(Parse("PROXY UNKNOWN ffff:: ffff:: 1 2\r\n").source);
}

TEST(ProxyProtocol, RefusesBadVersion1) {
  for (std::string_view text : {"PROXY \r\n",
                                "PROXY TCP4\r\n",
                                "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
                                "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
                                "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
                                "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
                                "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
                                "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
                                "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
                                "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
                                "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
                                "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
                                "PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n",
                                "PROXY TCP4 a b 1 2\r\n",
                                "PROXY UNKNOWNX\r\n",
                                "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
                                "EHLO x\r\n",
                                "\r\nMAIL",
                                "PROXY\tTCP4 192.0.2.1 192.0.2.2 1 2\r\n",
                                "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n"}) {
    EXPECT_EQ(ParseProxyHeader(text).state, State::kMalformed) << text;
  }
  EXPECT_EQ(ParseProxyHeader("PROXY UNKNOWN " + std::string(100, 'x')).state, State::kMalformed);
  EXPECT_EQ(ParseProxyHeader("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n").state,
            State::kParsed);
}

TEST(ProxyProtocol, ReadsVersion2) {
  ProxyHeader header = Parse(V2(0x21, 0x11, kV4));
  EXPECT_EQ(header.source->ToString(), "192.0.2.1:4660");
  EXPECT_EQ(header.destination->ToString(), "192.0.2.2:25");
  // TLVs behind the addresses are skipped.
  header = Parse(V2(0x21, 0x11, kV4 + std::string("\x04\x00\x03xyz", 6)));
  EXPECT_EQ(header.source->ToString(), "192.0.2.1:4660");
  std::string v6(36, '\0');
  v6[15] = 1;
  v6[31] = 2;
  v6[33] = 25;
  v6[35] = 26;
  header = Parse(V2(0x21, 0x21, v6));
  EXPECT_EQ(header.source->ToString(), "[::1]:25");
  EXPECT_EQ(header.destination->ToString(), "[::2]:26");
}

TEST(ProxyProtocol, KeepsTheRealPeerWhereTheHeaderHasNone) {
  EXPECT_FALSE(Parse(V2(0x20, 0x11, kV4)).source);  // LOCAL
  EXPECT_FALSE(Parse(V2(0x20, 0x00, "")).source);
  EXPECT_FALSE(Parse(V2(0x21, 0x00, "")).source);                     // UNSPEC
  EXPECT_FALSE(Parse(V2(0x21, 0x31, std::string(216, 'x'))).source);  // UNIX
}

TEST(ProxyProtocol, RefusesBadVersion2) {
  EXPECT_EQ(ParseProxyHeader(V2(0x11, 0x11, kV4)).state, State::kMalformed);  // version
  EXPECT_EQ(ParseProxyHeader(V2(0x22, 0x11, kV4)).state, State::kMalformed);  // command
  EXPECT_EQ(ParseProxyHeader(V2(0x21, 0x41, kV4)).state, State::kMalformed);  // family
  EXPECT_EQ(ParseProxyHeader(V2(0x21, 0x13, kV4)).state, State::kMalformed);  // transport
  EXPECT_EQ(ParseProxyHeader(V2(0x21, 0x12, kV4)).state, State::kMalformed);  // UDP
  EXPECT_EQ(ParseProxyHeader(V2(0x21, 0x11, kV4.substr(1))).state, State::kMalformed);
  EXPECT_EQ(ParseProxyHeader(V2(0x21, 0x21, kV4)).state, State::kMalformed);
  EXPECT_EQ(ParseProxyHeader(V2(0x21, 0x11, std::string(520, 'x'))).state, State::kParsed);
  EXPECT_EQ(ParseProxyHeader(V2(0x21, 0x11, std::string(521, 'x'))).state, State::kMalformed);
  EXPECT_EQ(ParseProxyHeader("\r\n\r\nEHLO").state, State::kMalformed);
}

}  // namespace
}  // namespace ringpost::smtp
