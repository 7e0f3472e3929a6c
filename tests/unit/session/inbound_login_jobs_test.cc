// AUTH while a worker has the password: what changes, ends or is lost meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gateway/base/counters.h"
#include "gateway/session/inbound_login.h"
#include "tests/unit/session/login_rig.h"

namespace ringpost::session {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kRight = "a right password";
constexpr std::string_view kOk = "235 2.7.0 ";
constexpr std::string_view kWrong = "535 5.7.8 ";

// A client whose password the worker has, held. `known`: its record is at hand, so that the job
// verifies; otherwise it reads.
std::unique_ptr<reactor::SimPeer> Waiting(LoginRig* login, bool known,
                                          std::string_view password = kRight) {
  if (known) {
    auto earlier = login->rig.Greeted("192.0.2.200");
    EXPECT_THAT(login->Plain(*earlier, "tim", "neither of the two"), StartsWith(kWrong));
  }
  auto client = login->rig.Greeted();
  login->Hold();
  client->Write(LoginRig::PlainLine("tim", password) + "\r\n");
  login->Run();
  EXPECT_EQ(client->received(), "");
  return client;
}

TEST(InboundLoginJobs, WorkersThatHaveEnough) {
  Counters counters;
  CountersScope scope(&counters);
  LoginRig login(LoginRig::Tim(), 1);
  auto first = Waiting(&login, false);
  for (auto name : {"tim", "tom"}) {
    auto client = login.rig.Greeted();
    client->Write(LoginRig::PlainLine(name, kRight) + "\r\n");
    login.Run();
    EXPECT_THAT(client->TakeReceived(), StartsWith("454 4.7.0 "));
  }
  EXPECT_EQ(counters.Get(Counter::kAuthInBusy), 2u);
  EXPECT_EQ(counters.Get(Counter::kAuthInRefused), 0u);
  login.Release();
  EXPECT_THAT(login.Reply(*first), StartsWith(kOk));
  auto again = login.rig.Greeted();
  EXPECT_THAT(login.Plain(*again, "tim", kRight), StartsWith(kOk));
}

// --- Several at once from one address

// The record is at hand, so that each job verifies.
std::vector<std::unique_ptr<reactor::SimPeer>> Burst(LoginRig* login, size_t count,
                                                     std::string_view password) {
  std::vector<std::unique_ptr<reactor::SimPeer>> clients;
  for (size_t i = 0; i < count; ++i) clients.push_back(login->rig.Greeted("192.0.2.7"));
  for (auto& client : clients) client->Write(LoginRig::PlainLine("tim", password) + "\r\n");
  login->Run();
  return clients;
}

TEST(InboundLoginJobs, GuessesThatComeAllAtOnceAreJudgedOneAfterTheOther) {
  Counters counters;
  CountersScope scope(&counters);
  LoginRig login;
  auto earlier = login.rig.Greeted("192.0.2.200");
  EXPECT_THAT(login.Plain(*earlier, "tim", "neither of the two"), StartsWith(kWrong));
  login.Hold();
  auto clients = Burst(&login, 12, "a wrong password");
  login.Release();
  size_t wrong = 0, too_soon = 0;
  for (auto& client : clients) {
    std::string reply = login.Reply(*client);
    wrong += reply.starts_with(kWrong);
    too_soon += reply.starts_with("454 4.7.0 Too many logins have failed");
  }
  // Three were under way when the one came back after which there is a delay.
  EXPECT_LE(wrong, limits::kLoginFailuresFreePerPair + limits::kPasswordJobsPerAddressMax - 1);
  EXPECT_GE(wrong, limits::kLoginFailuresFreePerPair);
  EXPECT_EQ(wrong + too_soon, clients.size());
  EXPECT_EQ(counters.Get(Counter::kAuthInBusy), 0u);
}

TEST(InboundLoginJobs, TheRightPasswordAllAtOnceIsVerifiedAFewTimes) {
  LoginRig login(LoginRig::Tim(), limits::kPasswordJobsPerAddressMax);
  auto earlier = login.rig.Greeted("192.0.2.200");
  EXPECT_THAT(login.Plain(*earlier, "tim", "neither of the two"), StartsWith(kWrong));
  login.Hold();
  auto clients = Burst(&login, 20, kRight);  // more jobs than the workers take are not made
  login.Release();
  for (auto& client : clients) EXPECT_THAT(login.Reply(*client), StartsWith(kOk));
}

TEST(InboundLoginJobs, OneAddressLeavesTheWorkersToOthers) {
  LoginRig login(LoginRig::Tim(), limits::kPasswordJobsPerAddressMax + 1);
  auto earlier = login.rig.Greeted("192.0.2.200");
  EXPECT_THAT(login.Plain(*earlier, "tim", "neither of the two"), StartsWith(kWrong));
  login.Hold();
  auto clients = Burst(&login, 20, "a wrong password");
  auto other = login.rig.Greeted("192.0.2.8");
  other->Write(LoginRig::PlainLine("tim", kRight) + "\r\n");
  login.Run();
  EXPECT_EQ(other->received(), "");
  login.Release();
  EXPECT_THAT(login.Reply(*other), StartsWith(kOk));
  for (auto& client : clients) EXPECT_NE(login.Reply(*client), "");
}

TEST(InboundLoginJobs, WhoLeavesWhileItWaitsForItsTurnHoldsNobodyUp) {
  LoginRig login;
  auto earlier = login.rig.Greeted("192.0.2.200");
  EXPECT_THAT(login.Plain(*earlier, "tim", "neither of the two"), StartsWith(kWrong));
  login.Hold();
  auto clients = Burst(&login, 10, kRight);
  for (size_t i = 3; i < 8; ++i) clients[i]->Reset();
  login.Run();
  login.Release();
  for (size_t i : {0, 1, 2, 8, 9}) EXPECT_THAT(login.Reply(*clients[i]), StartsWith(kOk));
}

TEST(InboundLoginJobs, ProofsThatComeAllAtOnceAreJudgedOneAfterTheOther) {
  LoginRig login;
  auto earlier = login.rig.Greeted("192.0.2.200");
  EXPECT_THAT(login.Plain(*earlier, "tim", "neither of the two"), StartsWith(kWrong));
  std::vector<std::unique_ptr<reactor::SimPeer>> clients;
  std::vector<std::string> challenges;
  for (size_t i = 0; i < 12; ++i) {
    clients.push_back(login.rig.Greeted("192.0.2.7"));
    challenges.push_back(login.ScramFirst(*clients.back(), "tim"));
  }
  size_t wrong = 0, too_soon = 0;
  for (size_t i = 0; i < clients.size(); ++i) {
    std::string reply = login.ScramFinal(*clients[i], "tim", "a wrong password", challenges[i]);
    wrong += reply.starts_with(kWrong);
    too_soon += reply.starts_with("454 4.7.0 Too many logins have failed");
  }
  EXPECT_EQ(wrong, limits::kLoginFailuresFreePerPair);
  EXPECT_EQ(wrong + too_soon, clients.size());
}

// --- One

// Nothing is said before the password was looked at, and what the client sends meanwhile waits.
TEST(InboundLoginJobs, NoTimeOutWhileItIsWeWhoAreSlow) {
  LoginRig login;
  auto client = Waiting(&login, true);
  client->Write("NOOP\r\n");
  login.rig.RunFor(Seconds(2 * limits::kServerCommandSeconds + 10));
  EXPECT_FALSE(client->ended());
  EXPECT_EQ(client->received(), "");
  login.Release();
  std::string said = login.Reply(*client);
  if (said.find("\r\n250 ") == std::string::npos) said += login.Reply(*client);
  EXPECT_THAT(said, StartsWith(kOk));
  EXPECT_THAT(said, HasSubstr("\r\n250 "));
}

TEST(InboundLoginJobs, ADrainWaitsForTheAnswer) {
  LoginRig login;
  auto client = Waiting(&login, true);
  login.rig.service->BeginDrain();
  login.Run();
  EXPECT_EQ(client->received(), "");
  EXPECT_FALSE(client->ended());
  login.Release();
  std::string said = login.Reply(*client);
  login.Run();
  said += client->TakeReceived();
  EXPECT_THAT(said, StartsWith(kOk));
  EXPECT_THAT(said, HasSubstr("\r\n421 4.3.2 "));
}

TEST(InboundLoginJobs, AClientThatEndedItsDirectionIsAnswered) {
  LoginRig login;
  auto client = Waiting(&login, true);
  client->HalfClose();
  login.Run();
  EXPECT_FALSE(client->ended());
  login.Release();
  EXPECT_THAT(login.Reply(*client), StartsWith(kOk));
}

TEST(InboundLoginJobs, AConnectionThatIsGone) {
  for (bool known : {false, true}) {
    for (bool abort : {false, true}) {
      LoginRig login;
      auto client = Waiting(&login, known);
      abort ? login.rig.service->Abort() : client->Reset();
      ASSERT_TRUE(login.rig.RunUntil([&] { return login.rig.service->connections() == 0; }));
      EXPECT_FALSE(login.rig.service->idle()) << "a job is out";
      login.Release();
      login.AwaitWorker();
      login.Run();
      EXPECT_TRUE(login.rig.service->idle());
    }
  }
}

// Who does not wait for the answers guesses no faster.
TEST(InboundLoginJobs, AGuessOfAClientThatIsGoneCounts) {
  LoginRig login;
  for (uint32_t i = 0; i < limits::kLoginFailuresFreePerPair; ++i) {
    auto client = Waiting(&login, i == 0, "a wrong password");
    client->Reset();
    ASSERT_TRUE(login.rig.RunUntil([&] { return login.rig.service->connections() == 0; }));
    login.Release();
    login.AwaitWorker();
    login.Run();
  }
  auto client = login.rig.Greeted();
  EXPECT_THAT(login.Plain(*client, "tim", kRight), StartsWith("454 4.7.0 "));
}

// The session as it is when something has ended it: then nothing must be answered.
TEST(InboundLoginJobs, ASessionThatEnded) {
  for (std::string_view password : {kRight, std::string_view("a wrong password")}) {
    LoginRig login;
    smtp::ServerOptions options;
    options.auth = smtp::Auth::kAlsoInClear;
    smtp::ServerSession session(&options);
    session.Greet();
    const std::string line = LoginRig::PlainLine("tim", password) + "\r\n";
    std::string_view input = line;
    InboundHost host;
    host.region = &login.rig.region;
    host.identity = &login.rig.identity;
    InboundLogin answers(&host, nullptr, &session, *IpAddress::Parse("192.0.2.9"), "here");
    login.Hold();
    answers.Answer(session.Step(&input).kind);
    ASSERT_TRUE(session.question_open());
    EXPECT_EQ(host.password_jobs, 1u);
    session.End({421, {4, 4, 2}, "Time-out"});
    const std::string said = session.output();
    login.Release();
    login.AwaitWorker();
    login.Run();
    EXPECT_EQ(host.password_jobs, 0u);
    EXPECT_EQ(session.output(), said);
    EXPECT_EQ(answers.proven(), nullptr);
    EXPECT_FALSE(session.authenticated());
  }
}

TEST(InboundLoginJobs, AnotherDirectoryWithTheSamePassword) {
  for (bool known : {false, true}) {
    LoginRig login;
    auto client = Waiting(&login, known);
    const uint64_t before = SpilledCount(Counter::kPasswordIterations);
    login.ChangeDirectory();
    login.Release();
    EXPECT_THAT(login.Reply(*client), StartsWith(kOk));
    EXPECT_EQ(SpilledCount(Counter::kPasswordIterations) - before, LoginRig::kIterations)
        << "what was verified holds";
    EXPECT_EQ(login.passwords.asked().size(), 2u) << "the record is read again";
  }
}

TEST(InboundLoginJobs, APasswordThatIsChangedMeanwhile) {
  for (bool known : {false, true}) {
    for (bool old : {false, true}) {
      LoginRig login;
      auto client = Waiting(&login, known, old ? kRight : "another password");
      login.passwords.Set(7, "another password", LoginRig::kIterations);
      login.ChangeDirectory();
      login.Release();
      EXPECT_THAT(login.Reply(*client), StartsWith(old ? kWrong : kOk)) << known;
      EXPECT_THAT(login.Plain(*client, "tim", "another password"), StartsWith(old ? kOk : "503 "))
          << "one login is enough";
    }
  }
}

// What is at hand and what was right lately is worth nothing with another directory.
TEST(InboundLoginJobs, APasswordThatWasChanged) {
  LoginRig login;
  auto before = login.rig.Greeted();
  EXPECT_THAT(login.Plain(*before, "tim", kRight), StartsWith(kOk));
  login.passwords.Set(7, "another password", LoginRig::kIterations);
  login.ChangeDirectory();
  auto after = login.rig.Greeted();
  EXPECT_THAT(login.Plain(*after, "tim", kRight), StartsWith(kWrong));
  EXPECT_THAT(login.Scram(*after, "tim", kRight), StartsWith(kWrong));
  EXPECT_THAT(login.Scram(*after, "tim", "another password"), StartsWith(kOk));
}

TEST(InboundLoginJobs, AUserWhoIsRemovedOrBlockedMeanwhile) {
  for (bool known : {false, true}) {
    LoginRig login;
    auto client = Waiting(&login, known);
    login.SetUsers({});
    login.Release();
    EXPECT_THAT(login.Reply(*client), StartsWith(kWrong)) << known;
  }
  for (bool known : {false, true}) {
    LoginRig login;
    auto client = Waiting(&login, known);
    login.SetUsers({{.id = 7, .name = "tim", .status = identity::CredentialStatus::kBlocked}});
    login.Release();
    EXPECT_THAT(login.Reply(*client), StartsWith("535 5.7.13 ")) << known;
  }
}

// The name is another's now, who has a password of his own.
TEST(InboundLoginJobs, ANameThatGoesToAnother) {
  for (bool known : {false, true}) {
    LoginRig login;
    login.passwords.Set(8, "another password", LoginRig::kIterations);
    auto client = Waiting(&login, known);
    login.SetUsers({{.id = 8, .name = "tim"}});
    login.Release();
    EXPECT_THAT(login.Reply(*client), StartsWith(kWrong)) << known;
  }
}

TEST(InboundLoginJobs, DirectoriesThatChangeTooOften) {
  LoginRig login;
  auto client = Waiting(&login, false);
  login.ChangeDirectory();
  login.Hold();
  login.Release();
  login.Run();  // read too late, and on its way again
  EXPECT_EQ(client->received(), "");
  login.ChangeDirectory();
  login.Release();
  EXPECT_THAT(login.Reply(*client), StartsWith("454 4.7.0 "));
  EXPECT_THAT(login.Plain(*client, "tim", kRight), StartsWith(kOk));
  EXPECT_EQ(login.passwords.asked().size(), 3u) << "what came too late was not kept";
}

TEST(InboundLoginJobs, ScramWhereTheDirectoryChangesBeforeTheProof) {
  LoginRig login;
  auto final_reply = [&](const std::function<void()>& change) {
    auto client = login.rig.Greeted();
    std::string first = login.ScramFirst(*client, "tim");
    change();
    std::string reply = login.ScramFinal(*client, "tim", kRight, first);
    return reply.starts_with("334 ") ? login.Say(*client, "") : reply;
  };
  EXPECT_THAT(final_reply([] {}), StartsWith(kOk));
  EXPECT_THAT(final_reply([&] { login.ChangeDirectory(); }), StartsWith(kOk));
  EXPECT_THAT(final_reply([&] { login.SetUsers({}); }), StartsWith("454 4.7.0 "));
  EXPECT_THAT(final_reply([] {}), StartsWith(kWrong));
  EXPECT_THAT(final_reply([&] { login.SetUsers(LoginRig::Tim()); }), StartsWith(kWrong));
  login.passwords.Copy(7, 8);
  EXPECT_THAT(final_reply([&] { login.SetUsers({{.id = 8, .name = "tim"}}); }),
              StartsWith("454 4.7.0 "));
  login.SetUsers(LoginRig::Tim());
  EXPECT_THAT(final_reply([&] {
                login.passwords.Set(7, kRight, LoginRig::kIterations);
                login.ChangeDirectory();
              }),
              StartsWith("454 4.7.0 "))
      << "another record, though of the same password";
}

}  // namespace
}  // namespace ringpost::session
