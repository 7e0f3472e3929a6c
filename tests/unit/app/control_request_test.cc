#include "gateway/app/control_request.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace ringpost::app {
namespace {

ControlRequest Good(std::string_view line) {
  auto parsed = ParseControlRequest(line);
  auto* request = std::get_if<ControlRequest>(&parsed);
  EXPECT_TRUE(request) << line << ": " << std::get<ControlError>(parsed).message;
  return request ? *request : ControlRequest{};
}
ControlError Bad(std::string_view line) {
  auto parsed = ParseControlRequest(line);
  auto* error = std::get_if<ControlError>(&parsed);
  EXPECT_TRUE(error) << line;
  return error ? *error : ControlError{};
}

TEST(ControlRequest, EveryCommandHasAName) {
  for (int i = 0; i <= static_cast<int>(ControlCommand::kTrace); ++i) {
    auto command = static_cast<ControlCommand>(i);
    std::string name(ControlCommandName(command));
    ASSERT_NE(name, "");
    nlohmann::json request = {{"command", name}};
    if (name == "queue show") request["id"] = "01K0000000000000000000000A";
    if (name.starts_with("queue ") && name != "queue summary" && name != "queue list" &&
        name != "queue show") {
      request["all"] = true;
    }
    if (name == "suspend") {
      request["domain"] = "example.com";
      request["seconds"] = 60;
    }
    if (name == "resume") request["all"] = true;
    if (name == "trace") request["client"] = "192.0.2.0/24";
    EXPECT_EQ(Good(request.dump()).command, command);
  }
}

TEST(ControlRequest, ReadsMembers) {
  ControlRequest request = Good(
      R"({"command":"queue list","region":"eu","domain":"Example.COM","next_hop":"127.0.0.1:2626",)"
      R"("sender":"<>","held":true,"limit":7,"after":"01k0000000000000000000000a"})");
  EXPECT_EQ(request.region, "eu");
  EXPECT_EQ(request.filter.recipient_domain, "example.com");
  EXPECT_EQ(request.filter.next_hop, "127.0.0.1:2626");
  EXPECT_EQ(request.filter.sender, "<>");
  EXPECT_TRUE(request.filter.held_only);
  EXPECT_EQ(request.limit, 7u);
  EXPECT_EQ(request.after->ToString(), "01K0000000000000000000000A");

  request =
      Good(R"({"command":"queue bounce","id":"01K0000000000000000000000A","reason":"spam run"})");
  EXPECT_EQ(request.filter.id->ToString(), "01K0000000000000000000000A");
  EXPECT_EQ(request.reason, "spam run");
  request = Good(R"({"command":"suspend","domain":"example.com","seconds":3600})");
  EXPECT_EQ(request.seconds, 3600u);
  request = Good(R"({"command":"trace","client":"2001:db8::/32"})");
  EXPECT_EQ(request.client->ToString(), "2001:db8::/32");
}

TEST(ControlRequest, NamesAreReadAsTheQueueWritesThem) {
  auto filter = [](std::string_view member, std::string_view value) {
    nlohmann::json request = {{"command", "queue delete"}, {member, value}};
    return Good(request.dump()).filter;
  };
  EXPECT_EQ(filter("domain", "Example.COM.").recipient_domain, "example.com");
  EXPECT_EQ(filter("next_hop", "Relay.Example").next_hop, "relay.example:25");
  EXPECT_EQ(filter("next_hop", "127.0.0.1:2626").next_hop, "127.0.0.1:2626");
  EXPECT_EQ(filter("next_hop", "a:25;b:25").next_hop, "a:25;b:25");
  std::string longest = "a";
  while (longest.size() < limits::kPathBytesMax - 1) longest += ".a";
  EXPECT_LE(filter("next_hop", longest).next_hop.size(), limits::kPathBytesMax);
}

// A filter that names nothing must not become one that names everything.
TEST(ControlRequest, NothingIsNoFilter) {
  EXPECT_NE(Bad(R"({"command":"queue delete","domain":"."})").message.find("not \".\""),
            std::string::npos);
  EXPECT_EQ(Bad(R"({"command":"resume","domain":"."})").code, "bad_request");
  for (const char* member : {"region", "domain", "next_hop", "sender"}) {
    nlohmann::json request = {{"command", "queue delete"}, {"held", true}, {member, ""}};
    EXPECT_EQ(Bad(request.dump()).code, "bad_request") << member;
  }
}

TEST(ControlRequest, NotTheProtocol) {
  for (std::string_view line :
       {"", "x", "status", "[]", "\"status\"", "null", "1", "{", "{\"command\":\"status\"",
        "{\"command\":\"status\"}}", "{\"command\":\"status\"} trailing", "GET / HTTP/1.1",
        "{\"command\":\"\xff\"}", "{'command':'status'}"}) {
    EXPECT_EQ(Bad(line).code, "protocol") << line;
  }
  EXPECT_EQ(Bad(std::string("{\"command\":\"status\"\0}", 21)).code, "protocol");
  EXPECT_EQ(Bad(std::string(16'000, '[')).code, "protocol");
  EXPECT_EQ(Bad(std::string(8'000, '[') + std::string(8'000, ']')).code, "protocol");
}

// Records are read by functions that call themselves, and copied so by the library.
TEST(ControlRequest, DepthIsBounded) {
  auto nested = [](size_t depth, std::string_view member) {
    // The request's own object is one.
    return R"({"command":"identity put",")" + std::string(member) +
           "\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_EQ(Good(nested(limits::kJsonDepthMax, "records")).command, ControlCommand::kIdentityPut);
  for (size_t depth : {limits::kJsonDepthMax + 1, limits::kControlRequestBytesMax / 2 - 100}) {
    ControlError error = Bad(nested(depth, "records"));
    EXPECT_EQ(error.code, "protocol") << depth;
    EXPECT_NE(error.message.find("at most 16 deep"), std::string::npos) << error.message;
  }
  // Brackets in texts are no depth.
  Good(nested(2, std::string(50, '[') + "\\\"" + std::string(50, '{')));
}

TEST(ControlRequest, SaysWhatIsWrong) {
  struct Case {
    std::string_view line, words;
  };
  for (const Case& one : std::initializer_list<Case>{
           {R"({})", "has a \"command\""},
           {R"({"command":1})", "has a \"command\""},
           {R"({"command":"queue"})", "no command \"queue\""},
           {R"({"command":"QUEUE LIST"})", "no command"},
           {R"({"command":"status","region":"eu"})", "\"status\" does not take \"region\""},
           {R"({"command":"queue list","all":true})", "does not take \"all\""},
           {R"({"command":"queue list","limit":0})", "from 1 to 1000"},
           {R"({"command":"queue list","limit":-1})", "from 1 to 1000"},
           {R"({"command":"queue list","limit":1001})", "from 1 to 1000"},
           {R"({"command":"queue list","limit":"9"})", "from 1 to 1000"},
           {R"({"command":"queue list","limit":1.5})", "from 1 to 1000"},
           {R"({"command":"queue list","limit":99999999999999999999})", "from 1 to 1000"},
           {R"({"command":"queue list","domain":""})", "1 to 256 bytes"},
           {R"({"command":"queue list","domain":7})", "1 to 256 bytes"},
           {R"({"command":"queue list","domain":"a\nb"})", "control characters"},
           {R"({"command":"queue list","held":"yes"})", "true or false"},
           {R"({"command":"queue show"})", "needs an \"id\""},
           {R"({"command":"queue show","id":"xyz"})", "is a message id"},
           {R"({"command":"queue show","id":null})", "is a message id"},
           {R"({"command":"queue delete"})", "a filter, or \"all\":true"},
           {R"({"command":"queue delete","all":false})", "a filter, or \"all\":true"},
           {R"({"command":"queue delete","region":"eu"})", "a filter, or \"all\":true"},
           {R"({"command":"queue delete","all":true,"domain":"a.example"})", "exclude each other"},
           {R"({"command":"queue delete","domain":"a.example","reason":"x"})",
            "does not take \"reason\""},
           {R"({"command":"queue bounce","all":true,"reason":"a\r\nb"})", "printable ASCII"},
           {R"({"command":"queue bounce","all":true,"reason":"gr\u00fcn"})", "printable ASCII"},
           {R"({"command":"suspend","seconds":60})", "needs a \"domain\" or a \"next_hop\""},
           {R"({"command":"suspend","domain":"a.example"})", "needs \"seconds\""},
           {R"({"command":"suspend","domain":"a.example","seconds":2592001})", "to 2592000"},
           {R"({"command":"resume"})", "a filter, or \"all\":true"},
           {R"({"command":"trace"})", "either a \"client\" or a \"next_hop\""},
           {R"({"command":"trace","client":"192.0.2.1/24"})", "without host bits"},
           {R"({"command":"trace","client":"192.0.2.1","next_hop":"a:25"})", "either"},
       }) {
    ControlError error = Bad(one.line);
    EXPECT_EQ(error.code, "bad_request") << one.line;
    EXPECT_NE(error.message.find(one.words), std::string::npos) << one.line << "\n"
                                                                << error.message;
  }
  EXPECT_NE(Bad(R"({"command":"queue list","limits":9})").hint.find("\"limit\""),
            std::string::npos);
  EXPECT_NE(Bad(R"({"command":"queue delete","domain":")" + std::string(257, 'a') + "\"}")
                .message.find("1 to 256 bytes"),
            std::string::npos);
}

TEST(ControlRequest, WordsOfOursHoldNothingHostile) {
  ControlError error = Bad("{\"command\":\"\\u001b[31m\\n" + std::string(1000, 'x') + "\"}");
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
  EXPECT_LT(error.message.size(), 200u);
}

}  // namespace
}  // namespace ringpost::app
