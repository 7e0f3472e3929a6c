// DKIM over hostile messages. The body's hash against a relaxed form made line by line from the
// whole, however it is cut. The covered fields against what a verifier takes by their names, one
// after the other from the bottom (RFC 6376 section 5.4.2), read line by line. A signature against
// what its field, read again, says it is of.
//
// The first byte seeds the cuts; the first line behind it is "domain selector"; the rest is the
// message.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"
#include "gateway/mail/dkim_body_hash.h"
#include "gateway/mail/dkim_header.h"
#include "gateway/mail/dkim_signature.h"
#include "gateway/smtp/base64.h"

namespace ringpost::mail {
namespace {

DkimDigest Sha256Of(std::string_view text) {
  tls::Sha256 hash;
  hash.Update(text);
  return hash.Finish();
}

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

// The words of a line with one SP between them; one before the first where a blank was, if asked.
std::string Collapse(std::string_view line, bool keep_first) {
  std::string out;
  for (size_t at = 0; at < line.size();) {
    size_t end = at;
    while (end < line.size() && IsSpace(line[end]) == IsSpace(line[at])) ++end;
    if (!IsSpace(line[at])) {
      out += line.substr(at, end - at);
    } else if (end < line.size() && (at > 0 || keep_first)) {
      out += ' ';
    }
    at = end;
  }
  return out;
}

std::string RelaxedBody(std::string_view body) {
  std::vector<std::string> lines;
  while (!body.empty()) {
    size_t end = body.find("\r\n");
    lines.push_back(Collapse(body.substr(0, end), true));
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 2);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  std::string out;
  for (const std::string& line : lines) out += line + "\r\n";
  return out;
}

void CheckBody(std::string_view body, uint8_t seed) {
  DkimBodyHash whole, cut;
  whole.Update(body);
  Random random(seed);
  for (std::string_view rest = body; !rest.empty();) {
    size_t count = seed == 0 ? 1 : random.Below(rest.size() + 1);
    cut.Update(rest.substr(0, count));
    rest.remove_prefix(count);
  }
  DkimDigest digest = whole.Finish();
  RP_CHECK(digest == cut.Finish());
  RP_CHECK(digest == Sha256Of(RelaxedBody(body)));
}

struct Field {
  std::string name;  // lower case
  std::string relaxed;
};

// The name of the field that begins with this line.
std::optional<std::string> NameOf(std::string_view line) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view name = line.substr(0, colon);
  while (!name.empty() && IsSpace(name.back())) name.remove_suffix(1);
  bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    auto byte = static_cast<uint8_t>(c);
    return byte > 0x20 && byte < 0x7F;
  });
  return good ? std::optional(ToLower(name)) : std::nullopt;
}

std::vector<Field> Fields(std::string_view header) {
  std::vector<std::pair<std::string, std::string>> found;
  while (!header.empty()) {
    size_t end = std::min(header.find('\n'), header.size());
    std::string_view line = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    bool goes_on = !line.empty() && IsSpace(line[0]);
    if (goes_on && found.empty()) break;
    if (goes_on) {
      found.back().second += line;
      continue;
    }
    std::optional<std::string> name = NameOf(line);
    if (!name) break;
    found.emplace_back(*name, line.substr(line.find(':') + 1));
  }
  std::vector<Field> fields;
  for (const auto& [name, value] : found) {
    fields.push_back({name, name + ":" + Collapse(value, false) + "\r\n"});
  }
  return fields;
}

std::vector<std::string> Split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// What a verifier hashes for these names, and none of the ones that nobody may add is left over.
std::string CoveredBy(std::string_view names, std::vector<Field> fields) {
  std::string out;
  for (const std::string& name : Split(names, ':')) {
    auto last = std::find_if(fields.rbegin(), fields.rend(), [&name](const Field& field) {
      return EqualsIgnoreCase(field.name, name);
    });
    if (last == fields.rend()) continue;
    out += last->relaxed;
    fields.erase(std::next(last).base());
  }
  std::string all = ":" + ToLower(names) + ":";
  for (const Field& field : fields) RP_CHECK(all.find(":" + field.name + ":") == std::string::npos);
  return out;
}

std::string WithoutBlanks(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (!IsSpace(c) && c != '\r' && c != '\n') out += c;
  }
  return out;
}

const tls::DkimKey& TestKey() {
  static const auto key = *tls::DkimKey::FromDer(
      std::string("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16) +
      std::string(32, 'k'));
  return *key;
}

// One field as it goes out: its lines, and that it signs what it says.
void CheckSignature(std::string_view field, const std::string& covered, std::string_view names) {
  for (std::string_view rest = field; !rest.empty();) {
    size_t end = rest.find("\r\n");
    RP_CHECK(end != std::string_view::npos && end > 1 && end <= 300);
    rest.remove_prefix(end + 2);
  }
  size_t signature_at = field.rfind("\tb=") + 3;
  std::vector<Field> parsed = Fields(field.substr(0, signature_at));
  RP_CHECK(parsed.size() == 1 && parsed[0].name == "dkim-signature");
  std::string hashed = covered + parsed[0].relaxed;
  hashed.resize(hashed.size() - 2);
  std::string expected;
  smtp::AppendBase64(TestKey().SignDigest(Sha256Of(hashed)), &expected);
  RP_CHECK(WithoutBlanks(field.substr(signature_at)) == expected);
  RP_CHECK(WithoutBlanks(field).find(";h=" + std::string(names) + ";bh=") != std::string::npos);
}

void CheckSigning(std::string_view names, std::string_view message, uint8_t seed) {
  DkimHeader header;
  bool selected = SelectDkimFields(message, &header).ok();
  if (selected) RP_CHECK(header.canonical == CoveredBy(header.names, Fields(message)));

  size_t space = std::min(names.find(' '), names.size());
  DkimInput input;
  input.domain = names.substr(0, space);
  DkimSelector selectors[] = {{names.substr(std::min(space + 1, names.size())), &TestKey()},
                              {"other", &TestKey()}};
  input.header = message;
  input.selectors = {selectors, size_t{1} + (seed & 1)};
  input.now = WallFromMillis(1'764'000'000'000);
  input.lifetime = Seconds(seed & 2 ? 604'800 : 0);
  StatusOr<std::string> made = MakeDkimSignatures(input);
  bool good_names = IsDkimDomain(input.domain) && IsDkimSelector(selectors[0].name, input.domain) &&
                    !((seed & 1) && EqualsIgnoreCase(selectors[0].name, "other"));
  RP_CHECK(made.ok() == (selected && (good_names &&
                                      ((seed & 1) == 0 || IsDkimSelector("other", input.domain)))));
  if (!made.ok()) return;
  size_t second = made->find("\r\nDKIM-Signature:");
  RP_CHECK((second != std::string::npos) == ((seed & 1) != 0));
  size_t end = second == std::string::npos ? made->size() : second + 2;
  CheckSignature(std::string_view(*made).substr(0, end), header.canonical, header.names);
  if (end < made->size()) {
    CheckSignature(std::string_view(*made).substr(end), header.canonical, header.names);
  }
}

}  // namespace
}  // namespace ringpost::mail

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost::mail;
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string_view names = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(names.size() + 1, rest.size()));
  CheckBody(rest, data[0]);
  CheckSigning(names, rest, data[0]);
  return 0;
}
