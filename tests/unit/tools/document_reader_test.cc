#include "tools/ringpost/document_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace ringpost::cli {
namespace {

// At most `step` bytes at once.
DocumentSource From(std::string text, size_t step = SIZE_MAX) {
  return [text = std::move(text), step, at = size_t{0}](char* buffer,
                                                        size_t size) mutable -> StatusOr<size_t> {
    const size_t n = std::min({size, step, text.size() - at});
    text.copy(buffer, n, at);
    at += n;
    return n;
  };
}

struct Read {
  std::vector<std::string> records;
  std::string words;  // empty: it was right
};
Read ReadText(const std::string& text, size_t step = SIZE_MAX) {
  Read read;
  auto status = ReadDocument(From(text, step),
                             [&](DocumentSection section, uint64_t number, const Json& record) {
                               read.records.push_back(std::string(SectionName(section)) + " " +
                                                      std::to_string(number) + " " + record.dump());
                               return true;
                             });
  read.words = std::string(MessageOf(status));
  return read;
}

TEST(DocumentReader, GivesEachRecordWithItsType) {
  const std::string text = R"({"ringpost":1,"exported":"2026-11-24T07:16:24.123Z",
    "accounts":[{"name":"a","rate":{"count":1,"seconds":2}},{"name":"b"}],
    "credentials":[{"type":"credential","name":"c","senders":{"mode":"allow","entries":["x",
    "y"]},"daily_quota":-7,"f":1.5,"archive":true,"lane":null}]})";
  const std::vector<std::string> records = {
      R"(accounts 1 {"name":"a","rate":{"count":1,"seconds":2},"type":"account"})",
      R"(accounts 2 {"name":"b","type":"account"})",
      R"(credentials 1 {"type":"credential","name":"c","senders":{"mode":"allow",)"
      R"("entries":["x","y"]},"daily_quota":-7,"f":1.5,"archive":true,"lane":null})"};
  for (size_t step : {1, 7, 100000}) {
    const Read read = ReadText(text, step);
    EXPECT_EQ(read.words, "");
    EXPECT_EQ(read.records, records);
  }
  EXPECT_EQ(ReadText(R"({"ringpost":1})").words, "");
  EXPECT_EQ(ReadText(R"({"ringpost":1,"accounts":[],"senders":[],"credentials":[]})").words, "");
}

TEST(DocumentReader, SaysWhatIsWrong) {
  const std::string deep(40, '['), head = R"({"ringpost":1,"accounts":[)";
  std::string members;
  for (int i = 0; i < 100; ++i) members += ",\"m" + std::to_string(i) + "\":1";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "ends in the middle"},
      {"[]", "not a document of ringpost"},
      {"7", "not a document of ringpost"},
      {"{}", "not a document of ringpost"},
      {R"({"accounts":[]})", "first member is not \"ringpost\""},
      {R"({"ringpost":2,"accounts":[]})", "it reads 1"},
      {R"({"ringpost":"1"})", "it reads 1"},
      {R"({"ringpost":[1]})", "it reads 1"},
      {R"({"ringpost":{}})", "it reads 1"},
      {R"({"ringpost":1,"robots":[]})", "not known here: \"robots\""},
      {R"({"ringpost":1,"robots":1})", "not known here: \"robots\""},
      {R"({"ringpost":1,"ringpost":1})", "not known here: \"ringpost\""},
      {R"({"ringpost":1,"accounts":{}})", "\"accounts\" is not a list"},
      {R"({"ringpost":1,"accounts":7})", "\"accounts\" is not a list"},
      {R"({"ringpost":1,"credentials":[],"accounts":[]})",
       "\"accounts\" is behind \"credentials\": accounts come first"},
      {R"({"ringpost":1,"accounts":[],"accounts":[]})", "each once"},
      {R"({"ringpost":1,"accounts":[{"name":"a"},7]})", "account number 2: is not an object"},
      {head + "[]", "account number 1: is not an object"},
      {head + R"({"type":"sender"}]})", "account number 1: is of another \"type\""},
      {head + R"({"a":1,"a":2}]})", "account number 1: \"a\" is there twice"},
      {head + R"({"a":{"b":1,"b":2}}]})", "\"b\" is there twice"},
      {head + "{\"a\":" + deep, "account number 1: objects and lists are more than 8 deep"},
      {head + "{\"a\":1" + members + "}]}", "more than 64 members"},
      {head + R"({"a":1})", "ends in the middle"},
      {head + R"({"password":"sec)", "account number 1: the document ends in the middle"},
      {head + "{\"password\":\"secret\" x}]}", "account number 1: is not JSON at line 1, column"},
      {head + "{\"a\":1e999}]}", "account number 1: is not JSON"},
      {head + "{\"a\":\"\xff\"}]}", "account number 1: is not JSON at line 1"},
      {R"({"ringpost":1} {})", "is not JSON at line 1"},
  };
  for (const auto& [text, words] : table) {
    const Read read = ReadText(text);
    EXPECT_NE(read.words.find(words), std::string::npos) << text << "\n" << read.words;
    EXPECT_EQ(read.words.find("secret"), std::string::npos) << read.words;
    EXPECT_EQ(read.words.find('\xff'), std::string::npos);
  }
}

TEST(DocumentReader, ARecordIsBounded) {
  const std::string long_text(kDocumentRecordBytesMax + 200'000, 'x');
  for (const std::string& text :
       {R"({"ringpost":1,"accounts":[{"name":")" + long_text + "\"}]}",
        R"({"ringpost":1,"exported":")" + long_text + "\"}",
        R"({"ringpost":1,"accounts":[{"a":)" + std::string(long_text.size(), '7') + "}]}",
        R"({"ringpost":1,"accounts":[)" + std::string(long_text.size(), ' ') + "]}"}) {
    EXPECT_NE(ReadText(text).words.find("is longer than"), std::string::npos);
  }
  const std::string fits(kDocumentRecordBytesMax - 200'000, 'x');
  std::string document =
      R"({"ringpost":1,"accounts":[{"name":")" + fits + "\"},{\"name\":\"" + fits + "\"}]}";
  EXPECT_EQ(ReadText(document).words, "");
  EXPECT_EQ(ReadText(document).records.size(), 2u);
}

TEST(DocumentReader, TheSinkAndTheSourceCanEndIt) {
  const std::string text = R"({"ringpost":1,"accounts":[{},{},{}]})";
  uint64_t seen = 0;
  auto status = ReadDocument(From(text), [&](DocumentSection, uint64_t number, const Json&) {
    seen = number;
    return number < 2;
  });
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_EQ(seen, 2u);
  status = ReadDocument(
      [](char*, size_t) -> StatusOr<size_t> {
        return MakeStatus(StatusCode::kUnavailable, "disk");
      },
      [](DocumentSection, uint64_t, const Json&) { return true; });
  EXPECT_EQ(MessageOf(status), "disk");
}

// "VmHWM": the most memory since ForgetPeak, "VmRSS": what there is now.
size_t MemoryBytes(const std::string& what) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(what + ":")) return std::stoul(line.substr(what.size() + 1)) * 1024;
  }
  return 0;
}
void ForgetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// As many records as wanted, in memory that does not grow with them.
TEST(DocumentReader, ManyRecordsNeedNoMoreMemory) {
  constexpr uint64_t kRecords = 200'000;
  uint64_t made = 0, bytes = 0, seen = 0;
  std::string rest = R"({"ringpost":1,"credentials":[)";
  auto source = [&](char* buffer, size_t size) -> StatusOr<size_t> {
    while (rest.size() < size && made <= kRecords) {
      rest += made == kRecords ? "]}"
                               : (made == 0 ? "" : ",") +
                                     (R"({"kind":"user","name":"user-)" + std::to_string(made)) +
                                     R"(","account":"acme","description":"one of many",)"
                                     R"("password_record":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})";
      ++made;
    }
    const size_t n = std::min(size, rest.size());
    rest.copy(buffer, n);
    rest.erase(0, n);
    bytes += n;
    return n;
  };
  ForgetPeak();
  const size_t before = MemoryBytes("VmRSS");
  auto status = ReadDocument(source, [&](DocumentSection, uint64_t number, const Json&) {
    seen = number;
    return true;
  });
  EXPECT_TRUE(status.ok()) << MessageOf(status);
  EXPECT_EQ(seen, kRecords);
  EXPECT_GT(bytes, 20'000'000u);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_GT(before, 0u);
  EXPECT_LT(MemoryBytes("VmHWM"), before + 4'000'000u);
#endif
}

}  // namespace
}  // namespace ringpost::cli
