// Wiping of strings that hold message text. Bodies travel in slices, which wipe themselves; where
// one has to become a string for a while (to be encoded anew, to go into a report) nothing of it is
// to be left in freed memory: product promise, proven by tests/e2e/test_body_gone.py.
//
// Up to 15 bytes a string keeps in itself, and a move leaves them there: too few to matter.
#pragma once

#include <string.h>

#include <string>

namespace ringpost {

inline void WipeString(std::string* text) {
  explicit_bzero(text->data(), text->capacity());
  text->clear();
}

// std::string::reserve, but what it held is not left behind where it grows.
inline void ReserveWiped(std::string* text, size_t bytes) {
  if (text->capacity() >= bytes) return;
  std::string grown;
  grown.reserve(bytes);
  grown.append(*text);
  text->swap(grown);
  WipeString(&grown);
}

// Wipes a string at the end of its scope.
class WipedAtEnd {
 public:
  explicit WipedAtEnd(std::string* text) : text_(text) {}
  ~WipedAtEnd() { WipeString(text_); }
  WipedAtEnd(const WipedAtEnd&) = delete;
  WipedAtEnd& operator=(const WipedAtEnd&) = delete;

 private:
  std::string* text_;
};

}  // namespace ringpost
