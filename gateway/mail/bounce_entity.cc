#include "gateway/mail/bounce_entity.h"

#include <algorithm>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/mail/bounce_limits.h"

namespace ringpost::mail {
namespace {

bool IsNameChar(char c) { return c > 0x20 && c < 0x7F && c != ':'; }

// The bytes of the name of the field that `line` begins; 0: it is no field.
size_t NameBytes(std::string_view line) {
  size_t size = 0;
  while (size < line.size() && IsNameChar(line[size])) ++size;
  size_t colon = size;
  while (colon < line.size() && (line[colon] == ' ' || line[colon] == '\t')) ++colon;
  return colon < line.size() && line[colon] == ':' ? size : 0;
}

void AppendCut(std::string_view text, std::string* to) {
  to->append(text.substr(
      0, limits::kBounceFieldBytesMax - std::min(limits::kBounceFieldBytesMax, to->size())));
}

bool IsBlank(std::string_view line) { return TrimSpace(line).empty(); }

// One parameter off `*rest`, which begins behind a ';'. False: no more can be read.
bool TakeParameter(std::string_view* rest, std::string* name, std::string* value) {
  size_t equals = rest->find('=');
  if (equals == std::string_view::npos) return false;
  *name = ToLower(TrimSpace(rest->substr(0, equals)));
  rest->remove_prefix(equals + 1);
  *rest = TrimSpace(*rest);
  value->clear();
  if (!rest->starts_with('"')) {
    size_t end = std::min(rest->find(';'), rest->size());
    *value = TrimSpace(rest->substr(0, end));
    rest->remove_prefix(std::min(end + 1, rest->size()));
    return true;
  }
  size_t at = 1;
  for (; at < rest->size() && (*rest)[at] != '"'; ++at) {
    if ((*rest)[at] == '\\' && at + 1 < rest->size()) ++at;
    value->push_back((*rest)[at]);
  }
  size_t end = std::min(rest->find(';', std::min(at, rest->size())), rest->size());
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return true;
}

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  char lower = AsciiLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

void AppendUnquoted(std::string_view line, std::string* out) {
  line = line.substr(0, line.find_last_not_of(" \t") + 1);
  bool soft = line.ends_with('=');
  if (soft) line.remove_suffix(1);
  for (size_t at = 0; at < line.size(); ++at) {
    int high = -1, low = -1;
    if (line[at] == '=' && at + 2 < line.size()) {
      high = HexDigit(line[at + 1]);
      low = HexDigit(line[at + 2]);
    }
    if (high >= 0 && low >= 0) {
      out->push_back(static_cast<char>(high * 16 + low));
      at += 2;
    } else {
      out->push_back(line[at]);
    }
  }
  if (!soft) out->push_back('\n');
}

std::string DecodeBase64(std::string_view text) {
  std::string out;
  out.reserve(text.size());  // once, so that nothing is left behind unwiped
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                : c >= 'a' && c <= 'z' ? c - 'a' + 26
                : IsDigit(c)           ? c - '0' + 52
                : c == '+'             ? 62
                : c == '/'             ? 63
                                       : -1;
    if (c == '=') break;
    if (value < 0) continue;
    bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xFFFFFF;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return out;
}

// Whether `line` is the boundary, or closes it.
enum class Fence : uint8_t { kNone, kNext, kLast };
Fence FenceOf(std::string_view line, std::string_view boundary) {
  if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) return Fence::kNone;
  std::string_view rest = TrimSpace(line.substr(2 + boundary.size()));
  return rest.empty() ? Fence::kNext : rest == "--" ? Fence::kLast : Fence::kNone;
}

// What is between the fences of `body`; without a last one, up to the end.
std::vector<std::string_view> SplitParts(std::string_view body, std::string_view boundary) {
  std::vector<std::string_view> parts;
  const char* begin = nullptr;
  std::string_view rest = body, line;
  const char* line_at = rest.data();
  while (parts.size() < limits::kBouncePartsMax && TakeLine(&rest, &line)) {
    Fence fence = FenceOf(line, boundary);
    if (fence != Fence::kNone) {
      if (begin) parts.emplace_back(begin, static_cast<size_t>(line_at - begin));
      begin = fence == Fence::kNext ? rest.data() : nullptr;
      if (fence == Fence::kLast) return parts;
    }
    line_at = rest.data();
  }
  if (begin && parts.size() < limits::kBouncePartsMax) {
    parts.emplace_back(begin, static_cast<size_t>(body.data() + body.size() - begin));
  }
  return parts;
}

}  // namespace

bool TakeLine(std::string_view* text, std::string_view* line) {
  if (text->empty()) return false;
  size_t end = std::min(text->find('\n'), text->size());
  *line = text->substr(0, end);
  if (line->ends_with('\r')) line->remove_suffix(1);
  text->remove_prefix(std::min(end + 1, text->size()));
  return true;
}

BounceFields BounceFields::Take(std::string_view* text, bool strict) {
  BounceFields result;
  bool keeping = false;
  std::string_view line, before = *text;
  while (TakeLine(text, &line)) {
    if (IsBlank(line)) break;
    bool folded = line[0] == ' ' || line[0] == '\t';
    size_t name = folded ? 0 : NameBytes(line);
    if (folded && keeping) {
      std::string& value = result.fields_.back().value;
      if (!value.empty()) AppendCut(" ", &value);
      AppendCut(TrimSpace(line), &value);
    } else if (name > 0) {
      keeping = result.fields_.size() < limits::kBounceFieldsMax;
      if (keeping) {
        result.fields_.push_back({line.substr(0, name), ""});
        AppendCut(TrimSpace(line.substr(line.find(':') + 1)), &result.fields_.back().value);
      }
    } else if (strict && !folded) {
      *text = before;
      break;
    }
    before = *text;
  }
  return result;
}

std::string_view BounceFields::Get(std::string_view name) const {
  for (const Field& field : fields_) {
    if (EqualsIgnoreCase(field.name, name)) return field.value;
  }
  return {};
}

bool BounceFields::Has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [&](const Field& field) { return EqualsIgnoreCase(field.name, name); });
}

std::string WithoutComments(std::string_view value) {
  std::string out;
  size_t depth = 0;
  bool quoted = false;
  for (size_t at = 0; at < value.size(); ++at) {
    char c = value[at];
    bool pair = c == '\\' && at + 1 < value.size() && (quoted || depth > 0);
    if (depth == 0 && c == '"') quoted = !quoted;
    if (!quoted && !pair && c == '(') {
      ++depth;
    } else if (depth == 0) {
      out.push_back(c);
      if (pair) out.push_back(value[at + 1]);
    } else if (c == ')') {
      --depth;
    }
    if (pair) ++at;
  }
  return std::string(TrimSpace(out));
}

BounceType ReadBounceType(std::string_view value) {
  BounceType result;
  const std::string plain = WithoutComments(value);
  std::string_view rest = plain;
  size_t end = std::min(rest.find(';'), rest.size());
  result.type = ToLower(TrimSpace(rest.substr(0, end)));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  std::string name, parameter;
  while (TakeParameter(&rest, &name, &parameter)) {
    if (name == "boundary" && result.boundary.empty()) result.boundary = parameter;
    if (name == "report-type") result.report_type = ToLower(parameter);
  }
  return result;
}

std::vector<BouncePart> BounceParts(BounceFields fields, std::string_view body) {
  struct Pending {
    BouncePart part;
    size_t depth;
  };
  std::vector<BouncePart> leaves;
  std::vector<Pending> stack;  // the next one last
  BounceType type = ReadBounceType(fields.Get("Content-Type"));
  stack.push_back({{std::move(fields), std::move(type), body}, 0});
  size_t seen = 0;
  while (!stack.empty() && leaves.size() < limits::kBouncePartsMax) {
    Pending next = std::move(stack.back());
    stack.pop_back();
    const BounceType& its = next.part.type;
    bool tree = its.type.starts_with("multipart/") && !its.boundary.empty();
    if (!tree || next.depth >= limits::kBounceDepthMax) {
      leaves.push_back(std::move(next.part));
      continue;
    }
    std::vector<std::string_view> parts = SplitParts(next.part.body, its.boundary);
    if (seen + parts.size() > limits::kBouncePartsMax) parts.resize(limits::kBouncePartsMax - seen);
    seen += parts.size();
    for (size_t at = parts.size(); at-- > 0;) {
      BouncePart part;
      std::string_view text = parts[at];
      part.fields = BounceFields::Take(&text, true);
      part.type = ReadBounceType(part.fields.Get("Content-Type"));
      if (part.type.type.empty()) {
        part.type.type = its.type == "multipart/digest" ? "message/rfc822" : "text/plain";
      }
      part.body = text;
      stack.push_back({std::move(part), next.depth + 1});
    }
  }
  return leaves;
}

std::string DecodedBody(const BouncePart& part) {
  const std::string encoding =
      ToLower(WithoutComments(part.fields.Get("Content-Transfer-Encoding")));
  std::string_view body = part.body.substr(0, limits::kBounceDecodedBytesMax);
  if (encoding == "base64") return DecodeBase64(body);
  if (encoding != "quoted-printable") return std::string(body);
  std::string out;
  out.reserve(body.size() + 1);  // as above
  std::string_view line;
  while (TakeLine(&body, &line)) AppendUnquoted(line, &out);
  return out;
}

}  // namespace ringpost::mail
