#include "gateway/mail/dkim_header.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <vector>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::mail {
namespace {

struct Covered {
  std::string_view name;
  bool once_more = false;  // named once more than it is there
};

// In the order of h=. The first six for their meaning (see the header); then those that RFC 6376
// section 5.4.1 recommends, those that say how the body is to be read, and Feedback-ID, by which
// mailbox providers attribute complaints and which they take only where it is signed.
constexpr Covered kCovered[] = {
    {"From", true},
    {"To", true},
    {"Subject", true},
    {"Date", true},
    {"List-Unsubscribe", true},
    {"List-Unsubscribe-Post", true},
    {"Sender"},
    {"Reply-To"},
    {"Cc"},
    {"Message-ID"},
    {"In-Reply-To"},
    {"References"},
    {"MIME-Version"},
    {"Content-Type"},
    {"Content-Transfer-Encoding"},
    {"Content-Disposition"},
    {"Content-ID"},
    {"Content-Description"},
    {"Resent-Date"},
    {"Resent-From"},
    {"Resent-Sender"},
    {"Resent-To"},
    {"Resent-Cc"},
    {"Resent-Message-ID"},
    {"List-Id"},
    {"List-Help"},
    {"List-Subscribe"},
    {"List-Post"},
    {"List-Owner"},
    {"List-Archive"},
    {"Feedback-ID"},
};
constexpr size_t kFrom = 0;

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

std::optional<size_t> CoveredIndex(std::string_view name) {
  for (size_t i = 0; i < std::size(kCovered); ++i) {
    if (EqualsIgnoreCase(name, kCovered[i].name)) return i;
  }
  return std::nullopt;
}

// The first line of `text`, its end included.
std::string_view FirstLine(std::string_view text) {
  return text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
}

std::string_view WithoutLineEnd(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

struct Found {
  size_t covered;  // index
  HeaderField field;
};

Status Refusal(std::string_view why) { return MakeStatus(StatusCode::kFailedPrecondition, why); }

void AppendName(std::string_view name, std::string* names) {
  if (!names->empty()) names->push_back(':');
  names->append(name);
}

}  // namespace

bool TakeHeaderField(std::string_view* header, HeaderField* field) {
  if (header->empty()) return false;
  std::string_view line = FirstLine(*header);
  size_t size = 0;
  while (size < line.size() && line[size] > 0x20 && line[size] < 0x7F && line[size] != ':') ++size;
  size_t colon = size;
  while (colon < line.size() && IsSpace(line[colon])) ++colon;
  if (size == 0 || colon == line.size() || line[colon] != ':') return false;
  size_t end = line.size();
  while (end < header->size() && IsSpace((*header)[end])) {
    end += FirstLine(header->substr(end)).size();
  }
  field->name = header->substr(0, size);
  field->value = WithoutLineEnd(header->substr(colon + 1, end - colon - 1));
  header->remove_prefix(end);
  return true;
}

void AppendRelaxedField(const HeaderField& field, std::string* out) {
  for (char c : field.name) out->push_back(AsciiLower(c));
  out->push_back(':');
  const size_t begin = out->size();
  bool space = false;
  std::string_view rest = field.value;
  while (!rest.empty()) {
    size_t size = 0;
    while (size < rest.size() && !IsSpace(rest[size]) && rest[size] != '\r' && rest[size] != '\n') {
      ++size;
    }
    // A CR that no LF follows is no line end but a byte of the value.
    if (size < rest.size() && rest[size] == '\r' && !rest.substr(size).starts_with("\r\n")) ++size;
    if (size > 0) {
      if (space && out->size() > begin) out->push_back(' ');
      out->append(rest.substr(0, size));
      space = false;
    } else {
      space = space || IsSpace(rest[0]);
      size = 1;
    }
    rest.remove_prefix(size);
  }
  out->append("\r\n");
}

Status SelectDkimFields(std::string_view header, DkimHeader* selected) {
  if (header.size() > limits::kHeaderSectionBytesMax) return Refusal("the header is too long");
  std::vector<Found> found;
  std::array<size_t, std::size(kCovered)> counts{};
  HeaderField field;
  // What the relaxed form may take: no more than the field, but for a line end of its own.
  size_t bytes = 0;
  while (TakeHeaderField(&header, &field)) {
    std::optional<size_t> covered = CoveredIndex(field.name);
    if (!covered) continue;
    if (found.size() == limits::kDkimSignedFieldsMax) return Refusal("too many fields to cover");
    found.push_back({*covered, field});
    ++counts[*covered];
    bytes += field.name.size() + field.value.size() + sizeof ":\r\n";
  }
  if (counts[kFrom] != 1) {
    return Refusal(counts[kFrom] == 0 ? "there is no From field" : "there are several From fields");
  }
  ReserveWiped(&selected->canonical, bytes);
  for (size_t i = 0; i < std::size(kCovered); ++i) {
    for (size_t n = 0; n < counts[i] + kCovered[i].once_more; ++n) {
      AppendName(kCovered[i].name, &selected->names);
    }
    if (counts[i] == 0) continue;
    for (auto at = found.rbegin(); at != found.rend(); ++at) {
      if (at->covered == i) AppendRelaxedField(at->field, &selected->canonical);
    }
  }
  return OkStatus();
}

}  // namespace ringpost::mail
