// The page of a link that verifies an address: who asks for what, and one button; or why it cannot
// be pressed.
//
// HTML that needs no script, no picture and nothing of another host, and is allowed none (Content-
// Security-Policy); the link is told to nobody by way of a Referer. All that it names is escaped.
//
// Threads: functions over values.
#pragma once

#include "gateway/http/front_door.h"
#include "gateway/http/sender_link.h"

namespace ringpost::http {

Answer LinkPage(const LinkFacts& facts);

// `text` as it may stand in HTML's text and quoted attributes; what is not UTF-8 becomes '?', as do
// control characters and those that turn the direction of what is behind them.
std::string HtmlEscaped(std::string_view text);

}  // namespace ringpost::http
