// RecordBody: the body of one TLS record, in the parts that it came in. Private to gateway/tls.
//
// Where the reader keeps buffers (the body of a message, which pins them in clear too), a part is a
// slice of the buffer that it came in; but one that comes small in the middle of a record would pin
// a buffer for little: from there on the record is copied together. Elsewhere whatever does not
// complete a record is copied: a stranger pins nothing.
#pragma once

#include <cstddef>
#include <vector>

#include "gateway/base/slice.h"

namespace ringpost::tls {

class RecordBody {
 public:
  // A body of so many bytes is to come; there is none now.
  void Begin(size_t bytes);
  // Takes what belongs to it from the front of `input`. `keep`: buffers may be kept. True: it is
  // whole.
  bool Take(Slice* input, bool keep);

  // Of a whole one. It has at least `count` bytes.
  void CutHead(size_t count, char* out);
  void CutTail(size_t count, char* out);
  void CutZeros();  // all that stand at its end
  const std::vector<Slice>& parts() const { return parts_; }
  std::vector<Slice>& parts() { return parts_; }
  size_t size() const { return size_; }
  // Gives back what there is of one, whole or not.
  void Clear();

 private:
  void TakeSmall(Slice* input);
  void Add(Slice part);

  std::vector<Slice> parts_;
  size_t size_ = 0;     // of the parts
  size_t missing_ = 0;  // still to come
  Slice slab_;          // what comes in small parts
  size_t slab_filled_ = 0;
};

}  // namespace ringpost::tls
