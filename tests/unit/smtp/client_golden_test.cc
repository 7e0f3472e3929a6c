// Plays the transcripts of tests/golden/smtp_client through ClientSession, whole, byte by byte and
// at random splits. A transcript's "S:" and ">" lines are what happens to the session; all others
// are what it does, and must come out as they are written. RINGPOST_GOLDEN_UPDATE=1 writes them
// anew.
//
//   S: a line from the server (\r, \n, \0, \xHH and \\ are understood; CRLF is added)
//   > mail FROM TO... [size=N] [body=8bit|binary] [utf8] [requiretls] [envid=X] [ret=full|headers]
//   [notify=N] [orcpt=X] > body TEXT      a piece of the body, written when the session asks for it
//   > quit | end WHY > starttls | starttls-required | implicit-tls | auth USER SECRET | unverified
//   (all before the greeting) C: a command   B: the body's wire form   E: an event   O: an outcome
//   F: why it failed
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gateway/base/random.h"
#include "gateway/base/text.h"
#include "tests/unit/smtp/client_harness.h"

namespace ringpost::smtp {
namespace {

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    char c = text[++i];
    if (c == 'x' && i + 2 < text.size()) {
      out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)));
      i += 2;
    } else {
      out.push_back(c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c);
    }
  }
  return out;
}

std::string Escape(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (c < 0x20) {
      char hex[8];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
      out += hex;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// kLines is how transcripts are written: each line from the server is its own arrival.
enum class Split { kWhole, kLines, kBytes, kRandom };

class Player {
 public:
  Player(Split split, uint64_t seed) : split_(split), random_(seed) {}

  std::string Play(const std::string& transcript) {
    std::istringstream lines(transcript);
    for (std::string line; std::getline(lines, line);) Line(line);
    FeedPending();
    return out_;
  }

 private:
  void Line(const std::string& line) {
    bool server = line.starts_with("S: ");
    if (!server) FeedPending();
    if (line.empty() || line[0] == '#' || server || line[0] == '>') out_ += line + "\n";
    if (server) pending_ += Unescape(line.substr(3)) + "\r\n";
    if (server && split_ == Split::kLines) FeedPending();
    if (line.starts_with("> ")) Direct(line.substr(2));
  }

  void Direct(const std::string& directive) {
    if (directive.starts_with("body ")) {
      pieces_.push_back(Unescape(directive.substr(5)));
      return;
    }
    std::istringstream words(directive);
    std::string word;
    words >> word;
    using StartTls = ClientSession::StartTls;
    if (word == "starttls") client_.session.UseStartTls(StartTls::kWhereOffered);
    if (word == "starttls-required") client_.session.UseStartTls(StartTls::kRequired);
    if (word == "auth") Authenticate(words);
    if (word == "unverified") verified_ = false;
    if (word == "implicit-tls") client_.session.Secured(verified_);
    if (word == "quit") client_.session.Quit();
    if (word == "end") client_.session.End(directive.substr(4));
    if (word == "mail") Begin(words);
    Pump("");
  }

  void Authenticate(std::istringstream& words) {
    auto credentials = std::make_shared<Credentials>();
    words >> credentials->user >> credentials->secret;
    client_.session.UseAuth(std::move(credentials));
  }

  void Begin(std::istringstream& words) {
    std::string word;
    words >> from_;
    outgoing_.emplace(from_ == "<>" ? std::string_view() : std::string_view(from_));
    while (words >> word) {
      size_t equals = word.find('=');
      std::string key = word.substr(0, equals);
      std::string value = equals == std::string::npos ? "" : Unescape(word.substr(equals + 1));
      Recipient* last = outgoing_->recipients.empty() ? nullptr : &outgoing_->recipients.back();
      if (key == "size") {
        outgoing_->mail.size = std::stoull(value);
      } else if (key == "body") {
        outgoing_->mail.body = value == "8bit" ? BodyType::k8BitMime : BodyType::kBinaryMime;
      } else if (key == "utf8") {
        outgoing_->mail.smtputf8 = true;
      } else if (key == "requiretls") {
        outgoing_->mail.require_tls = true;
      } else if (key == "envid") {
        envid_ = value;
        outgoing_->mail.envid = envid_;
      } else if (key == "ret") {
        outgoing_->mail.ret = value == "full" ? DsnReturn::kFull : DsnReturn::kHeaders;
      } else if (key == "notify") {
        last->notify = static_cast<uint8_t>(std::stoi(value));
      } else if (key == "orcpt") {
        last->orcpt = value;
      } else {
        outgoing_->To(Unescape(word));
      }
    }
    client_.session.Begin(outgoing_->mail);
  }

  void FeedPending() {
    std::string bytes;
    bytes.swap(pending_);
    std::string_view rest = bytes;
    while (!rest.empty()) {
      size_t size = split_ == Split::kBytes    ? 1
                    : split_ == Split::kRandom ? 1 + random_.Below(rest.size())
                                               : rest.size();
      // A copy in a block of its own, so that a sanitizer sees a view that is kept too long.
      std::string part(rest.substr(0, size));
      Pump(part);
      rest.remove_prefix(size);
    }
  }

  void Pump(std::string_view input) {
    while (true) {
      ClientSession::EventKind kind = client_.session.Step(&input);
      Commands();
      if (kind == ClientSession::EventKind::kNeedInput) return;
      if (kind == ClientSession::EventKind::kFailed && failed_) return;
      out_ += std::string("E: ") + EventName(kind) + "\n";
      if (kind == ClientSession::EventKind::kStartTls) client_.session.Secured(verified_);
      if (kind == ClientSession::EventKind::kSendBody) Body();
      if (kind == ClientSession::EventKind::kDone) Outcome();
      if (kind == ClientSession::EventKind::kFailed) {
        failed_ = true;
        const Reply& why = client_.session.failure();
        out_ += "F: " + std::to_string(why.code) + " " + why.text + "\n";
        if (outgoing_) Outcome();
        return;
      }
    }
  }

  void Commands() {
    std::string said = client_.TakeOutput();
    for (size_t at = 0; at < said.size();) {
      size_t end = said.find("\r\n", at);
      ASSERT_NE(end, std::string::npos) << "a command without CRLF";
      out_ += "C: " + Escape(said.substr(at, end - at)) + "\n";
      at = end + 2;
    }
  }

  void Body() {
    out_ += "B: " + Escape(client_.Body(pieces_)) + "\n";
    if (client_.session.body_error()) out_ += "B! body error\n";
    pieces_.clear();
  }

  void Outcome() {
    ClientSession::Outcome& outcome = client_.session.outcome();
    for (const Reply& reply : outcome.recipients) {
      out_ += "O: " + std::to_string(reply.code);
      if (reply.enhanced.present()) out_ += " " + reply.enhanced.ToString();
      out_ += " " + Escape(reply.text) + "\n";
    }
    if (outcome.in_doubt) out_ += "O! in doubt\n";
    outgoing_.reset();
  }

  Split split_;
  Random random_;
  Client client_;
  std::optional<Outgoing> outgoing_;
  std::string from_, envid_, pending_, out_;
  std::vector<std::string> pieces_;
  bool failed_ = false;
  bool verified_ = true;
};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

TEST(ClientGolden, Transcripts) {
  std::filesystem::path folder =
      std::filesystem::path(RINGPOST_SOURCE_DIR) / "tests/golden/smtp_client";
  size_t played = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    ++played;
    SCOPED_TRACE(entry.path().filename().string());
    std::string expected = ReadFile(entry.path());
    if (std::getenv("RINGPOST_GOLDEN_UPDATE")) {
      std::string written = Player(Split::kLines, 0).Play(expected);
      std::ofstream(entry.path(), std::ios::binary) << written;
      continue;
    }
    EXPECT_EQ(Player(Split::kWhole, 0).Play(expected), expected);
    EXPECT_EQ(Player(Split::kBytes, 0).Play(expected), expected);
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      EXPECT_EQ(Player(Split::kRandom, seed).Play(expected), expected) << "seed " << seed;
    }
  }
  EXPECT_GE(played, 10u);
}

}  // namespace
}  // namespace ringpost::smtp
