// Clients as they are log in to a ServerSession over stored records: Python's smtplib, and msmtp,
// whose SCRAM is GNU SASL's. The session is served over loopback, one connection after another; the
// records are answered as a driver answers them, but on the same thread.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <thread>

#include "gateway/base/check.h"
#include "gateway/identity/password_record.h"
#include "gateway/smtp/server_session.h"
#include "storage/durable_mint.h"

namespace ringpost::identity {
namespace {

using smtp::ServerSession;
using Kind = ServerSession::EventKind;

constexpr char kName[] = "front,desk=1@example.com";
constexpr char kPassword[] = "a, b = 100% \"of\" it";

class LoginServer {
 public:
  LoginServer() : unknown_(tls::Key::Random()) {
    options_.hostname = "gw.example";
    options_.auth = smtp::Auth::kAlsoInClear;
    options_.auth_required = true;
    PasswordSalt salt;
    tls::RandomBytes(salt);
    records_.emplace(kName, PasswordRecord::Make(kPassword, salt, limits::kPasswordIterationsMin));
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    RP_CHECK(bind(listener_, generic, bytes) == 0 && listen(listener_, 16) == 0);
    RP_CHECK(getsockname(listener_, generic, &bytes) == 0);
    port = std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] {
      for (int fd; (fd = accept(listener_, nullptr, nullptr)) >= 0; close(fd)) Serve(fd);
    });
  }
  ~LoginServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  std::string port;

 private:
  void Serve(int fd) {
    ServerSession session(&options_);
    session.Greet();
    std::array<char, 4096> buffer;
    std::string_view input;
    while (true) {
      const ServerSession::Event event = session.Step(&input);
      const std::string& said = session.output();
      if (event.kind == Kind::kNeedInput || event.kind == Kind::kClose) {
        RP_CHECK(send(fd, said.data(), said.size(), MSG_NOSIGNAL) >= 0 || said.empty());
        session.output().clear();
        if (event.kind == Kind::kClose) return;
        const ssize_t count = recv(fd, buffer.data(), buffer.size(), 0);
        if (count <= 0) return;
        input = {buffer.data(), static_cast<size_t>(count)};
      } else {
        Answer(event.kind, &session);
      }
    }
  }

  PasswordRecord RecordOf(std::string_view name) const {
    const PasswordRecord unknown = unknown_.RecordOf(name);
    const auto found = records_.find(std::string(name));
    return found != records_.end() ? found->second : unknown;
  }

  void Answer(Kind kind, ServerSession* session) const {
    if (kind == Kind::kMail || kind == Kind::kRecipient || kind == Kind::kData) {
      session->Accept();
    } else if (kind == Kind::kEndOfData) {
      session->Queued(storage::DurableMint::Make(MessageId{}), "queued");
    } else if (kind == Kind::kAuthSalt) {
      const PasswordRecord record = RecordOf(session->login().name());
      session->Challenge({reinterpret_cast<const char*>(record.salt.data()), record.salt.size()},
                         record.iterations, MakeScramNonce());
    } else if (kind == Kind::kAuthPassword) {
      const smtp::SaslServer& login = session->login();
      const bool right = RecordOf(login.name()).Verify(login.password());
      right ? session->Accept() : session->Refuse(smtp::WrongCredentials());
    } else if (kind == Kind::kAuthProof) {
      const smtp::SaslServer& login = session->login();
      tls::Digest signature;
      const bool right =
          RecordOf(login.name()).CheckProof(login.auth_message(), login.proof(), &signature);
      right ? session->AcceptProof(tls::View(signature))
            : session->Refuse(smtp::WrongCredentials());
    }
  }

  smtp::ServerOptions options_;
  UnknownNames unknown_;
  std::map<std::string, PasswordRecord> records_;
  int listener_ = -1;
  std::thread thread_;
};

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// What the command said, and its exit status behind it.
std::string Shell(const std::string& command) {
  FILE* pipe = popen(("(" + command + ") 2>&1").c_str(), "r");
  RP_CHECK(pipe != nullptr);
  std::string said;
  for (int c; (c = std::fgetc(pipe)) != EOF;) said.push_back(static_cast<char>(c));
  return said + "exit " + std::to_string(WEXITSTATUS(pclose(pipe)));
}

class LoginClients : public testing::Test {
 protected:
  std::string Smtplib(const std::string& mechanism, const std::string& name,
                      const std::string& password) {
    static constexpr char kScript[] = R"(
import smtplib, sys
port, mechanism, name, password = sys.argv[1:]
server = smtplib.SMTP("127.0.0.1", int(port), "client.example")
server.ehlo()
server.user, server.password = name, password
try:
    print(server.auth(mechanism, getattr(server, "auth_" + mechanism.lower()))[0])
    print(server.sendmail("a@example.com", ["b@example.net"], "Subject: x\n\ny\n"))
except smtplib.SMTPAuthenticationError as error:
    print(error.smtp_code)
server.quit()
)";
    return Shell("/usr/bin/python3 -c " + Quoted(kScript) + " " + server_.port + " " + mechanism +
                 " " + Quoted(name) + " " + Quoted(password));
  }

  std::string Msmtp(const std::string& mechanism, const std::string& name,
                    const std::string& password) {
    return Shell("printf 'Subject: x\\n\\ny\\n' | msmtp --file=/dev/null --host=127.0.0.1 --port=" +
                 server_.port + " --tls=off --auth=" + mechanism + " --user=" + Quoted(name) +
                 " --passwordeval=" + Quoted("printf %s " + Quoted(password)) +
                 " --from=a@example.com b@example.net");
  }

  LoginServer server_;
};

TEST_F(LoginClients, Smtplib) {
  for (const char* mechanism : {"PLAIN", "LOGIN"}) {
    EXPECT_EQ(Smtplib(mechanism, kName, kPassword), "235\n{}\nexit 0") << mechanism;
    EXPECT_EQ(Smtplib(mechanism, kName, "something else"), "535\nexit 0") << mechanism;
    EXPECT_EQ(Smtplib(mechanism, "nobody", kPassword), "535\nexit 0") << mechanism;
  }
}

TEST_F(LoginClients, Msmtp) {
  if (Shell("command -v msmtp >/dev/null") != "exit 0") GTEST_SKIP() << "msmtp is not there";
  for (const char* mechanism : {"plain", "login", "scram-sha-256"}) {
    EXPECT_EQ(Msmtp(mechanism, kName, kPassword), "exit 0") << mechanism;
    for (const char* name : {kName, "nobody"}) {
      const std::string said = Msmtp(mechanism, name, "something else");
      EXPECT_NE(said.find("535 5.7.8 The user name or the password is wrong"), std::string::npos)
          << said;
    }
  }
}

}  // namespace
}  // namespace ringpost::identity
