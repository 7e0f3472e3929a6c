// What is written for devices that cannot be told who they are (CredentialSettings): a domain for
// senders that have none ("root", "root@localhost", "root@printer"), or a sender in place of any.
//
// Threads: functions over values.
#pragma once

#include <string>
#include <string_view>

#include "gateway/identity/credential.h"

namespace ringpost::identity {

// No domain, or one of a single label: nobody's in the DNS.
bool IsUnqualified(std::string_view address);

// The null reverse-path stays what it is.
void RewriteReversePath(const CredentialSettings& settings, std::string* reverse_path);

// An address of the From field as it is to be; the same where nothing is to be done.
std::string RewrittenFrom(const CredentialSettings& settings, std::string_view address);

}  // namespace ringpost::identity
