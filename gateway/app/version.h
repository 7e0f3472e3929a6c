// The version that ringpostd and ringpost say they are.
#pragma once

#include <string_view>

namespace ringpost::app {

inline constexpr std::string_view kVersion = RINGPOST_VERSION;

}  // namespace ringpost::app
