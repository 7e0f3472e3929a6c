// FrontDoor: what the HTTP side answers, as a function of the request: no socket, no clock.
//
//   in clear   GET, HEAD /.well-known/acme-challenge/TOKEN   200 with the key authorization, or 404
//              anything else                                 308 to the same under https, where a
//                                                            listener takes it; else 404
//   under TLS  GET, HEAD /confirm/TOKEN                      the page of a link (link_page.h)
//              POST /confirm/TOKEN                           confirms, and says so
//              anything else                                 404
//
// Where no listener takes https, links are answered in clear as well. What is known of a link is
// looked up before, where QuestionOf says that it is needed; what is none is not asked about.
//
// Everything of a request is hostile. The Host that a redirect repeats must be a domain name or an
// address (RFC 9110 section 7.2), and the target of visible ASCII; else 400.
//
// Threads: any; it holds nothing that changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/acme_challenges.h"
#include "gateway/http/sender_link.h"

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
  std::string content_security_policy;
  uint32_t retry_after_seconds = 0;  // 0: not said
};

// What is to be looked up before `request` can be answered; nothing: it can be. `https_port`: where
// "https" is to be found; 0: nowhere.
std::optional<LinkQuestion> QuestionOf(const Request& request, uint16_t https_port);
// `link`: what was said to QuestionOf's question; of no meaning where there was none.
Answer AnswerTo(const Request& request, const AcmeChallenges& challenges, uint16_t https_port,
                const LinkFacts& link = {});

// Whether a body may come with it, which is read and means nothing: a form's.
bool TakesForm(const Request& request, uint16_t https_port);
// What of a target may stand in a log: no token of a link.
std::string LoggedTarget(std::string_view target);

// The host of an authority ("a.example:8080"), validated; empty where it is none.
std::string_view HostOf(std::string_view authority);

}  // namespace ringpost::http
