// Addresses beyond ASCII where only typed addresses may stand (RFC 6533 section 3): ORCPT, and the
// recipient fields of reports.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::smtp {

// Appends utf-8-addr-xtext, which is ASCII: "\x{20AC}" for what is not; with `keep_utf8`
// utf-8-addr-unitext, where UTF-8 stands for itself. What is spelt out already stays. `address` is
// whole UTF-8.
void AppendUtf8Address(std::string* out, std::string_view address, bool keep_utf8);

}  // namespace ringpost::smtp
