// How a verifier sees the DKIM signatures of a message: RFC 6376 section 6.1 once more, written
// from the RFC and without anything of gateway/mail, plain and slow.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/tls/dkim_key.h"

namespace ringpost::session {

// The tags of each DKIM-Signature field, from the top, without white space.
std::vector<std::map<std::string, std::string>> DkimTags(std::string_view message);

// What is wrong with the signature of this domain and selector; empty: nothing. Both algorithms are
// deterministic, so who has the private key makes the signature again to compare it.
std::string WhatIsWrongWithDkim(std::string_view message, std::string_view domain,
                                std::string_view selector, const tls::DkimKey& key);

}  // namespace ringpost::session
