#include "bench/load/tls_setup.h"

#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/time.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::bench {
namespace {

using tls::Certificate;

StatusOr<std::shared_ptr<const Certificate>> ThrowAwayCertificate() {
  const WallTime now = ReadWallClock();
  const tls::PemPair pem =
      tls::MakeSelfSigned({"sink.bench"}, Certificate::KeyKind::kEcdsa, now, /*days=*/30);
  return Certificate::Parse(pem.chain, pem.key, {"made on the spot", "made on the spot"}, now);
}

}  // namespace

std::shared_ptr<const tls::ClientContext> MakeClientContext(bool resume) {
  auto context = tls::ClientContext::Make({.authorities = "", .verify = false, .resume = resume});
  RP_CHECK(context.ok());
  return *std::move(context);
}

std::shared_ptr<const tls::ServerContext> MakeServerContext(const std::string& chain_path,
                                                            const std::string& key_path,
                                                            std::string* error) {
  auto certificate = chain_path.empty()
                         ? ThrowAwayCertificate()
                         : Certificate::Load({chain_path, key_path}, ReadWallClock());
  if (!certificate.ok()) {
    *error = MessageOf(certificate.status());
    return nullptr;
  }
  return tls::ServerContext::Make(
      {{*std::move(certificate)}, std::make_shared<tls::TicketKeys>(), /*old_versions=*/false});
}

}  // namespace ringpost::bench
