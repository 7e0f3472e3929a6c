// The fields and the parts of a message that comes back, read as leniently as the mail of old
// gateways needs. Private to bounce_*.cc.
//
// Beside mime_entity.h, which refuses what is unclear since it rewrites: here nothing is rewritten,
// and what is unclear is read as far as it goes. Lines end in CRLF or in LF alone. Total: any bytes
// are a header section, perhaps an empty one, and a body. Bounds: bounce_limits.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringpost::mail {

// Takes the next line off `*text`, without its end. False: there is none.
bool TakeLine(std::string_view* text, std::string_view* line);

// A header section, or a group of fields in a report (RFC 3464 section 2.1.1).
class BounceFields {
 public:
  // Reads fields off `*text` up to an empty line, which is taken too, or, with `strict`, up to a
  // line that is no field. Otherwise such lines are passed over.
  static BounceFields Take(std::string_view* text, bool strict);

  struct Field {
    std::string_view name;
    std::string value;  // unfolded, trimmed, cut
  };
  const std::vector<Field>& all() const { return fields_; }
  // The first of that name; empty: there is none.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;

 private:
  std::vector<Field> fields_;
};

// The value of Content-Type, as far as it can be read (RFC 2045 section 5.1).
struct BounceType {
  std::string type;         // "text/plain", lower case; empty: none was given
  std::string boundary;     // empty: none
  std::string report_type;  // lower case
};
BounceType ReadBounceType(std::string_view value);

// "text/plain; (comment) ..." without comments in parentheses, trimmed.
std::string WithoutComments(std::string_view value);

// A leaf of the message's tree, or a message within it, which is not descended into.
struct BouncePart {
  BounceFields fields;
  BounceType type;  // with the default of RFC 2046 section 5.1 where none was given
  std::string_view body;
};
// In their order; `fields` and `body` are the message's own. A message of one part is its only one.
std::vector<BouncePart> BounceParts(BounceFields fields, std::string_view body);

// The body of a part with its quoted-printable or base64 undone (RFC 2045 sections 6.7 and 6.8);
// what is malformed stays or is passed over.
std::string DecodedBody(const BouncePart& part);

}  // namespace ringpost::mail
