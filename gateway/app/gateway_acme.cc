// Certificates that come by themselves: how the AcmeService lives in the gateway.
#include <exception>

#include "gateway/app/gateway_impl.h"
#include "gateway/app/version.h"
#include "gateway/base/check.h"
#include "gateway/base/wipe.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::app {
namespace {

constexpr int kStandInDays = 3650;

}  // namespace

// At a start and at a reload; what fails leaves all as it was. The service that is there already is
// told; what is no longer wanted ends. Who asks for its status meanwhile is on another thread, so
// that the pointer changes under the lock.
Status GatewayImpl::PrepareAcme(const Config& config) {
  if (!config.acme) {
    std::shared_ptr<http::AcmeService> ended;
    std::lock_guard lock(mutex_);
    ended.swap(acme_);
    return OkStatus();
  }
  auto options = MakeAcmeOptions(config);
  if (!options.ok()) return options.status();
  if (config_.acme && config_.acme->names != config.acme->names) stand_in_.reset();
  if (acme_) {
    acme_->Configure(std::move(*options));
    return OkStatus();
  }
  http::AcmeService::Setup setup;
  setup.store = control_store_.get();
  setup.log = log_;
  setup.alpn_challenges = alpn_challenges_.get();
  setup.http_challenges = &acme_challenges_;
  setup.user_agent = "ringpost/" + std::string(kVersion);
  setup.changed = [this] {
    std::lock_guard lock(mutex_);
    certificates_changed_ = true;
    Wake();
  };
  std::shared_ptr<http::AcmeService> service;
  try {  // Asio's and the thread's: descriptors or threads may be short
    service = http::AcmeService::Make(std::move(setup), std::move(*options));
    if (handed_out_) service->Start();
  } catch (const std::exception& error) {
    return MakeStatus(StatusCode::kResourceExhausted, error.what());
  }
  std::lock_guard lock(mutex_);
  acme_ = std::move(service);
  return OkStatus();
}

// Where no certificate is there yet, listeners must be able to answer TLS-ALPN-01, and clients that
// verify nobody are better off under TLS than in clear: they get one that nobody trusts, which who
// verifies refuses.
std::vector<std::shared_ptr<const tls::Certificate>> GatewayImpl::AcmeCertificates() {
  if (!acme_) return {};
  std::vector<std::shared_ptr<const tls::Certificate>> all = acme_->certificates();
  if (!all.empty() || !config_.certificates.empty()) return all;
  if (!stand_in_) {
    WallTime now = ReadWallClock();
    tls::PemPair made = tls::MakeSelfSigned(config_.acme->names, tls::Certificate::KeyKind::kEcdsa,
                                            now, kStandInDays);
    WipedAtEnd wiped(&made.key);
    auto loaded = tls::Certificate::Parse(made.chain, made.key, {"the stand-in", "its key"}, now);
    RP_CHECK(loaded.ok());
    stand_in_ = std::move(*loaded);
    LogLine(now, "acme_stand_in")
        .Text("words",
              "there is no certificate yet: until there is, clients are shown a self-signed one, "
              "which those that verify refuse")
        .To(*log_);
  }
  return {stand_in_};
}

void GatewayImpl::ServeNewCertificates() {
  if (handed_out_ && !draining_) HandOutListeners({});
}

}  // namespace ringpost::app
