// Finds the bench id and the subject in a message's header section, fed in pieces as they arrive.
//
// Looks only at the start of each line; folded fields do not concern it (load never folds these
// two). A line or a section longer than the bounds below ends the search, not the message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ringpost::bench {

class HeaderScanner {
 public:
  void Reset();
  // Message bytes in order. Does nothing once the header section is over.
  void Feed(std::string_view bytes);
  bool done() const { return done_; }
  // Empty when the message had none.
  const std::string& id() const { return id_; }
  const std::string& subject() const { return subject_; }

 private:
  static constexpr size_t kLineBytesMax = 4096;
  static constexpr size_t kSectionBytesMax = 256 * 1024;
  void Line(std::string_view line);

  bool done_ = false;
  size_t seen_bytes_ = 0;
  std::string partial_;
  std::string id_;
  std::string subject_;
};

}  // namespace ringpost::bench
