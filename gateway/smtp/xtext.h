// xtext (RFC 3461 section 4): how ENVID, ORCPT and XCLIENT values travel in a command.
//
// Printable ASCII but '+' and '=' stands for itself; any byte may be "+HH" in upper-case
// hexadecimal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringpost::smtp {

void AppendXtext(std::string* out, std::string_view text);

// Nothing where `xtext` breaks the grammar. With `allow_utf8` bytes above 127 stand for themselves
// (RFC 6533 section 3: utf-8-addr-unitext); they are checked to be whole UTF-8.
std::optional<std::string> DecodeXtext(std::string_view xtext, bool allow_utf8);

}  // namespace ringpost::smtp
