// IDNA: a domain's one form for comparing and looking up: A-labels in lower case (RFC 5890 section
// 2.3.2.1, RFC 5891; libidn2 with the mapping of UTS 46, as mail clients have it).
//
// Names that look alike stay different here: "аpple.example" with a Cyrillic letter is
// "xn--pple-43d.example", and matches no list that has "apple.example".
//
// Threads: a function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringpost::smtp {

// "Bücher.Example." is "xn--bcher-kva.example". What is ASCII already is only lowered, underscores
// and all, as DomainKey does it. An address literal stays as it is. Nothing: no domain by IDNA
// (labels that are too long, code points that are not allowed), or broken UTF-8.
std::optional<std::string> CanonicalDomain(std::string_view domain);

}  // namespace ringpost::smtp
