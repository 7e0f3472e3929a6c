// SMTP or HTTP: which of the two a connection to a listener with `protocol = "auto"` is.
//
// Under implicit TLS, by what the handshake said:
//   1. ALPN agreed on "http/1.1" (RFC 7301)                    HTTP
//   2. SNI (RFC 6066 section 3) is one of the `http_names`     HTTP
//   3. anything else: no ALPN, one that is not ours, no name   SMTP
// SMTP has no ALPN name, and no handshake fails for want of one. So a browser and an API client
// come to HTTP, and every mail client to SMTP.
//
// In clear, by who speaks first. An SMTP client waits for the greeting (RFC 5321 section 3.1), an
// HTTP client for nobody: the greeting waits limits::kHttpFirstMillis for a method of HTTP (RFC
// 9110 section 9.3) and the space behind it. The beginning of one waits for the rest, within the
// same time; anything else is a client of SMTP that speaks out of turn.
//
// Sans-IO. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace ringpost::session {

enum class ListenerProtocol : uint8_t { kSmtp, kHttp, kAuto };

enum class FirstWords : uint8_t { kNeedMore, kHttp, kNotHttp };

// More than this is never looked at.
inline constexpr size_t kFirstWordsBytes = 8;  // "OPTIONS "

// What the first bytes of a client in clear are; none: kNeedMore.
FirstWords LookAtFirstWords(std::string_view bytes);

// Names in lower case. `requested_name`: by SNI, hostile.
bool MeansHttp(std::string_view application_protocol, std::string_view requested_name,
               const std::set<std::string, std::less<>>& http_names);

}  // namespace ringpost::session
