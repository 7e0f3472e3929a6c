// The third part of a report: what is returned of the original. Private to BuildDsn.
#pragma once

#include <string>
#include <string_view>

#include "gateway/mail/dsn.h"

namespace ringpost::mail {

struct ReturnedOriginal {
  std::string_view type;      // of the part
  std::string_view encoding;  // "7bit", "8bit", "quoted-printable"
  std::string content;        // ends in CRLF
  bool whole = false;         // not the header section alone
};

// All of the original where it was asked for, is small enough and can be had in clean lines; else
// its header section.
ReturnedOriginal MakeReturnedOriginal(const DsnInput& input);

}  // namespace ringpost::mail
