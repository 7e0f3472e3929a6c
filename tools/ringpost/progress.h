// How far something is that takes long: one line that is rewritten, with the rate. Only where
// standard error is a terminal; standard output may be a list or a document.
#pragma once

#include <cstdint>

#include "gateway/base/time.h"

namespace ringpost::cli {

class Progress {
 public:
  // "importing", "records".
  Progress(const char* verb, const char* noun);
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(uint64_t done);
  // Takes the line away: something else is to be said.
  void Clear();

 private:
  const char* verb_;
  const char* noun_;
  bool shown_;
  bool any_ = false;
  MonoTime start_, next_{};
};

}  // namespace ringpost::cli
