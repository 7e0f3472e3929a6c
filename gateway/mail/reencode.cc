// Reencode: the bounded walk over a message's MIME structure (RFC 2045, 2046, 6152 section 3).
#include <algorithm>
#include <string>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/base/wipe.h"
#include "gateway/mail/content_encoding.h"
#include "gateway/mail/downgrade.h"
#include "gateway/mail/mime_entity.h"

namespace ringpost::mail {
namespace {

// A line of a multipart's body that separates its parts (RFC 2046 section 5.1.1).
struct Delimiter {
  size_t begin = 0;
  size_t end = 0;  // its CRLF included
  bool closes = false;
};

bool IsIdentity(TransferEncoding encoding) {
  return encoding == TransferEncoding::kAbsent || encoding == TransferEncoding::k7Bit ||
         encoding == TransferEncoding::k8Bit || encoding == TransferEncoding::kBinary;
}

// RFC 2046 section 5.1.1: 1 to 70 characters of a small set, no space at the end. Anything
// printable passes.
bool IsBoundary(std::string_view boundary) {
  return !boundary.empty() && boundary.size() <= 70 && boundary.back() != ' ' &&
         std::all_of(boundary.begin(), boundary.end(),
                     [](char c) { return c >= 0x20 && c < 0x7F; });
}

class Walk {
 public:
  bool Entity(std::string_view bytes, uint32_t depth, bool in_digest);
  ~Walk() { WipeString(&out_); }
  std::string& out() { return out_; }

 private:
  bool Leaf(const MimeEntity& entity, bool in_digest);
  bool Multipart(const MimeEntity& entity, uint32_t depth);
  bool FindDelimiter(std::string_view body, const std::string& dashes, size_t from,
                     Delimiter* found);
  bool CopyPlain(std::string_view bytes);
  void Append(std::string_view bytes) {
    Room(bytes.size());
    out_.append(bytes);
  }
  // As much may follow without growth, which would leave a copy behind.
  void Room(size_t bytes) {
    if (out_.capacity() - out_.size() < bytes) {
      ReserveWiped(&out_, out_.size() + out_.size() / 2 + bytes);
    }
  }
  void Header(const MimeEntity& entity, std::string_view encoding);
  void HeaderWithout8Bit(const MimeEntity& entity);

  std::string out_;
  uint32_t parts_ = 0;
};

bool Walk::CopyPlain(std::string_view bytes) {
  ContentTraits traits = InspectContent(bytes);
  if (traits.high_bytes > 0 || traits.nul || traits.bare_newline) return false;
  Append(bytes);
  return true;
}

// The entity's header section with another Content-Transfer-Encoding, in the place of the one it
// has.
void Walk::Header(const MimeEntity& entity, std::string_view encoding) {
  std::string_view header = entity.header;
  bool replaces = entity.encoding_bytes != 0;
  size_t at = replaces ? entity.encoding_at : header.size() - 2;
  Append(header.substr(0, at));
  Append("Content-Transfer-Encoding: ");
  Append(encoding);
  Append("\r\n");
  Append(header.substr(at + entity.encoding_bytes));
}

void Walk::HeaderWithout8Bit(const MimeEntity& entity) {
  bool labelled =
      entity.encoding == TransferEncoding::k8Bit || entity.encoding == TransferEncoding::kBinary;
  if (labelled) {
    Header(entity, "7bit");
  } else {
    Append(entity.header);
  }
}

bool Walk::Leaf(const MimeEntity& entity, bool in_digest) {
  ContentTraits traits = InspectContent(entity.body);
  bool binary = entity.encoding == TransferEncoding::kBinary;
  bool needs =
      traits.high_bytes > 0 || traits.nul || traits.bare_newline || (binary && traits.long_line);
  if (!needs) {
    HeaderWithout8Bit(entity);
    Append(entity.body);
    return true;
  }
  bool message = entity.has_type ? entity.type == "message" : in_digest;
  if (!IsIdentity(entity.encoding) || message || !entity.has_separator) return false;
  bool text = !entity.has_type || entity.type == "text";
  // quoted-printable costs two bytes for each that it spells out, base64 a third of all.
  if (text && !traits.nul && !traits.bare_newline && traits.high_bytes * 6 <= entity.body.size()) {
    Header(entity, "quoted-printable");
    Room(QuotedPrintableBytesMax(entity.body.size()));
    AppendQuotedPrintable(entity.body, &out_);
  } else {
    Header(entity, "base64");
    Room(Base64BytesMax(entity.body.size()));
    AppendBase64(entity.body, &out_);
  }
  return true;
}

// The next line from `from` on that is a delimiter. False: there is none, or one that is unclear.
bool Walk::FindDelimiter(std::string_view body, const std::string& dashes, size_t from,
                         Delimiter* found) {
  for (size_t at = from; at <= body.size();) {
    at = body.find(dashes, at);
    if (at == std::string_view::npos) return false;
    bool at_line = at == 0 || body[at - 1] == '\n';
    size_t rest = at + dashes.size();
    bool closes = body.substr(rest).starts_with("--");
    if (closes) rest += 2;
    while (rest < body.size() && (body[rest] == ' ' || body[rest] == '\t')) ++rest;
    bool ends_line = rest == body.size() || body[rest] == '\r' || body[rest] == '\n';
    if (!at_line || !ends_line) {
      at += dashes.size();
      continue;
    }
    bool crlf_before = at == 0 || (at >= 2 && body[at - 2] == '\r');
    bool crlf_after = body.substr(rest).starts_with("\r\n");
    if (!crlf_before || !(crlf_after || (closes && rest == body.size()))) return false;
    *found = {at, crlf_after ? rest + 2 : rest, closes};
    return true;
  }
  return false;
}

bool Walk::Multipart(const MimeEntity& entity, uint32_t depth) {
  bool label_is_fine =
      entity.encoding == TransferEncoding::kAbsent || entity.encoding == TransferEncoding::k7Bit;
  bool plain = InspectContent(entity.body).seven_bit();
  if (plain && label_is_fine) {
    Append(entity.header);
    Append(entity.body);
    return true;
  }
  // A signature covers the parts as they are (RFC 1847 section 2.1).
  if (!IsIdentity(entity.encoding) || !IsBoundary(entity.boundary) || entity.subtype == "signed")
    return false;
  if (depth >= limits::kMimeDepthMax) return false;
  HeaderWithout8Bit(entity);
  std::string dashes = "--" + entity.boundary;
  std::string_view body = entity.body;
  Delimiter delimiter;
  if (!FindDelimiter(body, dashes, 0, &delimiter)) return false;
  if (!CopyPlain(body.substr(0, delimiter.begin))) return false;  // the preamble
  while (!delimiter.closes) {
    if (++parts_ > limits::kMimePartsMax) return false;
    Append(body.substr(delimiter.begin, delimiter.end - delimiter.begin));
    size_t begin = delimiter.end;
    if (!FindDelimiter(body, dashes, begin, &delimiter)) return false;
    // The CRLF before a delimiter belongs to the delimiter.
    if (delimiter.begin < begin + 2) return false;
    std::string_view part = body.substr(begin, delimiter.begin - 2 - begin);
    if (!Entity(part, depth + 1, entity.subtype == "digest")) return false;
    Append("\r\n");
  }
  return CopyPlain(body.substr(delimiter.begin));  // the last delimiter and the epilogue
}

bool Walk::Entity(std::string_view bytes, uint32_t depth, bool in_digest) {
  std::optional<MimeEntity> entity = ParseEntity(bytes);
  if (!entity || (depth == 0 && !entity->has_mime_version)) return false;
  // The header sections of parts are body to SMTP; there is no way to encode them.
  ContentTraits header = InspectContent(entity->header);
  if (depth > 0 && (header.high_bytes > 0 || header.nul)) return false;
  return entity->type == "multipart" ? Multipart(*entity, depth) : Leaf(*entity, in_digest);
}

}  // namespace

std::optional<std::string> Reencode(std::string_view message) {
  if (message.size() > limits::kReencodeBytesMax) return std::nullopt;
  Walk walk;
  walk.out().reserve(message.size() + message.size() / 4);
  if (!walk.Entity(message, 0, false)) return std::nullopt;
  return std::move(walk.out());
}

}  // namespace ringpost::mail
