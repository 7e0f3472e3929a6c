#include "tests/unit/session/dkim_check.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "gateway/smtp/base64.h"
#include "gateway/tls/aead.h"

namespace ringpost::session {
namespace {

using Tags = std::map<std::string, std::string>;

struct Field {
  std::string name;   // in lower case
  std::string value;  // as it stands, without the last CRLF
};

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    size_t end = text.find("\r\n");
    lines.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? "" : text.substr(end + 2);
  }
  return lines;
}

std::vector<Field> FieldsOf(std::string_view message) {
  std::vector<Field> fields;
  for (std::string& line : Lines(message.substr(0, message.find("\r\n\r\n")))) {
    if (line[0] == ' ' || line[0] == '\t') {
      fields.back().value += "\r\n" + line;
      continue;
    }
    size_t colon = line.find(':');
    fields.push_back({Lower(line.substr(0, colon)), line.substr(colon + 1)});
  }
  return fields;
}

std::string WithoutSpace(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c); });
  return text;
}

Tags TagsOf(const Field& field) {
  Tags tags;
  std::istringstream all(field.value);
  for (std::string tag; std::getline(all, tag, ';');) {
    tag = WithoutSpace(tag);
    size_t equals = tag.find('=');
    if (equals != std::string::npos) tags[tag.substr(0, equals)] = tag.substr(equals + 1);
  }
  return tags;
}

// Runs of blanks become one; none is left at the end.
std::string Reduced(const std::string& line) {
  std::string text;
  for (char c : line) {
    bool blank = c == ' ' || c == '\t';
    if (!blank || text.empty() || text.back() != ' ') text += blank ? ' ' : c;
  }
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

std::string RelaxedField(const Field& field) {
  std::string value;
  for (const std::string& line : Lines(field.value)) value += line;
  value = Reduced(value);
  if (value.starts_with(' ')) value.erase(0, 1);
  return field.name + ":" + value;
}

std::string RelaxedBody(std::string_view body) {
  std::vector<std::string> lines;
  for (const std::string& line : Lines(body)) lines.push_back(Reduced(line));
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  std::string text;
  for (const std::string& line : lines) text += line + "\r\n";
  return text;
}

std::string Base64Of(std::string_view bytes) {
  std::string text;
  smtp::AppendBase64(bytes, &text);
  return text;
}

std::array<uint8_t, 32> Sha256Of(std::string_view text) {
  tls::Sha256 hash;
  hash.Update(text);
  return hash.Finish();
}

// RFC 6376 section 5.4.2: of several fields of a name, from the bottom up.
std::string HashedFields(std::vector<Field> fields, const std::string& names) {
  std::string text;
  std::istringstream all(names);
  for (std::string name; std::getline(all, name, ':');) {
    auto found = std::find_if(fields.rbegin(), fields.rend(),
                              [&](const Field& field) { return field.name == Lower(name); });
    if (found == fields.rend()) continue;
    text += RelaxedField(*found) + "\r\n";
    fields.erase(std::next(found).base());
  }
  return text;
}

}  // namespace

std::vector<Tags> DkimTags(std::string_view message) {
  std::vector<Tags> all;
  for (const Field& field : FieldsOf(message)) {
    if (field.name == "dkim-signature") all.push_back(TagsOf(field));
  }
  return all;
}

std::string WhatIsWrongWithDkim(std::string_view message, std::string_view domain,
                                std::string_view selector, const tls::DkimKey& key) {
  std::vector<Field> fields = FieldsOf(message);
  auto own = std::find_if(fields.begin(), fields.end(), [&](const Field& field) {
    return field.name == "dkim-signature" && TagsOf(field)["s"] == selector;
  });
  if (own == fields.end()) return "there is none of this selector";
  Tags tags = TagsOf(*own);
  if (tags["d"] != domain) return "it is of " + tags["d"];
  if (tags["a"] != key.algorithm()) return "it is " + tags["a"];
  if (tags["c"] != "relaxed/relaxed") return "its canonical form is " + tags["c"];
  auto body_hash = Sha256Of(RelaxedBody(message.substr(message.find("\r\n\r\n") + 4)));
  if (tags["bh"] != Base64Of({reinterpret_cast<char*>(body_hash.data()), body_hash.size()})) {
    return "the body's hash is another";
  }
  Field unsigned_field = *own;
  unsigned_field.value.resize(unsigned_field.value.rfind("b=") + 2);
  std::string hashed = HashedFields(fields, tags["h"]) + RelaxedField(unsigned_field);
  if (tags["b"] != Base64Of(key.SignDigest(Sha256Of(hashed)))) return "the signature is another";
  return "";
}

}  // namespace ringpost::session
