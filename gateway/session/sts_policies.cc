#include "gateway/session/sts_policies.h"

namespace ringpost::session {

std::string_view StsFailureName(StsFailure failure) {
  switch (failure) {
    case StsFailure::kNone:
      return "";
    case StsFailure::kFetch:
      return "sts-policy-fetch-error";
    case StsFailure::kInvalid:
      return "sts-policy-invalid";
    case StsFailure::kWebPki:
      return "sts-webpki-invalid";
  }
  return "";
}

}  // namespace ringpost::session
