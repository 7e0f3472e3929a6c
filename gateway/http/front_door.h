// FrontDoor: what the HTTP side answers, as a function of the request: no socket, no clock.
//
//   in clear   GET, HEAD /.well-known/acme-challenge/TOKEN   200 with the key authorization, or 404
//              anything else                                 308 to the same under https, where a
//                                                            listener takes it; else 404
//   under TLS  anything                                      404
//
// Everything of a request is hostile. The Host that a redirect repeats must be a domain name or an
// address (RFC 9110 section 7.2), and the target of visible ASCII; else 400.
//
// Threads: any; it holds nothing that changes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/http/acme_challenges.h"

namespace ringpost::http {

struct Request {
  std::string_view method;
  std::string_view target;  // as it was sent: "/path", or "http://host/path"
  std::string_view host;    // the Host field's value; empty: there was none
  uint32_t hosts = 0;       // how many Host fields
  uint32_t version = 11;    // 10: HTTP/1.0
  bool secure = false;      // under TLS
};

struct Answer {
  uint16_t status = 404;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::string location;  // 308
  std::string allow;     // 405
};

// `https_port`: where "https" is to be found; 0: nowhere.
Answer AnswerTo(const Request& request, const AcmeChallenges& challenges, uint16_t https_port);

// The host of an authority ("a.example:8080"), validated; empty where it is none.
std::string_view HostOf(std::string_view authority);

}  // namespace ringpost::http
