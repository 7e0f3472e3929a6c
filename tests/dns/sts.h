// dns_room sts: policies of MTA-STS, from a real DNS server and real web servers.
#pragma once

#include <string>
#include <vector>

namespace ringpost::http {

// `words`: "sts", SERVER, ZONE, a file of authorities, a folder for the store, a network that web
// servers may be in though it is not of the Internet, how many milliseconds mail waits, and what
// time it is for the service, in seconds from the machine's on.
// Takes lines, and answers each with one of JSON:
//   find DOMAIN...   asks the DNS for the records, then for all policies at once
//   list             the cache
//   clock SECONDS    the time is another
// What the service logs goes to standard error.
int Sts(const std::vector<std::string>& words);

}  // namespace ringpost::http
