// What an idle session costs: one block, and no allocation between transactions that stays.
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "tests/unit/smtp/server_harness.h"

namespace ringpost::smtp {
namespace {

// Runs what a session sees in its life, answers everything, and leaves it idle as a driver would.
void Exercise(ServerSession* session) {
  std::string wire =
      "MAIL FROM:<somebody.with.a.long.name@sender.example.com>\r\n"
      "RCPT TO:<somebody.with.a.long.name@receiver.example.net>\r\nDATA\r\n";
  const std::string body(3000, 'x');
  for (const std::string& part :
       {std::string("EHLO short\r\n"), wire, body + "\r\n.\r\n", std::string("NO"),
        std::string("OP and a line in two parts\r\n")}) {
    std::string_view input = part;
    while (true) {
      const auto event = session->Step(&input);
      if (event.kind == ServerSession::EventKind::kNeedInput) break;
      if (!session->question_open()) continue;
      if (event.kind == ServerSession::EventKind::kEndOfData) {
        session->Queued(storage::DurableMint::Make(MessageId{}), "queued");
      } else {
        session->Accept();
      }
    }
  }
  std::string().swap(session->output());
}

TEST(ServerMemory, IdleSessionIsOneSmallBlock) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's allocator counts otherwise";
#endif
  constexpr size_t kSessions = 1000;
  ServerOptions options = TestOptions();
  std::vector<ServerSession> sessions;
  sessions.reserve(kSessions);
  const size_t before = mallinfo2().uordblks;
  for (size_t i = 0; i < kSessions; ++i) {
    sessions.emplace_back(&options).Greet();
    Exercise(&sessions.back());
  }
  const size_t each = (mallinfo2().uordblks - before) / kSessions;
  EXPECT_LE(each, 240u);
  EXPECT_GE(each, 100u);
}

}  // namespace
}  // namespace ringpost::smtp
