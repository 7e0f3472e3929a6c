// RecordReader: the members of one JSON object, read by name: types, bounds, words for what is
// wrong. The first error is kept; what is asked for afterwards is left as it is. Private to
// records.cc.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/status.h"
#include "gateway/identity/records.h"

namespace ringpost::identity {

inline constexpr std::pair<std::string_view, ListMode> kListModes[] = {
    {"off", ListMode::kOff}, {"allow", ListMode::kAllow}, {"block", ListMode::kBlock}};

class RecordReader {
 public:
  // `what`: "an account", for messages.
  RecordReader(const Json& object, std::string_view what);

  // Text of at most so many bytes, UTF-8, without control characters.
  void Text(std::string_view name, size_t bytes_max, std::string* to);
  void Number(std::string_view name, uint32_t max, uint32_t* to);
  void Flag(std::string_view name, bool* to);
  void Texts(std::string_view name, size_t count_max, std::vector<std::string>* to);
  void List(std::string_view name, ListRecord* to);
  void Rate(std::string_view name, RateLimit* to);
  void RampOf(std::string_view name, Ramp* to);
  template <typename T>
  void Choice(std::string_view name, std::span<const std::pair<std::string_view, T>> choices,
              T* to) {
    std::string text, all;
    const Json* value = Find(name);
    if (!value) return;
    if (const auto* given = value->get_ptr<const std::string*>()) text = *given;
    for (const auto& [word, meaning] : choices) {
      if (word == text) {
        *to = meaning;
        return;
      }
      all += (all.empty() ? "\"" : ", \"") + std::string(word) + "\"";
    }
    Fail(name, "is one of " + all);
  }
  void Fail(std::string_view name, const std::string& words);
  // Not OK: the first error, or a member that nobody asked for.
  Status Finish();

 private:
  const Json* Find(std::string_view name);  // null: not there, or null

  const Json& object_;
  std::string what_;
  std::set<std::string, std::less<>> asked_;
  Status status_;
};

}  // namespace ringpost::identity
