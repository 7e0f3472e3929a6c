// bounce-classes.toml: the rules of mail/bounce_classes.h as their operator may edit them, and
// those that are compiled in (bounce-classes.toml beside this file, which says what a rule may
// have).
//
// Threads: functions; any.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/config.h"
#include "gateway/mail/bounce_classes.h"

namespace ringpost::app {

struct BounceClassesResult {
  std::shared_ptr<const mail::BounceClasses> classes;  // null where there are errors
  std::vector<ConfigError> errors;
};

// Sans file system. At most limits::kConfigBytesMax bytes; at most limits::kConfigErrorsMax errors
// are kept, each with its line and column.
BounceClassesResult ParseBounceClasses(std::string_view text);
// Errors are of one text, a line each, with the file's name: INVALID_ARGUMENT.
StatusOr<std::shared_ptr<const mail::BounceClasses>> LoadBounceClasses(const std::string& path);

// Those that are compiled in, and their text.
std::shared_ptr<const mail::BounceClasses> DefaultBounceClasses();
std::string_view DefaultBounceClassesText();

}  // namespace ringpost::app
