// What DKIM costs: the body's hash per byte, beside SHA-256 alone; the header section; a signature,
// beside the private key's operation alone.
#include <benchmark/benchmark.h>

#include <string>

#include "gateway/base/check.h"
#include "gateway/base/random.h"
#include "gateway/mail/dkim_body_hash.h"
#include "gateway/mail/dkim_header.h"
#include "gateway/mail/dkim_signature.h"
#include "gateway/tls/aead.h"

namespace ringpost::mail {
namespace {

constexpr size_t kBodyBytes = 100'000;
constexpr size_t kPieceBytes = 8192;  // as receive buffers bring it

enum Kind { kText, kFlowed, kIndented, kBase64, kBlanks };

std::string Words(Random* random, size_t bytes) {
  std::string line;
  while (line.size() < bytes) {
    line.append(1 + random->Below(9), static_cast<char>('a' + random->Below(26))).push_back(' ');
  }
  line.back() = '.';
  return line;
}

// Plain text of single spaces; format=flowed, where lines end in one; HTML, indented; an
// attachment; nothing but blanks, the worst there is.
std::string Body(Kind kind) {
  Random random(1);
  std::string body;
  while (body.size() < kBodyBytes) {
    if (kind == kText) body += Words(&random, 68) + "\r\n";
    if (kind == kFlowed) body += Words(&random, 68) + " \r\n";
    if (kind == kIndented) body += std::string(random.Below(16), ' ') + Words(&random, 40) + "\r\n";
    if (kind == kBase64) body += std::string(76, 'A') + "\r\n";
    if (kind == kBlanks) body += "a  ";
  }
  body.resize(kBodyBytes);
  return body;
}

template <typename Hash>
void HashInPieces(Hash* hash, std::string_view body) {
  for (; !body.empty(); body.remove_prefix(std::min(body.size(), kPieceBytes))) {
    hash->Update(body.substr(0, kPieceBytes));
  }
  benchmark::DoNotOptimize(hash->Finish());
}

void BM_DkimSha256Alone(benchmark::State& state) {
  const std::string body = Body(kText);
  for (auto _ : state) {
    tls::Sha256 hash;
    HashInPieces(&hash, body);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body.size()));
}
BENCHMARK(BM_DkimSha256Alone);

void BM_DkimBodyHash(benchmark::State& state) {
  const std::string body = Body(static_cast<Kind>(state.range(0)));
  for (auto _ : state) {
    DkimBodyHash hash;
    HashInPieces(&hash, body);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body.size()));
}
BENCHMARK(BM_DkimBodyHash)->ArgName("kind")->DenseRange(kText, kBlanks);

constexpr std::string_view kHeader =
    "Received: from a.example.org ([192.0.2.7])\r\n\tby b.example.org with ESMTPS id 4DF1C22A\r\n"
    "\tfor <bob@example.net>; Mon, 24 Nov 2025 16:00:00 +0000\r\n"
    "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.net>\r\n"
    "Subject: a subject of usual length\r\nDate: Mon, 24 Nov 2025 16:00:00 +0000\r\n"
    "Message-ID: <20251124160000.4DF1C22A@example.org>\r\nMIME-Version: 1.0\r\n"
    "List-Unsubscribe: <https://example.org/u/0123456789abcdef0123456789abcdef>,\r\n"
    " <mailto:u-0123456789abcdef@example.org>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    "Feedback-ID: campaign:customer:mail:example\r\nX-Mailer: one\r\n"
    "Content-Type: multipart/alternative;\r\n boundary=\"0123456789abcdef0123456789\"\r\n\r\n";

void BM_DkimHeader(benchmark::State& state) {
  for (auto _ : state) {
    DkimHeader selected;
    RP_CHECK(SelectDkimFields(kHeader, &selected).ok());
    benchmark::DoNotOptimize(selected.canonical.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kHeader.size()));
}
BENCHMARK(BM_DkimHeader);

using KeyKind = tls::DkimKey::Kind;

void BM_DkimKeyAlone(benchmark::State& state) {
  auto key = tls::DkimKey::Generate(static_cast<KeyKind>(state.range(0)));
  DkimDigest digest{};
  for (auto _ : state) benchmark::DoNotOptimize(key->SignDigest(digest));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_DkimKeyAlone)->ArgName("ed25519")->Arg(0)->Arg(1);

void BM_DkimSign(benchmark::State& state) {
  auto key = tls::DkimKey::Generate(static_cast<KeyKind>(state.range(0)));
  DkimSelector selector{"2026a", key.get()};
  DkimInput input;
  input.header = kHeader;
  input.domain = "example.org";
  input.selectors = {&selector, 1};
  input.now = WallFromMillis(1'764'000'000'000);
  for (auto _ : state) {
    auto fields = MakeDkimSignatures(input);
    RP_CHECK(fields.ok());
    benchmark::DoNotOptimize(fields);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_DkimSign)->ArgName("ed25519")->Arg(0)->Arg(1);

}  // namespace
}  // namespace ringpost::mail
