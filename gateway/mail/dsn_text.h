// The strings of a report, and of other mail that the gateway writes, made safe, wrapped and
// folded. Private to this folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/mail/dsn.h"

namespace ringpost::mail {

// One line, printable, ASCII unless `utf8`, at most `bytes_max`; line breaks become spaces.
std::string SafeText(std::string_view text, bool utf8, size_t bytes_max);

// A typed address (RFC 3464 section 2.1.2): "rfc822; user@example.org", or "utf-8; ..." (RFC 6533
// section 3). `orcpt` is the value of ORCPT, type included.
std::string TypedAddress(std::string_view address, bool utf8);
std::string TypedOrcpt(std::string_view orcpt, bool utf8);

// The enhanced code of a recipient's fate, or the plainest one of its class.
std::string StatusCode(const DsnRecipient& recipient);

// "Name: value", folded at spaces to lines of 78 where that can be; never a line beyond 998.
void AppendField(std::string_view name, std::string_view value, std::string* out);

// `text` wrapped at spaces to 72 columns, each line after `indent` spaces.
void AppendParagraph(std::string_view text, size_t indent, std::string* out);

}  // namespace ringpost::mail
