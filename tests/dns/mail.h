// dns_room mail: lookups for delivery by MX before a real server.
#pragma once

#include <string>
#include <vector>

namespace ringpost::session {

// `words`: "mail", SERVER, ZONE, a file of domains, and maybe one of trust anchors. Prints as JSON
// what their exchangers are, and then what addresses those have, each asked for all at once, and
// how long both took.
int Mail(const std::vector<std::string>& words);

}  // namespace ringpost::session
