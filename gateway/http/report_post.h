// Reports posted by HTTPS (RFC 8460 section 5.4): HTTP/1.1 over TLS, a connection for each, all at
// once and all within limits::kTlsReportPostSeconds (mail/tls_report_limits.h).
//
// The server need not prove who it is (section 3: such errors MAY be ignored; a report on broken
// certificates should arrive). It is a stranger: it is only spoken to at the addresses it is given
// with, no redirection is followed, and of its answer nothing counts but whether it is 2xx.
//
// Threads: the caller's, which waits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/base/status.h"
#include "gateway/http/acme/url.h"
#include "gateway/tls/client_context.h"

namespace ringpost::http {

struct ReportPost {
  acme::Url url;
  std::vector<IpAddress> addresses;  // of its host, in the order in which to try them; not empty
  std::string body;                  // compressed
};

// Of each, in their order: OK: it was taken; else why not, in words that are printable.
std::vector<Status> PostReports(const std::vector<ReportPost>& posts,
                                const std::shared_ptr<const tls::ClientContext>& context,
                                const std::string& user_agent);

}  // namespace ringpost::http
