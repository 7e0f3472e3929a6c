#include "gateway/http/acme/jws.h"

#include "gateway/base/base64url.h"
#include "gateway/base/text.h"

namespace ringpost::acme {

std::string SignRequest(const tls::AcmeKey& key, std::string_view account_url, std::string_view url,
                        std::string_view nonce, std::string_view payload) {
  std::string header = R"({"alg":"ES256",)";
  if (account_url.empty()) {
    header += "\"jwk\":" + key.Jwk();
  } else {
    header += "\"kid\":\"";
    AppendJsonEscaped(&header, account_url);
    header += '"';
  }
  header += ",\"nonce\":\"";
  AppendJsonEscaped(&header, nonce);
  header += "\",\"url\":\"";
  AppendJsonEscaped(&header, url);
  header += "\"}";
  std::string sealed_header = Base64Url(header), sealed_payload = Base64Url(payload);
  std::string signature = key.SignEs256(sealed_header + "." + sealed_payload);
  return R"({"protected":")" + sealed_header + R"(","payload":")" + sealed_payload +
         R"(","signature":")" + Base64Url(signature) + "\"}";
}

}  // namespace ringpost::acme
