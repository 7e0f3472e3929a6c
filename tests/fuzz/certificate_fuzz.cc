// Certificates and keys: any text, in place of the chain, of the key, or of both. Input: one byte
// that says which, then PEM text; what is not replaced is a pair that is good.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/tls/certificate.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::tls {
namespace {

void Check(std::string_view data) {
  if (data.empty() || data.size() > 16'384) return;
  static const WallTime now = ReadWallClock();
  static const PemPair good = MakeSelfSigned({"mx.example"}, Certificate::KeyKind::kEcdsa, now, 30);
  auto which = static_cast<unsigned char>(data[0]) & 3;
  std::string text(data.substr(1));
  std::string chain = which == 1 ? good.chain : text;
  std::string key = which == 0 ? good.key : text;
  if (which == 3) chain = good.chain + text;  // issuers
  if (which == 3) key = good.key;
  auto certificate = Certificate::Parse(chain, key, {"chain.pem", "key.pem"}, now);
  if (!certificate.ok()) {
    std::string_view words = MessageOf(certificate.status());
    RP_CHECK(words.starts_with("chain.pem: ") || words.starts_with("key.pem: "));
    return;
  }
  RP_CHECK((*certificate)->not_after() >= now);
  for (const std::string& name : (*certificate)->names()) (void)(*certificate)->Covers(name);
  RP_CHECK(!(*certificate)->Covers(""));
}

}  // namespace
}  // namespace ringpost::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ringpost::tls::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
