// The record codec: what one message costs beyond its body.
#include <benchmark/benchmark.h>

#include "storage/record_encoding.h"
#include "storage/records.h"
#include "storage/rows.h"

namespace ringpost::storage {
namespace {

StoredEnvelope Envelope(int64_t recipients) {
  StoredEnvelope envelope;
  envelope.reverse_path = "sender@example.com";
  for (int64_t i = 0; i < recipients; ++i) {
    envelope.recipients.push_back({"user" + std::to_string(i) + "@example.net", "", 0});
  }
  envelope.trace = std::string(280, 't');
  envelope.client = "192.0.2.1";
  envelope.body_bytes = 4096;
  envelope.body_chunks = 1;
  return envelope;
}

void BM_EncodeEnvelope(benchmark::State& state) {
  StoredEnvelope envelope = Envelope(state.range(0));
  std::string buffer(EnvelopeBytes(envelope), '\0');
  for (auto _ : state) benchmark::DoNotOptimize(WriteEnvelope(envelope, buffer.data()));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(buffer.size()));
}
BENCHMARK(BM_EncodeEnvelope)->Arg(1)->Arg(100);

void BM_DecodeEnvelope(benchmark::State& state) {
  std::string bytes = EncodeEnvelope(Envelope(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(DecodeEnvelope(bytes, Trace::kLeaveEmpty));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(BM_DecodeEnvelope)->Arg(1)->Arg(100);

void BM_RecipientState(benchmark::State& state) {
  RecipientState recipient;
  recipient.attempts = 3;
  for (auto _ : state) {
    benchmark::DoNotOptimize(DecodeRecipientState(EncodeRecipientState(recipient)));
  }
}
BENCHMARK(BM_RecipientState);

void BM_Event(benchmark::State& state) {
  StoredEvent event;
  event.detail = "250 2.0.0 Ok: queued as 4c1f2";
  for (auto _ : state) benchmark::DoNotOptimize(DecodeEvent(EncodeEvent(event)));
}
BENCHMARK(BM_Event);

// Key, wrap, key schedule and seal of one body: what forgetting it later costs now.
void BM_SealMessage(benchmark::State& state) {
  std::string body(static_cast<size_t>(state.range(0)), 'b');
  std::string sealed(body.size() + tls::kTagBytes, '\0');
  std::string_view parts[] = {body};
  tls::Key epoch = tls::Key::Random();
  for (auto _ : state) {
    tls::Key key = tls::Key::Random();
    tls::Aead(key).Seal(parts, "context", ChunkNonce(0), sealed.data());
    benchmark::DoNotOptimize(tls::WrapKey(epoch, key, "context"));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_SealMessage)->Arg(1024)->Arg(4096)->Arg(102'400);

}  // namespace
}  // namespace ringpost::storage
