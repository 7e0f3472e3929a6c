#include "gateway/session/protocol_choice.h"

#include "gateway/base/text.h"

namespace ringpost::session {
namespace {

constexpr std::string_view kMethods[] = {"GET ",     "HEAD ",    "POST ",  "PUT ",  "DELETE ",
                                         "CONNECT ", "OPTIONS ", "TRACE ", "PATCH "};

}  // namespace

FirstWords LookAtFirstWords(std::string_view bytes) {
  for (std::string_view method : kMethods) {
    if (bytes.starts_with(method)) return FirstWords::kHttp;
    if (method.starts_with(bytes)) return FirstWords::kNeedMore;
  }
  return FirstWords::kNotHttp;
}

bool MeansHttp(std::string_view application_protocol, std::string_view requested_name,
               const std::set<std::string, std::less<>>& http_names) {
  if (application_protocol == "http/1.1") return true;
  return !http_names.empty() && http_names.contains(ToLower(requested_name));
}

}  // namespace ringpost::session
