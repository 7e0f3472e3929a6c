#include "gateway/tls/record_body.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/check.h"
#include "gateway/base/counters.h"
#include "gateway/base/limits.h"

namespace ringpost::tls {
namespace {

Slice TakeFront(Slice* input, size_t count) {
  Slice front = input->Sub(0, count);
  *input = input->Sub(count, input->size() - count);
  return front;
}

}  // namespace

void RecordBody::Begin(size_t bytes) {
  RP_CHECK(missing_ == 0 && parts_.empty());
  missing_ = bytes;
}

bool RecordBody::Take(Slice* input, bool keep) {
  while (missing_ > 0 && !input->empty()) {
    size_t count = std::min(missing_, input->size());
    bool small = count < limits::kTlsRecordPartBytesMin && !parts_.empty();
    bool pins = count < missing_ && (small || !keep);
    if (pins || !slab_.empty()) {
      TakeSmall(input);
    } else {
      missing_ -= count;
      Add(TakeFront(input, count));
    }
  }
  return missing_ == 0;
}

void RecordBody::TakeSmall(Slice* input) {
  if (slab_.empty()) slab_ = Slice::NewSlab(std::min(missing_, limits::kTlsSlabBytes));
  Slice part = TakeFront(input, std::min(slab_.size() - slab_filled_, input->size()));
  std::memcpy(slab_.mutable_data() + slab_filled_, part.data(), part.size());
  Count(Counter::kBodyBytesCopied, part.size());
  slab_filled_ += part.size();
  missing_ -= part.size();
  if (slab_filled_ < slab_.size()) return;
  slab_filled_ = 0;
  Add(std::exchange(slab_, {}));
}

void RecordBody::Add(Slice part) {
  size_ += part.size();
  parts_.push_back(std::move(part));
}

void RecordBody::CutHead(size_t count, char* out) {
  RP_CHECK(count <= size_ && missing_ == 0);
  size_ -= count;
  size_t emptied = 0;
  while (count > 0) {
    Slice& first = parts_[emptied];
    size_t here = std::min(count, first.size());
    std::memcpy(out, first.data(), here);
    out += here;
    count -= here;
    first = first.Sub(here, first.size() - here);
    if (first.empty()) ++emptied;
  }
  parts_.erase(parts_.begin(), parts_.begin() + static_cast<ptrdiff_t>(emptied));
}

void RecordBody::CutTail(size_t count, char* out) {
  RP_CHECK(count <= size_ && missing_ == 0);
  size_ -= count;
  while (count > 0) {
    Slice& last = parts_.back();
    size_t here = std::min(count, last.size());
    size_t left = last.size() - here;
    count -= here;
    std::memcpy(out + count, last.data() + left, here);
    last = last.Sub(0, left);
    if (last.empty()) parts_.pop_back();
  }
}

void RecordBody::CutZeros() {
  while (!parts_.empty()) {
    Slice& last = parts_.back();
    size_t left = last.view().find_last_not_of('\0') + 1;  // npos + 1 is none
    size_ -= last.size() - left;
    if (left > 0) {
      last = last.Sub(0, left);
      return;
    }
    parts_.pop_back();
  }
}

void RecordBody::Clear() {
  parts_.clear();
  slab_ = {};
  size_ = missing_ = slab_filled_ = 0;
}

}  // namespace ringpost::tls
