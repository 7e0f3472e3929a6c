// Golden transcripts of the server session: tests/golden/smtp_server/*.txt.
//
//   # a comment
//   OPTION strict | normalise | no-chunking | no-smtputf8 | no-dsn | xclient | starttls |
//   OPTION starttls-required | auth | auth-in-clear | auth-required | no-plain | no-login |
//   OPTION no-scram | size N | recipients N | mails N
//   C: a line, sent with CRLF
//   C> bytes, with \r \n \xHH
//   S: what the server says
//   E: what it tells the driver
//   ANSWER mail|recipient|data|end|salt|password|proof 550 5.7.1 words   (or: accept)
//   CALL early | end 421 4.3.2 words | greet-refusal 554 5.7.1 words
//   REPEAT n   (the C lines up to the next S, E or directive)
//   WHOLE      (depends on bytes arriving together: not run in pieces)
//
// Lines of C that follow each other arrive together. Unless WHOLE is given, each transcript is also
// run byte by byte and in random pieces, and must give the same lines.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

struct Step {
  std::string bytes;               // sent together
  std::vector<std::string> calls;  // CALL and ANSWER lines before the bytes
  std::string expected;            // S: and E: lines
  int line = 0;
};

struct Transcript {
  ServerOptions options = TestOptions();
  bool whole = false;
  bool greets = true;
  std::vector<Step> steps;
};

Reply ParseReply(std::istringstream* words) {
  Reply reply;
  *words >> reply.code;
  std::string text;
  std::getline(*words >> std::ws, text);
  std::string_view rest = text;
  reply.enhanced = TakeEnhancedCode(reply.code, &rest);
  reply.text = rest;
  return reply;
}

void SetOption(const std::string& line, ServerOptions* options) {
  std::istringstream words(line);
  std::string keyword, name;
  words >> keyword >> name;
  if (name == "strict") options->strict = true;
  if (name == "normalise") options->normalise_bare_newlines = true;
  if (name == "no-chunking") options->chunking = false;
  if (name == "no-smtputf8") options->smtputf8 = false;
  if (name == "no-dsn") options->dsn = false;
  if (name == "xclient") options->xclient = true;
  if (name == "starttls") options->starttls = StartTls::kOffered;
  if (name == "starttls-required") options->starttls = StartTls::kRequired;
  if (name == "auth") options->auth = Auth::kUnderTls;
  if (name == "auth-in-clear") options->auth = Auth::kAlsoInClear;
  if (name == "auth-required") options->auth_required = true;
  if (name == "no-plain") options->auth_plain = false;
  if (name == "no-login") options->auth_login = false;
  if (name == "no-scram") options->auth_scram_sha256 = false;
  if (name == "size") words >> options->message_bytes_max;
  if (name == "recipients") words >> options->recipients_max;
  if (name == "mails") words >> options->mails_max;
}

Transcript ReadTranscript(const std::filesystem::path& path) {
  Transcript transcript;
  std::ifstream file(path);
  std::string line;
  int repeat = 1;
  bool sending = true;  // the step takes more C lines
  transcript.steps.emplace_back();
  auto next_step = [&](int number) -> Step& {
    transcript.steps.emplace_back();
    transcript.steps.back().line = number;
    return transcript.steps.back();
  };
  for (int number = 1; std::getline(file, line); ++number) {
    Step* step = &transcript.steps.back();
    auto starts = [&](std::string_view with) { return line.compare(0, with.size(), with) == 0; };
    if (line.empty() || line[0] == '#') continue;
    if (starts("C: ") || line == "C:" || starts("C> ")) {
      if (!sending) step = &next_step(number);
      std::string bytes = Unescape(line.size() > 3 ? line.substr(3) : "");
      if (starts("C:")) bytes += "\r\n";
      for (int i = 0; i < repeat; ++i) step->bytes += bytes;
      repeat = 1;
      sending = true;
    } else if (starts("S: ") || starts("E: ")) {
      step->expected += line + "\n";
      sending = false;
    } else if (starts("OPTION ")) {
      SetOption(line, &transcript.options);
    } else if (starts("ANSWER ") || starts("CALL ")) {
      next_step(number).calls.push_back(line);
      sending = true;
      if (transcript.steps.size() == 2 && starts("CALL ")) transcript.greets = false;
    } else if (starts("REPEAT ")) {
      repeat = std::stoi(line.substr(7));
    } else if (line == "WHOLE") {
      transcript.whole = true;
    } else {
      ADD_FAILURE() << path << ":" << number << ": not a transcript line: " << line;
    }
  }
  return transcript;
}

void Call(const std::string& line, ServerHarness* harness) {
  std::istringstream words(line);
  std::string keyword, name;
  words >> keyword >> name;
  if (keyword == "ANSWER") {
    std::streampos at = words.tellg();
    std::string first;
    words >> first;
    if (first == "accept") {
      harness->answers[name] = std::nullopt;
    } else {
      words.seekg(at);
      harness->answers[name] = ParseReply(&words);
    }
  } else if (name == "early") {
    harness->session().EarlyTalker();
  } else if (name == "end") {
    harness->session().End(ParseReply(&words));
  } else {
    ASSERT_EQ(name, "greet-refusal");
    harness->session().GreetWithRefusal(ParseReply(&words));
  }
  if (keyword == "CALL") harness->Feed("");
}

// `cut` says how many of the remaining bytes arrive next.
template <typename Cut>
void Play(const Transcript& transcript, const std::string& name, Cut cut) {
  ServerHarness harness(transcript.options);
  if (transcript.greets) harness.session().Greet();
  for (const Step& step : transcript.steps) {
    for (const std::string& call : step.calls) Call(call, &harness);
    std::string_view rest = step.bytes;
    while (!rest.empty()) {
      const size_t count = std::clamp<size_t>(cut(rest.size()), 1, rest.size());
      harness.Feed(rest.substr(0, count));
      rest.remove_prefix(count);
    }
    ASSERT_EQ(harness.TakeLog(), step.expected) << name << ":" << step.line;
  }
}

std::vector<std::string> Transcripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(RINGPOST_SOURCE_DIR) / "tests/golden/smtp_server")) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class GoldenServer : public testing::TestWithParam<std::string> {
 protected:
  Transcript transcript_ = ReadTranscript(std::filesystem::path(RINGPOST_SOURCE_DIR) /
                                          "tests/golden/smtp_server" / (GetParam() + ".txt"));
};

TEST_P(GoldenServer, Whole) {
  Play(transcript_, GetParam(), [](size_t left) { return left; });
}

TEST_P(GoldenServer, ByteByByte) {
  if (transcript_.whole) GTEST_SKIP() << "depends on bytes arriving together";
  Play(transcript_, GetParam(), [](size_t) { return size_t{1}; });
}

TEST_P(GoldenServer, RandomPieces) {
  if (transcript_.whole) GTEST_SKIP() << "depends on bytes arriving together";
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const unsigned most = seed % 2 == 0 ? 7 : 200;
    Play(transcript_, GetParam() + " seed " + std::to_string(seed),
         [&](size_t) { return 1 + random() % most; });
  }
}

std::string TestName(const testing::TestParamInfo<std::string>& info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(Transcripts, GoldenServer, testing::ValuesIn(Transcripts()), TestName);

}  // namespace
}  // namespace ringpost::smtp
