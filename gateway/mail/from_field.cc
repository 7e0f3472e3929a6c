#include "gateway/mail/from_field.h"

#include <utility>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/address.h"

namespace ringpost::mail {
namespace {

constexpr smtp::AddressRules kRules{.strict = false, .allow_utf8 = true};

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

// What cannot stand in an atom (RFC 5322 section 3.2.3); the dot may, as it does in addresses and
// in display names as they are.
bool IsSpecial(char c) {
  return std::string_view("()<>[]:;@\\,\"").find(c) != std::string_view::npos;
}
bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// RFC 5322 section 3.2 and 3.4, read by hand: each function moves over what it names, and is false
// where that is not there.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  FromProblem List(std::vector<std::string>* addresses);

 private:
  bool Element();
  bool Group();
  bool Angle(std::string_view name);
  bool Route();
  bool Domain(std::string* address);
  bool Comments();
  bool Comment();
  bool Word(std::string* out);
  bool Quoted(std::string* out);
  bool Literal(std::string* out);
  bool Words(std::string* last, size_t* count);
  bool Take(char c);
  bool AtEnd() const { return at_ == text_.size(); }
  char Next() const { return AtEnd() ? '\0' : text_[at_]; }
  bool Add(std::string address);

  std::string_view text_;
  size_t at_ = 0;
  bool in_group_ = false;
  bool too_many_ = false;
  std::vector<std::string> found_;
};

bool Reader::Take(char c) {
  if (Next() != c || AtEnd()) return false;
  ++at_;
  return true;
}

bool Reader::Add(std::string address) {
  if (!smtp::ParseMailbox(address, kRules)) return false;
  too_many_ = found_.size() == limits::kFromAddressesMax;
  if (!too_many_) found_.push_back(std::move(address));
  return !too_many_;
}

// CFWS. False: a comment that does not end, or is nested too deep.
bool Reader::Comments() {
  while (true) {
    while (IsSpace(Next())) ++at_;
    if (Next() != '(') return true;
    if (!Comment()) return false;
  }
}

bool Reader::Comment() {
  uint32_t depth = 0;
  for (; !AtEnd(); ++at_) {
    char c = text_[at_];
    if (c == '(' && ++depth > limits::kCommentDepthMax) return false;
    if (c == ')' && --depth == 0) {
      ++at_;
      return true;
    }
    if (c == '\\' && ++at_ == text_.size()) return false;
  }
  return false;
}

bool Reader::Quoted(std::string* out) {
  size_t begin = at_;
  for (++at_; !AtEnd(); ++at_) {
    char c = text_[at_];
    if (c == '"') {
      ++at_;
      out->append(text_.substr(begin, at_ - begin));
      return true;
    }
    if (IsControl(c) || (c == '\\' && ++at_ == text_.size())) return false;
  }
  return false;
}

// An atom, dots and UTF-8 included, or a quoted string.
bool Reader::Word(std::string* out) {
  if (Next() == '"') return Quoted(out);
  size_t begin = at_;
  while (!AtEnd() && !IsSpace(text_[at_]) && !IsSpecial(text_[at_]) && !IsControl(text_[at_]))
    ++at_;
  out->append(text_.substr(begin, at_ - begin));
  return at_ > begin;
}

bool Reader::Literal(std::string* out) {
  size_t end = text_.find(']', at_);
  if (end == std::string_view::npos) return false;
  out->append(text_.substr(at_, end + 1 - at_));
  at_ = end + 1;
  return true;
}

// "@" and a domain behind a local part. Within either nothing may stand: readers differ over that.
bool Reader::Domain(std::string* address) {
  if (!Take('@') || !Comments()) return false;
  address->push_back('@');
  bool domain = Next() == '[' ? Literal(address) : Next() != '"' && Word(address);
  return domain && Comments();
}

// "@a,@b:" before the address (RFC 5322 section 4.4): of no meaning any more.
bool Reader::Route() {
  std::string ignored;
  while (Next() == '@' || Next() == ',') {
    if (Take('@') && (!Comments() || !Word(&ignored))) return false;
    if (Next() == ',') ++at_;
    if (!Comments()) return false;
  }
  return Take(':');
}

// "<" address ">", behind a display name. One that looks like an address must be that address.
bool Reader::Angle(std::string_view name) {
  std::string address;
  if (!Take('<') || !Comments() || (Next() == '@' && !Route())) return false;
  if (!Comments() || !Word(&address) || !Comments() || !Domain(&address)) return false;
  if (!Take('>') || !Comments()) return false;
  if (!name.empty() && !EqualsIgnoreCase(name, address)) return false;
  return Add(std::move(address));
}

// A display name, or the local part of a bare address, which is one word.
bool Reader::Words(std::string* last, size_t* count) {
  for (*count = 0;; ++*count) {
    if (!Comments()) return false;
    std::string word;
    size_t before = at_;
    if (!Word(&word)) return at_ == before;  // else a string without end
    *last = std::move(word);
  }
}

bool Reader::Group() {
  if (std::exchange(in_group_, true)) return false;  // RFC 5322 section 3.4: not within another
  if (!Take(':')) return false;
  while (true) {
    if (!Comments()) return false;
    if (Take(';')) break;
    if (Take(',')) continue;
    if (AtEnd() || !Element()) return false;
    if (Next() != ',' && Next() != ';') return false;
  }
  in_group_ = false;
  return Comments();
}

// A mailbox or a group.
bool Reader::Element() {
  std::string address;
  size_t words = 0;
  if (!Words(&address, &words)) return false;
  if (Next() == '<') return Angle("");
  if (Next() == ':') return words > 0 && Group();
  if (words != 1 || !Domain(&address)) return false;
  return Next() == '<' ? Angle(address) : Add(std::move(address));
}

FromProblem Reader::List(std::vector<std::string>* addresses) {
  while (true) {
    if (!Comments()) return FromProblem::kMalformed;
    if (AtEnd()) break;
    if (Take(',')) continue;
    if (!Element()) return too_many_ ? FromProblem::kTooLong : FromProblem::kMalformed;
    if (!AtEnd() && Next() != ',') return FromProblem::kMalformed;
  }
  if (found_.empty()) return FromProblem::kNoAddress;
  *addresses = std::move(found_);
  return FromProblem::kNone;
}

}  // namespace

std::string_view FromProblemWords(FromProblem problem) {
  switch (problem) {
    case FromProblem::kNone:
      return "has a From field";
    case FromProblem::kMissing:
      return "has no From field";
    case FromProblem::kSeveralFields:
      return "has more than one From field";
    case FromProblem::kNoAddress:
      return "has a From field without an address";
    case FromProblem::kMalformed:
      return "has a From field that cannot be read without doubt";
    case FromProblem::kTooLong:
      return "has a From field that is too long, or in lines of more than 998 characters";
  }
  return "";
}

FromAddresses ReadFromField(std::string_view value) {
  FromAddresses from;
  if (value.size() > limits::kFromFieldBytesMax) {
    from.problem = FromProblem::kTooLong;
    return from;
  }
  from.problem = Reader(value).List(&from.addresses);
  return from;
}

FromAddresses ReadFrom(const HeaderSummary& headers) {
  FromAddresses from;
  if (headers.from_count == 0) {
    from.problem = FromProblem::kMissing;
  } else if (headers.from_count > 1) {
    from.problem = FromProblem::kSeveralFields;
  } else if (headers.from_cut) {
    from.problem = FromProblem::kTooLong;
  } else {
    return ReadFromField(headers.from);
  }
  return from;
}

}  // namespace ringpost::mail
