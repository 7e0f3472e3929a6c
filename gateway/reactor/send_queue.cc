#include "gateway/reactor/send_queue.h"

#include <string.h>

#include <algorithm>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"

namespace ringpost::reactor {

void Stream::SendQueue::Add(Slice part) {
  if (part.empty()) return;
  bytes += part.size();
  slices.push_back(std::move(part));
}

void Stream::SendQueue::AddCopy(std::string_view copied) {
  while (!copied.empty()) {
    if (slab_used == slab.size()) {
      slab = Slice::NewSlab(limits::kSendSlabBytes);
      slab_used = 0;
    }
    size_t count = std::min(copied.size(), slab.size() - slab_used);
    char* at = slab.mutable_data() + slab_used;
    memcpy(at, copied.data(), count);
    bool continues =
        slab_used > 0 && slices.size() > first && slices.back().data() + slices.back().size() == at;
    if (continues) {
      size_t whole = slices.back().size() + count;
      slices.back() = slab.Share({at + count - whole, whole});
    } else {
      slices.push_back(slab.Sub(slab_used, count));
    }
    slab_used += count;
    bytes += count;
    copied.remove_prefix(count);
  }
}

size_t Stream::SendQueue::Gather(iovec* parts) const {
  size_t count = 0;
  size_t left = flushed;
  size_t skip = offset;
  for (size_t i = first; left > 0 && count < limits::kSendPartsMax; ++i, skip = 0) {
    size_t size = std::min(slices[i].size() - skip, left);
    parts[count++] = {const_cast<char*>(slices[i].data()) + skip, size};
    left -= size;
  }
  return count;
}

void Stream::SendQueue::Consume(size_t sent) {
  RP_CHECK(sent <= flushed);
  bytes -= sent;
  flushed -= sent;
  for (sent += offset; first < slices.size() && sent >= slices[first].size(); ++first) {
    sent -= slices[first].size();
    slices[first] = Slice();
  }
  offset = sent;
  if (first == slices.size()) {
    slices.clear();
    first = 0;
  }
}

void Stream::SendQueue::Clear() {
  slices.clear();
  first = offset = bytes = flushed = 0;
  if (slab_used > 0) explicit_bzero(slab.mutable_data(), slab_used);
  slab_used = 0;
  control.clear();
}

SendQueuePool& SendQueuePool::OfThread() {
  thread_local SendQueuePool pool;
  return pool;
}

SendQueuePool::~SendQueuePool() {
  for (Stream::SendQueue* queue : kept_) delete queue;
}

Stream::SendQueue* SendQueuePool::Take() {
  auto& kept = OfThread().kept_;
  if (kept.empty()) return new Stream::SendQueue;
  Stream::SendQueue* queue = kept.back();
  kept.pop_back();
  return queue;
}

void SendQueuePool::Give(Stream::SendQueue* queue) {
  queue->Clear();
  auto& kept = OfThread().kept_;
  // One that was once long would keep its room for ever.
  bool grown = queue->slices.capacity() > 2 * limits::kSendPartsMax;
  if (grown || kept.size() >= limits::kSendQueuesKeptMax) {
    delete queue;
  } else {
    kept.push_back(queue);
  }
}

}  // namespace ringpost::reactor
