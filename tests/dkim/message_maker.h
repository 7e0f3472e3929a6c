// MessageMaker: messages as varied as DKIM must bear them, the same ones for the same seed.
//
// What may go over the wire: CRLF lines, no NUL, a header section of fields with one From. Within
// that: folds and blanks of every kind, fields that are missing or there several times, names in
// any case, 8-bit in header and body, bodies of nothing, of blanks, of empty lines, of one very
// long line, without a line end, with leading dots.
#pragma once

#include <cstddef>
#include <string>

#include "gateway/base/random.h"

namespace ringpost::mail {

struct MadeMessage {
  std::string header;  // without the empty line
  std::string body;
  bool eight_bit_header = false;
};

class MessageMaker {
 public:
  explicit MessageMaker(uint64_t seed) : random_(seed) {}
  // With a body of about so many bytes; 0: of any kind, none larger than some 100 KiB.
  MadeMessage Make(size_t body_bytes);

 private:
  bool Chance(uint64_t percent) { return random_.Below(100) < percent; }
  std::string Word();
  std::string Words(size_t count, bool eight_bit);
  std::string Blanks();
  std::string Fold();
  std::string Field(const std::string& name, const std::string& value);
  std::string Header(bool eight_bit);
  std::string Line();
  std::string Body(size_t bytes);

  Random random_;
};

}  // namespace ringpost::mail
