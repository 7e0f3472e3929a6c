#include "gateway/base/log.h"

#include <charconv>

#include "gateway/base/text.h"

namespace ringpost {

LogLine::LogLine(WallTime now, std::string_view event) {
  line_.reserve(256);
  line_.append("{\"time\":\"").append(FormatRfc3339(now));
  line_.append("\",\"event\":\"").append(event).push_back('"');
}

LogLine& LogLine::Text(std::string_view name, std::string_view value) {
  line_.append(",\"").append(name).append("\":\"");
  AppendJsonEscaped(&line_, value);
  line_.push_back('"');
  return *this;
}

LogLine& LogLine::Number(std::string_view name, int64_t value) {
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  line_.append(",\"").append(name).append("\":").append(digits, end);
  return *this;
}

LogLine& LogLine::Flag(std::string_view name, bool value) {
  line_.append(",\"").append(name).append(value ? "\":true" : "\":false");
  return *this;
}

void LogLine::To(Log& log) {
  line_.push_back('}');
  log.Append(line_);
}

}  // namespace ringpost
