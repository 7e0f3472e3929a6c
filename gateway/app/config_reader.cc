#include "gateway/app/config_reader.h"

#include <algorithm>

#include "gateway/app/config_text.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/base/units.h"

namespace ringpost::app {
namespace {

std::string_view TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a decimal number";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

}  // namespace

std::string Quoted(std::string_view value) {
  std::string text = "\"" + Printable(value, limits::kConfigQuotedBytesMax);
  return text + (value.size() > limits::kConfigQuotedBytesMax ? "...\"" : "\"");
}

void ErrorList::Add(const toml::source_position& at, std::string_view key, std::string words) {
  if (errors_.size() >= limits::kConfigErrorsMax) return;
  errors_.push_back({at.line, at.column, std::string(key), std::move(words)});
}

std::string TableReader::Path(std::string_view key) const {
  std::string printable = Printable(key, limits::kConfigQuotedBytesMax);
  return path_.empty() ? printable : path_ + "." + printable;
}

const toml::node* TableReader::Find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  return table_ ? table_->get(key) : nullptr;
}

void TableReader::ErrorAt(const toml::node& node, std::string_view key, std::string words) {
  errors_->Add(node.source().begin, Path(key), std::move(words));
}

void TableReader::Error(std::string_view key, std::string words) {
  const toml::node* node = table_ ? table_->get(key) : nullptr;
  toml::source_position at{};
  if (node) {
    at = node->source().begin;
  } else if (table_) {
    at = table_->source().begin;
  }
  errors_->Add(at, Path(key), std::move(words));
}

void TableReader::Required(std::string_view key, std::string_view what) {
  if (!Find(key)) Error(key, "is missing: " + std::string(what));
}

void TableReader::WrongType(const toml::node& node, std::string_view key, std::string_view wanted) {
  ErrorAt(node, key, "expects " + std::string(wanted) + ", not " + std::string(TypeName(node)));
}

bool TableReader::Text(std::string_view key, std::string* to) {
  const toml::node* node = Find(key);
  if (!node) return false;
  const toml::value<std::string>* value = node->as_string();
  if (!value) {
    WrongType(*node, key, "a string");
    return false;
  }
  if (value->get().find('\0') != std::string::npos) {
    ErrorAt(*node, key, "has a NUL character, which no value may have");
    return false;
  }
  *to = value->get();
  return true;
}

bool TableReader::Flag(std::string_view key, bool* to) {
  const toml::node* node = Find(key);
  if (!node) return false;
  const toml::value<bool>* value = node->as_boolean();
  if (!value) {
    WrongType(*node, key, "true or false");
    return false;
  }
  *to = value->get();
  return true;
}

bool TableReader::Integer(std::string_view key, uint64_t least, uint64_t most, uint32_t* to) {
  const toml::node* node = Find(key);
  if (!node) return false;
  std::string wanted = "an integer from " + std::to_string(least) + " to " + std::to_string(most);
  const toml::value<int64_t>* value = node->as_integer();
  if (!value) {
    WrongType(*node, key, wanted);
    return false;
  }
  int64_t number = value->get();
  if (number < 0 || static_cast<uint64_t>(number) < least || static_cast<uint64_t>(number) > most) {
    ErrorAt(*node, key, "expects " + wanted + ", not " + std::to_string(number));
    return false;
  }
  *to = static_cast<uint32_t>(number);
  return true;
}

bool TableReader::Bytes(std::string_view key, uint64_t least, uint64_t most, uint64_t* to) {
  const toml::node* node = Find(key);
  if (!node) return false;
  std::string wanted = "a size from " + FormatBytes(least) + " to " + FormatBytes(most) +
                       ", in bytes or as \"64 KiB\", \"50 MiB\", \"2 GiB\"";
  std::optional<uint64_t> bytes;
  if (const auto* number = node->as_integer()) {
    if (number->get() >= 0) bytes = static_cast<uint64_t>(number->get());
  } else if (const auto* text = node->as_string()) {
    bytes = ParseBytes(text->get());
  } else {
    WrongType(*node, key, wanted);
    return false;
  }
  if (!bytes || *bytes < least || *bytes > most) {
    ErrorAt(*node, key, "expects " + wanted);
    return false;
  }
  *to = *bytes;
  return true;
}

bool TableReader::Duration(std::string_view key, Millis least, Millis most, Millis* to) {
  const toml::node* node = Find(key);
  if (!node) return false;
  std::string wanted = "a time from \"" + FormatDuration(least) + "\" to \"" +
                       FormatDuration(most) + "\": whole numbers with d, h, m, s or ms";
  const toml::value<std::string>* text = node->as_string();
  if (!text) {
    WrongType(*node, key, wanted);
    return false;
  }
  std::optional<Millis> duration = ParseDuration(text->get());
  if (!duration || *duration < least || *duration > most) {
    ErrorAt(*node, key, "expects " + wanted + ", not " + Quoted(text->get()));
    return false;
  }
  *to = *duration;
  return true;
}

bool TableReader::Choice(std::string_view key, std::span<const std::string_view> choices,
                         size_t* to) {
  std::string text;
  if (!Text(key, &text)) return false;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] != text) continue;
    *to = i;
    return true;
  }
  std::string words = "expects " + JoinOr(choices) + ", not " + Quoted(text);
  std::string_view near = Nearest(text, choices);
  if (!near.empty()) words += "; did you mean \"" + std::string(near) + "\"?";
  Error(key, std::move(words));
  return false;
}

bool TableReader::Texts(std::string_view key, size_t most, const ParseFn& parse) {
  const toml::node* node = Find(key);
  if (!node) return false;
  auto take = [&](const toml::node& item) {
    const toml::value<std::string>* text = item.as_string();
    if (!text) {
      WrongType(item, key, "a string or a list of strings");
      return false;
    }
    std::optional<std::string> wrong = parse(text->get());
    if (wrong) ErrorAt(item, key, std::move(*wrong));
    return !wrong;
  };
  const toml::array* list = node->as_array();
  if (!list) return take(*node);
  if (list->size() > most) {
    ErrorAt(*node, key,
            "has " + std::to_string(list->size()) + " entries; at most " + std::to_string(most) +
                " are allowed");
    return false;
  }
  bool good = true;
  for (const toml::node& item : *list) good = take(item) && good;
  return good;
}

void TableReader::Finish() {
  if (!table_) return;
  for (const auto& [key, node] : *table_) {
    std::string_view name = key.str();
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::string words = "unknown key; ";
    std::string_view near = Nearest(name, known_);
    if (!near.empty()) words += "did you mean \"" + std::string(near) + "\"? ";
    words += path_.empty() ? "the file may have " : "[" + path_ + "] takes ";
    words += JoinOr(known_);
    errors_->Add(key.source().begin, Path(name), std::move(words));
  }
}

}  // namespace ringpost::app
