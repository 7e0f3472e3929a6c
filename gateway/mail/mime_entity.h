// The header section of a MIME entity (RFC 2045), as far as re-encoding must understand it.
//
// Strict on purpose: what is unclear is refused, since a reader that understands it in another way
// would see another message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::mail {

enum class TransferEncoding : uint8_t {
  kAbsent,
  k7Bit,
  k8Bit,
  kBinary,
  kQuotedPrintable,
  kBase64,
  kOther
};

struct MimeEntity {
  std::string_view header;  // the fields and the empty line
  std::string_view body;
  bool has_separator = false;  // the empty line is there; without it the body is empty
  bool has_mime_version = false;
  bool has_type = false;      // without: text/plain, or message/rfc822 in multipart/digest
  std::string type, subtype;  // lower case
  std::string boundary;       // of a multipart
  TransferEncoding encoding = TransferEncoding::kAbsent;
  size_t encoding_at = 0;  // the Content-Transfer-Encoding field in `header`, its CRLF included
  size_t encoding_bytes = 0;
};

// Nothing where the header section does not parse: bare CR or LF, a line that is no field, a MIME
// field twice, a Content-Type that breaks the grammar, more than limits::kMimeHeaderBytesMax.
std::optional<MimeEntity> ParseEntity(std::string_view bytes);

}  // namespace ringpost::mail
