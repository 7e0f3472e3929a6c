// The mail that asks the owner of an address whether an account may send as it: a link to a page
// with a button.
//
// Plain text, Auto-Submitted: auto-generated (RFC 3834). ASCII, but where the address is not: then
// all of it is UTF-8, and needs SMTPUTF8 (RFC 6531). What it is told is made printable and is cut
// (limits::kPathBytesMax, kAccountNameBytesMax); the address has been parsed before, so that it may
// stand between angle brackets.
//
// Threads: none of its own; a pure function.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/message_id.h"
#include "gateway/base/time.h"

namespace ringpost::mail {

struct LinkMailInput {
  std::string_view hostname;
  MessageId id;
  std::string_view address;
  std::string_view account;
  std::string_view url;
  WallTime now;
  WallTime expires;
};

// Header section and body, CRLF lines of at most 998 bytes.
std::string BuildLinkMail(const LinkMailInput& input);

}  // namespace ringpost::mail
