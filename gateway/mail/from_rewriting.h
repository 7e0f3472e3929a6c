// The From field of a message, written anew for devices that cannot be told who they are.
//
// Threads: functions over values.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/mail/header_scan.h"

namespace ringpost::mail {

// An address ("root", "root@printer", "a@example.com") as it is to be; the same: it stays.
using AddressRewriting = std::function<std::string(std::string_view address)>;

// The value that the From field is to have; nothing: it stays as it is. Display names and comments
// stay. What ReadFrom (from_field.h) cannot read is left to be refused, but for a name without a
// domain ("root", "Cron <root>", "root (Cron Daemon)"), which is what devices write. Where there is
// no From field, `rewritten` is asked for the empty address, and what it gives is one.
std::optional<std::string> RewriteFrom(const HeaderSummary& headers,
                                       const AddressRewriting& rewritten);

// `header` (up to and with the empty line, where there is one) with this value in its From field,
// which is added in front where there is none.
std::string WithFrom(std::string_view header, std::string_view value);

}  // namespace ringpost::mail
