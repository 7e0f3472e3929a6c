// dkim_messages: signs messages for other programs to verify, and canonicalises what they ask.
//
//   dkim_messages sign SEED COUNT LARGE FOLDER
//     COUNT messages, the last LARGE of them of 20 MiB, each signed with an RSA and an Ed25519 key:
//     FOLDER/0001.eml, ... (8-bit.eml in its name: its header section has 8-bit bytes), and
//     FOLDER/keys, the TXT records, "NAME RECORD" lines.
//   dkim_messages relax
//     Answers each line "body HEX" with the hash in hex, "header HEX" with its relaxed fields in
//     hex.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/random.h"
#include "gateway/mail/dkim_body_hash.h"
#include "gateway/mail/dkim_header.h"
#include "gateway/mail/dkim_signature.h"
#include "tests/dkim/message_maker.h"

namespace ringpost::mail {
namespace {

constexpr size_t kLargeBytes = size_t{20} << 20;
// 2025-11-24T16:00:00Z: no verifier takes it for the future.
constexpr int64_t kSignedAtMillis = 1'764'000'000'000;
constexpr std::string_view kDomains[] = {
    "example.org", "xn--bcher-kva.example",
    "a-name-that-is-so-long-that-it-needs-a-line-to-itself.in-a-zone-of-the-same-kind.example.org"};
constexpr std::string_view kSelectors[][2] = {{"rsa", "ed"}, {"2025.rsa.mail", "2025.ed.mail"}};

// In pieces of any size, as it would arrive.
DkimDigest HashOf(std::string_view body, Random* random) {
  DkimBodyHash hash;
  while (!body.empty()) {
    size_t count = std::min<size_t>(body.size(), 1 + random->Below(16'384));
    hash.Update(body.substr(0, count));
    body.remove_prefix(count);
  }
  return hash.Finish();
}

void WriteKeys(const tls::DkimKey& rsa, const tls::DkimKey& ed25519, const std::string& folder) {
  std::ofstream keys(folder + "/keys");
  for (std::string_view domain : kDomains) {
    for (const auto& names : kSelectors) {
      keys << names[0] << "._domainkey." << domain << " " << rsa.TxtRecord() << "\n";
      keys << names[1] << "._domainkey." << domain << " " << ed25519.TxtRecord() << "\n";
    }
  }
}

int Sign(uint64_t seed, size_t count, size_t large, const std::string& folder) {
  auto rsa = tls::DkimKey::Generate(tls::DkimKey::Kind::kRsa);
  auto ed25519 = tls::DkimKey::Generate(tls::DkimKey::Kind::kEd25519);
  WriteKeys(*rsa, *ed25519, folder);
  Random random(seed);
  MessageMaker maker(seed);
  for (size_t i = 1; i <= count; ++i) {
    MadeMessage message = maker.Make(i + large > count ? kLargeBytes : 0);
    const auto& names = kSelectors[random.Below(std::size(kSelectors))];
    DkimSelector selectors[] = {{names[0], rsa.get()}, {names[1], ed25519.get()}};
    DkimInput input;
    input.header = message.header;
    input.body_hash = HashOf(message.body, &random);
    input.domain = kDomains[random.Below(std::size(kDomains))];
    input.selectors = selectors;
    input.now = WallFromMillis(kSignedAtMillis);
    if (random.OneIn(3)) input.lifetime = Seconds(int64_t{50} * 365 * 24 * 3600);
    StatusOr<std::string> fields = MakeDkimSignatures(input);
    RP_CHECK(fields.ok());
    char name[32];
    std::snprintf(name, sizeof name, "/%04zu.%seml", i, message.eight_bit_header ? "8-bit." : "");
    std::ofstream file(folder + name, std::ios::binary);
    file << *fields << message.header << "\r\n" << message.body;
    RP_CHECK(file.good());
  }
  return 0;
}

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::string ToHex(std::string_view bytes) {
  std::string hex;
  for (char c : bytes) {
    hex.push_back("0123456789abcdef"[static_cast<uint8_t>(c) >> 4]);
    hex.push_back("0123456789abcdef"[static_cast<uint8_t>(c) & 15]);
  }
  return hex;
}

int Relax() {
  Random random(1);
  std::string line;
  while (std::getline(std::cin, line)) {
    size_t space = std::min(line.find(' '), line.size() - 1);
    std::string bytes = FromHex(std::string_view(line).substr(space + 1));
    if (line.starts_with("body ")) {
      DkimDigest digest = HashOf(bytes, &random);
      std::cout << ToHex({reinterpret_cast<const char*>(digest.data()), digest.size()}) << "\n";
    } else {
      std::string relaxed;
      std::string_view rest = bytes;
      HeaderField field;
      while (TakeHeaderField(&rest, &field)) AppendRelaxedField(field, &relaxed);
      std::cout << ToHex(relaxed) << "\n";
    }
  }
  return 0;
}

}  // namespace
}  // namespace ringpost::mail

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 5 && words[0] == "sign") {
    return ringpost::mail::Sign(std::stoull(words[1]), std::stoull(words[2]), std::stoull(words[3]),
                                words[4]);
  }
  if (words.size() == 1 && words[0] == "relax") return ringpost::mail::Relax();
  std::fputs("usage: dkim_messages sign SEED COUNT LARGE FOLDER | relax\n", stderr);
  return 2;
}
