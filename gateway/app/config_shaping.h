// shaping.toml: the rules of traffic shaping as a file, and the one way to read it.
//
// SHAPING.md in this folder lists every key. Rules of an operator's file come before the built-in
// ones (shaping.toml in this folder), which hold beside them unless the file says builtin = false.
//
// Threads: plain functions; any.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/config.h"
#include "gateway/delivery/shaping.h"

namespace ringpost::app {

struct ShapingResult {
  std::shared_ptr<const delivery::ShapingTable> table;  // present where `errors` is empty
  std::vector<ConfigError> errors;                      // each with its file
  bool unreadable = false;                              // that is the error
  // All of them, a line each.
  std::string ErrorText() const;
};

// The rule that lies below all others: what ringpost.toml says in [delivery].
delivery::ShapingRule BaseShaping(const Config& config);

// Sans file system: `file` is for messages and for where values came from. At most
// limits::kConfigBytesMax bytes.
ShapingResult ParseShaping(std::string_view text, std::string_view file,
                           delivery::ShapingRule base);
// Reads and parses a file; "": the built-in rules alone.
ShapingResult LoadShaping(const std::string& path, delivery::ShapingRule base);

// The text of the built-in rules.
std::string_view BuiltInShaping();

}  // namespace ringpost::app
