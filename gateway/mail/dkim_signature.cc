#include "gateway/mail/dkim_signature.h"

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/mail/dkim_header.h"
#include "gateway/smtp/base64.h"

namespace ringpost::mail {
namespace {

constexpr std::string_view kFieldName = "DKIM-Signature";
// RFC 5322 section 2.1.1: what lines should keep to, without CRLF.
constexpr size_t kLineBytesMax = 78;
// RFC 1035 section 2.3.4.
constexpr size_t kLabelBytesMax = 63;

// The labels of `name`; 0: it is no domain name of A-labels.
size_t CountLabels(std::string_view name) {
  size_t labels = 0;
  while (true) {
    std::string_view label = name.substr(0, name.find('.'));
    bool fits = !label.empty() && label.size() <= kLabelBytesMax && label.front() != '-' &&
                label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
                  return IsAlpha(c) || IsDigit(c) || c == '-';
                });
    if (!fits) return 0;
    ++labels;
    if (label.size() == name.size()) return labels;
    name.remove_prefix(label.size() + 1);
  }
}

std::string Base64(std::string_view bytes) {
  std::string text;
  smtp::AppendBase64(bytes, &text);
  return text;
}

// A field that grows from the left, and goes on in a new line where the next word does not fit.
class Folded {
 public:
  explicit Folded(std::string_view name) : text_(std::string(name) + ":") {}

  // A tag, with white space before it.
  void AddTag(std::string_view tag) {
    bool fits = line_bytes() + 1 + tag.size() <= kLineBytesMax;
    text_.append(fits ? " " : "\r\n\t").append(tag);
    if (!fits) BeginLine(tag.size());
  }
  // More of the last tag's value, where white space may stand.
  void AddPiece(std::string_view piece) {
    if (line_bytes() + piece.size() > kLineBytesMax) NewLine();
    text_.append(piece);
  }
  // The same of a value that may be cut anywhere.
  void AddBytes(std::string_view bytes) {
    while (!bytes.empty()) {
      if (line_bytes() >= kLineBytesMax) NewLine();
      std::string_view part = bytes.substr(0, kLineBytesMax - line_bytes());
      text_.append(part);
      bytes.remove_prefix(part.size());
    }
  }
  void NewLine() {
    text_.append("\r\n\t");
    BeginLine(0);
  }
  // The field so far, without CRLF at its end.
  const std::string& text() const { return text_; }
  std::string_view value() const { return std::string_view(text_).substr(kFieldName.size() + 1); }

 private:
  size_t line_bytes() const { return text_.size() - line_at_; }
  // The line began with a tab before the last `bytes`.
  void BeginLine(size_t bytes) { line_at_ = text_.size() - bytes - 1; }

  std::string text_;
  size_t line_at_ = 0;
};

// All of the field but the signature itself: b= is there and empty, as it is hashed (RFC 6376
// section 3.7).
Folded MakeUnsigned(const DkimInput& input, const DkimSelector& selector, std::string_view names) {
  const int64_t now = ToMillis(input.now) / 1000;
  auto tag = [](std::string_view name, std::string_view value) {
    return std::string(name).append("=").append(value).append(";");
  };
  Folded field(kFieldName);
  field.AddTag("v=1;");
  field.AddTag(tag("a", selector.key->algorithm()));
  field.AddTag("c=relaxed/relaxed;");
  field.AddTag(tag("d", input.domain));
  field.AddTag(tag("s", selector.name));
  field.AddTag(tag("t", std::to_string(now)));
  if (input.lifetime.count() > 0) {
    field.AddTag(tag("x", std::to_string(now + input.lifetime.count())));
  }
  bool first = true;
  while (!names.empty()) {
    size_t size = std::min(names.find(':'), names.size() - 1) + 1;
    std::string name(names.substr(0, size));
    names.remove_prefix(size);
    if (names.empty()) name.push_back(';');
    if (first) {
      field.NewLine();
      name.insert(0, "h=");
    }
    field.AddPiece(name);
    first = false;
  }
  const auto& hash = input.body_hash;
  field.AddTag(tag("bh", Base64({reinterpret_cast<const char*>(hash.data()), hash.size()})));
  field.NewLine();
  field.AddPiece("b=");
  return field;
}

// RFC 6376 section 3.7: the covered fields, then this one without the CRLF at its end.
DkimDigest DigestOf(std::string_view covered, const Folded& field) {
  std::string relaxed;
  AppendRelaxedField({kFieldName, field.value()}, &relaxed);
  relaxed.resize(relaxed.size() - 2);
  tls::Sha256 hash;
  hash.Update(covered);
  hash.Update(relaxed);
  return hash.Finish();
}

Status CheckNames(const DkimInput& input) {
  if (!IsDkimDomain(input.domain)) {
    return MakeStatus(StatusCode::kInvalidArgument, "not a domain to sign for");
  }
  for (const DkimSelector& selector : input.selectors) {
    if (!IsDkimSelector(selector.name, input.domain)) {
      return MakeStatus(StatusCode::kInvalidArgument, "not a selector of that domain");
    }
  }
  if (input.selectors.size() == 2 &&
      EqualsIgnoreCase(input.selectors[0].name, input.selectors[1].name)) {
    return MakeStatus(StatusCode::kInvalidArgument, "two keys under one selector");
  }
  return OkStatus();
}

}  // namespace

bool IsDkimDomain(std::string_view domain) {
  return domain.size() <= limits::kDkimKeyNameBytesMax && CountLabels(domain) >= 2;
}

bool IsDkimSelector(std::string_view selector, std::string_view domain) {
  constexpr std::string_view kBetween = "._domainkey.";
  return selector.size() + kBetween.size() + domain.size() <= limits::kDkimKeyNameBytesMax &&
         CountLabels(selector) >= 1;
}

StatusOr<std::string> MakeDkimSignatures(const DkimInput& input) {
  RP_CHECK(input.selectors.size() == 1 || input.selectors.size() == 2);
  if (Status status = CheckNames(input); !status.ok()) return status;
  DkimHeader header;
  if (Status status = SelectDkimFields(input.header, &header); !status.ok()) return status;
  std::string fields;
  for (const DkimSelector& selector : input.selectors) {
    Folded field = MakeUnsigned(input, selector, header.names);
    field.AddBytes(Base64(selector.key->SignDigest(DigestOf(header.canonical, field))));
    fields.append(field.text()).append("\r\n");
  }
  return fields;
}

}  // namespace ringpost::mail
