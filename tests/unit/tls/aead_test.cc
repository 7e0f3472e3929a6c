#include "gateway/tls/aead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace ringpost::tls {
namespace {

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::array<uint8_t, kNonceBytes> Nonce(std::string_view hex) {
  std::array<uint8_t, kNonceBytes> nonce{};
  std::string bytes = FromHex(hex);
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

std::string SealParts(const Aead& aead, const std::vector<std::string_view>& parts,
                      std::string_view associated, const std::array<uint8_t, kNonceBytes>& nonce) {
  size_t size = kTagBytes;
  for (std::string_view part : parts) size += part.size();
  std::string out(size, '?');
  aead.Seal(parts, associated, nonce, out.data());
  return out;
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16 (AES-256).
struct Vector {
  const char *key, *nonce, *plain, *associated, *sealed;
};
constexpr Vector kVectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "00000000000000000000000000000000", "",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(AeadTest, MatchesPublishedVectors) {
  for (const Vector& vector : kVectors) {
    Aead aead(Key::From(FromHex(vector.key)));
    std::string plain = FromHex(vector.plain), associated = FromHex(vector.associated);
    std::string sealed = SealParts(aead, {plain}, associated, Nonce(vector.nonce));
    EXPECT_EQ(sealed, FromHex(vector.sealed));
    std::string opened(plain.size(), '?');
    EXPECT_TRUE(aead.Open(sealed, associated, Nonce(vector.nonce), opened.data()));
    EXPECT_EQ(opened, plain);
  }
}

TEST(AeadTest, PartsOfAnySizeSealAsOneText) {
  const Vector& vector = kVectors[2];
  Aead aead(Key::From(FromHex(vector.key)));
  std::string plain = FromHex(vector.plain), associated = FromHex(vector.associated);
  std::string_view view = plain;
  for (size_t first = 0; first <= plain.size(); ++first) {
    for (size_t second : {first, (first + plain.size()) / 2, plain.size()}) {
      EXPECT_EQ(SealParts(aead,
                          {view.substr(0, first), view.substr(first, second - first),
                           view.substr(second)},
                          associated, Nonce(vector.nonce)),
                FromHex(vector.sealed));
    }
  }
}

TEST(AeadTest, EveryFlippedBitIsRefusedAndNothingLeaksOut) {
  Aead aead(Key::Random());
  auto nonce = Nonce("000000000000000000000001");
  std::string plain = "a body that must not change";
  std::string sealed = SealParts(aead, {plain}, "id", nonce);
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string forged = sealed;
    forged[bit / 8] = static_cast<char>(forged[bit / 8] ^ (1 << (bit % 8)));
    std::string out(plain.size(), 'x');
    EXPECT_FALSE(aead.Open(forged, "id", nonce, out.data()));
    EXPECT_EQ(out, std::string(plain.size(), '\0'));
  }
  std::string out(plain.size(), 'x');
  EXPECT_FALSE(aead.Open(sealed, "other", nonce, out.data()));
  EXPECT_FALSE(aead.Open(sealed, "id", Nonce("000000000000000000000002"), out.data()));
  EXPECT_FALSE(
      aead.Open(std::string_view(sealed).substr(0, kTagBytes - 1), "id", nonce, out.data()));
  EXPECT_TRUE(aead.Open(sealed, "id", nonce, out.data()));
  EXPECT_EQ(out, plain);
}

TEST(AeadTest, LargeTextSealsAndOpensInPlaceOfItsParts) {
  Aead aead(Key::Random());
  std::string plain((size_t{1} << 20) + 3, '\0');
  for (size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<char>(i * 31);
  std::string_view view = plain;
  std::vector<std::string_view> parts;
  for (size_t at = 0; at < view.size(); at += 8191) parts.push_back(view.substr(at, 8191));
  auto nonce = Nonce("000000000000000000000007");
  std::string sealed = SealParts(aead, parts, "", nonce);
  std::string opened(plain.size(), '\0');
  ASSERT_TRUE(aead.Open(sealed, "", nonce, opened.data()));
  EXPECT_EQ(opened, plain);
}

// A wrapper that was set up once writes what a store of before it holds: AES-256-GCM over the key.
TEST(WrapKeyTest, AWrapperWritesTheSameForm) {
  Key wrapping = Key::Random(), key = Key::Random();
  KeyWrapper wrapper(wrapping);
  for (int i = 0; i < 3; ++i) {
    auto nonce = RandomNonce();
    auto wrapped = wrapper.Wrap(key, "epoch 7", nonce);
    char sealed[kKeyBytes + kTagBytes];
    std::string_view parts[] = {key.view()};
    Aead(wrapping).Seal(parts, "epoch 7", nonce, sealed);
    std::string_view view(wrapped.data(), wrapped.size());
    EXPECT_EQ(view.substr(0, kNonceBytes),
              std::string_view(reinterpret_cast<const char*>(nonce.data()), nonce.size()));
    EXPECT_EQ(view.substr(kNonceBytes), std::string_view(sealed, sizeof sealed));
    Key again;
    EXPECT_TRUE(wrapper.Unwrap(view, "epoch 7", &again));
    EXPECT_EQ(again.view(), key.view());
    EXPECT_FALSE(wrapper.Unwrap(view, "epoch 8", &again));
    EXPECT_FALSE(wrapper.Unwrap(view.substr(1), "epoch 7", &again));
  }
}

TEST(WrapKeyTest, WrapsAndUnwrapsAndBindsItsContext) {
  Key wrapping = Key::Random(), key = Key::Random(), out;
  auto wrapped = WrapKey(wrapping, key, "epoch 7");
  std::string_view bytes(wrapped.data(), wrapped.size());
  ASSERT_TRUE(UnwrapKey(wrapping, bytes, "epoch 7", &out));
  EXPECT_EQ(out.view(), key.view());
  EXPECT_FALSE(UnwrapKey(wrapping, bytes, "epoch 8", &out));
  EXPECT_FALSE(UnwrapKey(Key::Random(), bytes, "epoch 7", &out));
  EXPECT_FALSE(UnwrapKey(wrapping, bytes.substr(1), "epoch 7", &out));
  EXPECT_EQ(bytes.find(key.view()), std::string_view::npos);
  auto again = WrapKey(wrapping, key, "epoch 7");
  EXPECT_NE(bytes, std::string_view(again.data(), again.size()));  // fresh nonce
}

TEST(KeyTest, MovingWipesTheSource) {
  Key key = Key::Random();
  std::string before(key.view());
  Key moved = std::move(key);
  EXPECT_EQ(moved.view(), before);
  EXPECT_EQ(key.view(), std::string(kKeyBytes, '\0'));  // NOLINT: looks at what was moved from
}

TEST(KeyTest, DestructionWipesTheBytes) {
  alignas(Key) char memory[sizeof(Key)];
  Key* key = new (memory) Key(Key::Random());
  EXPECT_NE(std::string(memory, sizeof memory), std::string(sizeof memory, '\0'));
  key->~Key();
  volatile char* look = memory;
  for (size_t i = 0; i < sizeof memory; ++i) EXPECT_EQ(look[i], 0);
}

TEST(Sha256Test, MatchesFips180) {
  Sha256 hash;
  hash.Update("a");
  hash.Update("bc");
  auto digest = hash.Finish();
  EXPECT_EQ(std::string(digest.begin(), digest.end()),
            FromHex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  auto empty = Sha256().Finish();
  EXPECT_EQ(std::string(empty.begin(), empty.end()),
            FromHex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

}  // namespace
}  // namespace ringpost::tls
