// The one bridge to absl::Status: errors at the edges of modules.
//
// Debian 12 builds abseil with its own string_view, so std::string_view does not convert to
// absl::string_view there: make and read statuses through these helpers, and keep absl's string
// type out of every interface. Protocol refusals are smtp::Reply values, never a Status.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ringpost {

using Status = absl::Status;
template <typename T>
using StatusOr = absl::StatusOr<T>;
using StatusCode = absl::StatusCode;

inline Status OkStatus() { return absl::OkStatus(); }
inline Status MakeStatus(StatusCode code, std::string_view message) {
  return Status(code, {message.data(), message.size()});
}
inline std::string_view MessageOf(const Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace ringpost
