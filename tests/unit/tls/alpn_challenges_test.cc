// TLS-ALPN-01 as a validating server sees it: by the library's own client, over memory.
#include "gateway/tls/alpn_challenges.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/obj.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "gateway/base/limits.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::tls {
namespace {

constexpr std::string_view kAuthorization = "token.thumbprint";

// A client that offers what it is told to, and our server.
class Validator {
 public:
  Validator(std::shared_ptr<const ServerContext> server, const char* name, std::string_view offers,
            uint16_t version = TLS1_3_VERSION) {
    side_.connection = Connection::Accept(std::move(server));
    context_.reset(SSL_CTX_new(TLS_method()));
    EXPECT_EQ(SSL_CTX_set_max_proto_version(context_.get(), version), 1);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_tlsext_host_name(ssl_.get(), name);
    if (!offers.empty()) {
      EXPECT_EQ(SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const uint8_t*>(offers.data()),
                                    static_cast<unsigned>(offers.size())),
                0);
    }
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
    Run();
  }

  void Run() {
    for (int i = 0; i < 10; ++i) {
      done_ = SSL_do_handshake(ssl_.get()) == 1;
      const uint8_t* bytes = nullptr;
      size_t count = 0;
      BIO_mem_contents(out_, &bytes, &count);
      side_.Feed({reinterpret_cast<const char*>(bytes), count});
      BIO_reset(out_);
      std::string back = side_.Take();
      BIO_write(in_, back.data(), static_cast<int>(back.size()));
    }
  }

  bool done() const { return done_; }
  const Side& server() const { return side_; }
  std::string protocol() const {
    const uint8_t* name = nullptr;
    unsigned count = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &count);
    return {reinterpret_cast<const char*>(name), count};
  }
  bssl::UniquePtr<X509> certificate() const {
    return bssl::UniquePtr<X509>(SSL_get_peer_certificate(ssl_.get()));
  }

 private:
  Side side_;
  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<SSL> ssl_;
  BIO *in_, *out_;
  bool done_ = false;
};

constexpr std::string_view kOffer =
    "\x0a"
    "acme-tls/1";

class AlpnChallengesTest : public testing::Test {
 protected:
  AlpnChallengesTest() {
    ServerContext::Options options;
    options.certificates = {MakeCertificate({"mx.example"})};
    options.tickets = std::make_shared<TicketKeys>();
    options.challenges = challenges_;
    server_ = ServerContext::Make(std::move(options));
  }
  std::shared_ptr<AlpnChallenges> challenges_ = std::make_shared<AlpnChallenges>();
  std::shared_ptr<const ServerContext> server_;
};

TEST_F(AlpnChallengesTest, ShowsTheDigestAndEnds) {
  ASSERT_TRUE(challenges_->Add("mx.example", kAuthorization, kNow));
  for (uint16_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Validator validator(server_, "MX.example", kOffer, version);
    ASSERT_TRUE(validator.done());
    EXPECT_EQ(validator.protocol(), "acme-tls/1");
    EXPECT_TRUE(validator.server().failed);
    EXPECT_FALSE(validator.server().secured);
    EXPECT_TRUE(validator.server().connection->facts().challenge);
    auto certificate = validator.certificate();
    bssl::UniquePtr<ASN1_OBJECT> object(OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1));
    int at = X509_get_ext_by_OBJ(certificate.get(), object.get(), -1);
    ASSERT_GE(at, 0);
    X509_EXTENSION* extension = X509_get_ext(certificate.get(), at);
    EXPECT_EQ(X509_EXTENSION_get_critical(extension), 1);
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
    std::string expected = "\x04\x20" + std::string(32, '\0');
    SHA256(reinterpret_cast<const uint8_t*>(kAuthorization.data()), kAuthorization.size(),
           reinterpret_cast<uint8_t*>(expected.data()) + 2);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                          static_cast<size_t>(ASN1_STRING_length(value))),
              expected);
    EXPECT_EQ(X509_check_host(certificate.get(), "mx.example", 10, 0, nullptr), 1);
    EXPECT_EQ(X509_check_host(certificate.get(), "other.example", 13, 0, nullptr), 0);
  }
}

TEST_F(AlpnChallengesTest, IsRefusedForOtherNamesAndAfterwards) {
  EXPECT_FALSE(Validator(server_, "mx.example", kOffer).done());
  ASSERT_TRUE(challenges_->Add("mx.example", kAuthorization, kNow));
  Validator other(server_, "other.example", kOffer);
  EXPECT_FALSE(other.done());
  EXPECT_TRUE(other.server().failed);
  EXPECT_FALSE(other.server().connection->facts().challenge);
  challenges_->Remove("mx.example");
  EXPECT_FALSE(Validator(server_, "mx.example", kOffer).done());
}

TEST_F(AlpnChallengesTest, LeavesEverybodyElseAlone) {
  ASSERT_TRUE(challenges_->Add("mx.example", kAuthorization, kNow));
  for (std::string_view offers : {std::string_view(), std::string_view("\x04smtp"),
                                  std::string_view("\x04smtp\x0a"
                                                   "acme-tls/1")}) {
    Validator client(server_, "mx.example", offers);
    EXPECT_TRUE(client.done());
    EXPECT_EQ(client.protocol(), "");
    EXPECT_TRUE(client.server().secured);
    EXPECT_FALSE(client.server().connection->facts().challenge);
  }
}

TEST_F(AlpnChallengesTest, HoldsABoundedNumber) {
  for (size_t i = 0; i < limits::kAcmeChallengesMax; ++i) {
    ASSERT_TRUE(challenges_->Add("h" + std::to_string(i) + ".example", kAuthorization, kNow));
  }
  EXPECT_FALSE(challenges_->Add("one-more.example", kAuthorization, kNow));
  EXPECT_TRUE(challenges_->Add("h0.example", "another", kNow));
  challenges_->Remove("h1.example");
  EXPECT_TRUE(challenges_->Add("one-more.example", kAuthorization, kNow));
}

}  // namespace
}  // namespace ringpost::tls
