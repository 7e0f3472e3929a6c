// `ringpost-bench handshake`: what BoringSSL alone takes for the server's side of a whole
// connection (a full TLS 1.3 handshake with an ECDSA P-256 certificate, its tickets, a greeting,
// QUIT, 221, close_notify), for a server's to be held against. Both sides are in this thread and
// talk through memory; only the server's steps are timed, by the thread's processor clock.
//
// The library is called as it comes, SSL_* over BIO pairs, and not by way of gateway/tls: what that
// adds is what is asked for. So this file, beside gateway/tls, includes BoringSSL.
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <time.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "bench/load/commands.h"
#include "bench/load/net.h"
#include "gateway/base/time.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::bench {
namespace {

constexpr std::string_view kGreeting = "220 gw.example.com ESMTP Ringpost ready\r\n";
constexpr std::string_view kQuit = "QUIT\r\n";
constexpr std::string_view kBye = "221 2.0.0 gw.example.com closing connection\r\n";
// Between two looks at the clock: what a look costs is lost among so many, and a server under load
// has several in hand too.
constexpr size_t kBatch = 16;

uint64_t ThreadCpuNanos() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<uint64_t>(used.tv_sec) * kNanosPerSecond + static_cast<uint64_t>(used.tv_nsec);
}

bssl::UniquePtr<SSL_CTX> NewContext() {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set1_curves_list(context.get(), "X25519");
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

// With a certificate; null where one could not be made.
bssl::UniquePtr<SSL_CTX> NewServerContext() {
  const tls::PemPair pem = tls::MakeSelfSigned(
      {"gw.example.com"}, tls::Certificate::KeyKind::kEcdsa, ReadWallClock(), /*days=*/30);
  bssl::UniquePtr<BIO> chain(BIO_new_mem_buf(pem.chain.data(), static_cast<int>(pem.chain.size())));
  bssl::UniquePtr<BIO> secret(BIO_new_mem_buf(pem.key.data(), static_cast<int>(pem.key.size())));
  bssl::UniquePtr<X509> certificate(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(secret.get(), nullptr, nullptr, nullptr));
  bssl::UniquePtr<SSL_CTX> context = NewContext();
  const bool set = certificate && key &&
                   SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
                   SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1;
  return set ? std::move(context) : nullptr;
}

bool Say(SSL* ssl, std::string_view words) {
  const int count = static_cast<int>(words.size());
  return SSL_write(ssl, words.data(), count) == count;
}

bool Hears(SSL* ssl, std::string_view words) {
  char bytes[512];
  const int count = SSL_read(ssl, bytes, sizeof(bytes));
  return count > 0 && std::string_view(bytes, static_cast<size_t>(count)) == words;
}

bool Waits(SSL* ssl) { return SSL_get_error(ssl, -1) == SSL_ERROR_WANT_READ; }

// One client and one server, and the steps that each takes in turn; false where one goes wrong.
struct Pair {
  bool ClientHello(SSL_CTX* context) {
    BIO *ours = nullptr, *theirs = nullptr;
    if (BIO_new_bio_pair(&ours, 0, &theirs, 0) != 1) return false;
    server_end = theirs;
    client.reset(SSL_new(context));
    SSL_set_bio(client.get(), ours, ours);
    SSL_set_connect_state(client.get());
    return SSL_do_handshake(client.get()) == -1 && Waits(client.get());
  }
  bool ServerHello(SSL_CTX* context) {
    server.reset(SSL_new(context));
    SSL_set_bio(server.get(), server_end, server_end);
    SSL_set_accept_state(server.get());
    return SSL_do_handshake(server.get()) == -1 && Waits(server.get());
  }
  bool ClientFinished() { return SSL_do_handshake(client.get()) == 1; }
  bool ServerFinished() {
    return SSL_do_handshake(server.get()) == 1 && SSL_session_reused(server.get()) == 0 &&
           Say(server.get(), kGreeting);
  }
  bool ClientQuits() { return Hears(client.get(), kGreeting) && Say(client.get(), kQuit); }
  bool ServerEnds() {
    const bool said = Hears(server.get(), kQuit) && Say(server.get(), kBye);
    SSL_shutdown(server.get());
    return said;
  }
  bool ClientEnds() { return Hears(client.get(), kBye); }

  bssl::UniquePtr<SSL> client, server;
  BIO* server_end = nullptr;
};

class Loop {
 public:
  Loop(SSL_CTX* client, SSL_CTX* server) : client_(client), server_(server) {}

  // False when a handshake went wrong.
  bool Run(double seconds) {
    const uint64_t end = NowNanos() + static_cast<uint64_t>(seconds * 1e9);
    count_ = server_nanos_ = 0;
    while (NowNanos() < end) {
      if (!Batch()) return false;
      count_ += kBatch;
    }
    return true;
  }
  uint64_t count() const { return count_; }
  double server_micros() const {
    return static_cast<double>(server_nanos_) / 1e3 / static_cast<double>(count_);
  }

 private:
  bool Batch() {
    std::array<Pair, kBatch> pairs;
    return Client(&pairs, [this](Pair* pair) { return pair->ClientHello(client_); }) &&
           Server(&pairs, [this](Pair* pair) { return pair->ServerHello(server_); }) &&
           Client(&pairs, [](Pair* pair) { return pair->ClientFinished(); }) &&
           Server(&pairs, [](Pair* pair) { return pair->ServerFinished(); }) &&
           Client(&pairs, [](Pair* pair) { return pair->ClientQuits(); }) &&
           Server(&pairs, [](Pair* pair) { return pair->ServerEnds(); }) &&
           Client(&pairs, [](Pair* pair) { return pair->ClientEnds(); }) &&
           Server(&pairs, [](Pair* pair) { return pair->server.reset(), true; });
  }
  template <typename Step>
  static bool Client(std::array<Pair, kBatch>* pairs, Step step) {
    for (Pair& pair : *pairs) {
      if (!step(&pair)) return false;
    }
    return true;
  }
  template <typename Step>
  bool Server(std::array<Pair, kBatch>* pairs, Step step) {
    const uint64_t begin = ThreadCpuNanos();
    const bool good = Client(pairs, step);
    server_nanos_ += ThreadCpuNanos() - begin;
    return good;
  }

  SSL_CTX* const client_;
  SSL_CTX* const server_;
  uint64_t count_ = 0;
  uint64_t server_nanos_ = 0;
};

int RunHandshake(double warm_up, double seconds) {
  const bssl::UniquePtr<SSL_CTX> client = NewContext();
  const bssl::UniquePtr<SSL_CTX> server = NewServerContext();
  if (server == nullptr) {
    std::fprintf(stderr, "handshake: no certificate could be made\n");
    return 1;
  }
  Loop loop(client.get(), server.get());
  if (!loop.Run(warm_up) || !loop.Run(seconds)) {
    std::fprintf(stderr, "handshake: a handshake went wrong\n");
    return 1;
  }
  std::printf("{\"handshakes\":%llu,\"server_us\":%.3f}\n",
              static_cast<unsigned long long>(loop.count()), loop.server_micros());
  return 0;
}

}  // namespace

void AddHandshakeCommand(CLI::App* app, int* exit_code) {
  struct Times {
    double warm_up = 0.5;
    double seconds = 3;
  };
  auto times = std::make_shared<Times>();
  CLI::App* const handshake = app->add_subcommand(
      "handshake",
      "Full TLS 1.3 handshakes by BoringSSL alone, in memory. Prints the processor time of the "
      "server's side of one in microseconds as a line of JSON.");
  handshake->add_option("--warm-up", times->warm_up, "Seconds that are not counted")
      ->capture_default_str();
  handshake->add_option("--seconds", times->seconds, "Seconds that are")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  handshake->callback(
      [times, exit_code] { *exit_code = RunHandshake(times->warm_up, times->seconds); });
}

}  // namespace ringpost::bench
