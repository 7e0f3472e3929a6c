// What a DKIM signature says of a header section: which fields it covers, and their relaxed form
// (RFC 6376 sections 3.4.2, 5.4 and 5.4.2). Pure functions.
//
// Covered are all fields of the names below, from the bottom up, as a verifier finds them. From,
// To, Subject, Date, List-Unsubscribe and List-Unsubscribe-Post are named once more than they are
// there: whoever adds one later breaks the signature, so nobody can put another sender, subject or
// unsubscription in front of what was signed (RFC 6376 sections 5.4.2 and 8.15, RFC 8058 section
// 4). Others are covered where they are there. Never covered: trace fields and signatures, which
// the way changes (RFC 6376 section 5.4.1).
//
// The section is read as ScanHeaders reads it: it ends at the first empty line, or at a line that
// is no field; LF alone ends a line too, and there may be white space before a colon.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/base/status.h"
#include "gateway/base/wipe.h"

namespace ringpost::mail {

// A field as it stands: `value` is what follows the colon, folds in it, without its last line end.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};
// Takes the next field off the front of `header`. False: there is none, the section is over.
bool TakeHeaderField(std::string_view* header, HeaderField* field);

// "name:value" with CRLF: the name in lower case, the value unfolded, its runs of white space one
// SP, none at either end.
void AppendRelaxedField(const HeaderField& field, std::string* out);

struct DkimHeader {
  DkimHeader() = default;
  ~DkimHeader() { WipeString(&canonical); }
  DkimHeader(const DkimHeader&) = delete;
  DkimHeader& operator=(const DkimHeader&) = delete;

  std::string names;      // the value of h=, without white space: "From:From:To:..."
  std::string canonical;  // the fields in that order, relaxed
};
// FAILED_PRECONDITION: not signed as it is, since it has no From field or several (RFC 6376
// sections 3.8 and 8.15), more than kDkimSignedFieldsMax fields to cover, or is longer than
// kHeaderSectionBytesMax.
Status SelectDkimFields(std::string_view header, DkimHeader* selected);

}  // namespace ringpost::mail
