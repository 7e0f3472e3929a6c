#include "storage/reader_pool.h"

#include <sys/prctl.h>

#include <algorithm>

#include "gateway/base/check.h"
#include "storage/message_reader.h"

namespace ringpost::storage {
namespace {

constexpr Millis kIdle{60'000};  // a signal ends it

}  // namespace

ReaderPool::ReaderPool(Store* store, KeyRing* ring, uint32_t threads) : store_(store), ring_(ring) {
  for (uint32_t i = 0; i < std::max(threads, 1u); ++i) {
    Reader* reader = readers_.emplace_back(std::make_unique<Reader>()).get();
    reader->inbox.SetWake(Waker::WakeFn, &reader->waker);
    reader->thread = std::thread([this, reader] { Run(reader); });
  }
}

ReaderPool::~ReaderPool() { Stop(); }

void ReaderPool::Read(ReadRequest* request) {
  size_t reader = request->id.random_part() % readers_.size();
  readers_[reader]->inbox.Post(request);
}

void ReaderPool::Stop() {
  stopping_.store(true, std::memory_order_release);
  for (auto& reader : readers_) {
    reader->waker.Signal();
    if (reader->thread.joinable()) reader->thread.join();
  }
}

void ReaderPool::Run(Reader* reader) {
  prctl(PR_SET_NAME, "rp-reader");
  for (;;) {
    bool stopping = stopping_.load(std::memory_order_acquire);
    Posted* item = reader->inbox.TakeAll();
    if (!item && stopping) return;
    if (!item) reader->waker.Wait(kIdle);
    while (item) {
      auto* request = static_cast<ReadRequest*>(item);
      item = item->next;
      Serve(request);
      RP_CHECK(request->reply_to != nullptr);
      request->reply_to->Post(request);
    }
  }
}

void ReaderPool::Serve(ReadRequest* request) {
  Store::Use use = store_->Open();
  if (!use) {
    request->status = MakeStatus(StatusCode::kUnavailable, "the store is closed after a failure");
    return;
  }
  MessageReader reader(&*use, ring_);
  switch (request->kind) {
    case ReadRequest::Kind::kEnvelope:
      request->status = reader.ReadEnvelope(request->id, &request->envelope, &request->recipients);
      return;
    case ReadRequest::Kind::kBody:
      request->status =
          reader.ReadBody(request->id, request->chunk_first, request->chunk_count, &request->body);
      return;
    case ReadRequest::Kind::kOrigin:
      request->status = reader.ReadOrigin(request->id, &request->origin);
      return;
  }
}

}  // namespace ringpost::storage
