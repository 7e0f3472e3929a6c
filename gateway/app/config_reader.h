// TableReader: reads one TOML table: values with their bounds, and at the end the keys nobody asked
// for.
//
// Every trouble becomes a ConfigError with line, column, key, the accepted values and, for a
// misspelt key, the one that was probably meant; reading goes on with the default, so that one look
// shows all errors.
//
// Private to config_*.cc: the only file that includes toml++ headers.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/config.h"

namespace ringpost::app {

// Where errors gather; at most limits::kConfigErrorsMax are kept.
class ErrorList {
 public:
  void Add(const toml::source_position& at, std::string_view key, std::string words);
  std::vector<ConfigError> Take() { return std::move(errors_); }

 private:
  std::vector<ConfigError> errors_;
};

class TableReader {
 public:
  // `table` may be null (an absent section): every key has its default then. `path` is the prefix
  // in messages: "listener". `table` and `errors` outlive the reader.
  TableReader(const toml::table* table, std::string path, ErrorList* errors)
      : table_(table), path_(std::move(path)), errors_(errors) {}

  // Each reads the value of a key into `to`, or leaves `to` as it is where the key is absent or
  // wrong. True: it was there and right.
  bool Text(std::string_view key, std::string* to);
  bool Flag(std::string_view key, bool* to);
  bool Integer(std::string_view key, uint64_t least, uint64_t most, uint32_t* to);
  bool Bytes(std::string_view key, uint64_t least, uint64_t most, uint64_t* to);
  bool Duration(std::string_view key, Millis least, Millis most, Millis* to);
  // One of `choices`; `to` becomes its index.
  bool Choice(std::string_view key, std::span<const std::string_view> choices, size_t* to);
  // One string, or a list of at most `most`; `parse` returns what is wrong with one, or nothing.
  using ParseFn = std::function<std::optional<std::string>(std::string_view text)>;
  bool Texts(std::string_view key, size_t most, const ParseFn& parse);

  // Notes that `key` exists, for Finish; its node, or null.
  const toml::node* Find(std::string_view key);
  void Error(std::string_view key, std::string words);  // at the key's value, or at the table
  void ErrorAt(const toml::node& node, std::string_view key, std::string words);
  void Required(std::string_view key, std::string_view what);

  // Unknown keys become errors.
  void Finish();
  const std::string& path() const { return path_; }
  ErrorList* errors() { return errors_; }

 private:
  std::string Path(std::string_view key) const;
  void WrongType(const toml::node& node, std::string_view key, std::string_view wanted);

  const toml::table* table_;
  std::string path_;
  ErrorList* errors_;
  std::vector<std::string_view> known_;  // literals
};

// A value as it is quoted in messages: printable, cut.
std::string Quoted(std::string_view value);

}  // namespace ringpost::app
