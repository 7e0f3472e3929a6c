// BoringSSL's queue of errors of this thread, in words. Private to gateway/tls.
#pragma once

#include <string>

namespace ringpost::tls {

// What went wrong last, in lower case words ("certificate verify failed"), and the queue is empty;
// "unknown error" where it was.
std::string TakeError();
void ForgetErrors();

}  // namespace ringpost::tls
