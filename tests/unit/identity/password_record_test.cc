// What is stored of passwords, and what unknown names are answered.
#include "gateway/identity/password_record.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "gateway/base/counters.h"
#include "gateway/identity/password_choice.h"

namespace ringpost::identity {
namespace {

PasswordSalt Salt(std::string_view bytes) {
  PasswordSalt salt{};
  std::copy(bytes.begin(), bytes.end(), salt.begin());
  return salt;
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (char c : bytes) {
    text += {kDigits[static_cast<uint8_t>(c) >> 4], kDigits[static_cast<uint8_t>(c) & 15]};
  }
  return text;
}

// RFC 7677 section 3: user "user", password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==.
PasswordRecord Pencil() {
  return PasswordRecord::Make(
      "pencil", Salt("\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81"), 4096);
}

constexpr std::string_view kAuthMessage =
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

// dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=
std::string Proof() {
  return "\x74\x7c\xdb\x65\xaa\x56\x22\x4e\x23\x52\x13\x7e\x52\xd7\xbd\xca"
         "\xd6\xa0\xf7\x38\xdf\x30\x78\x2c\xaa\x69\xa2\xcf\xb0\x27\x75\x54";
}

TEST(PasswordRecord, TheProofOfRfc7677) {
  tls::Digest signature;
  ASSERT_TRUE(Pencil().CheckProof(kAuthMessage, Proof(), &signature));
  // 6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=
  EXPECT_EQ(Hex(tls::View(signature)),
            "eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e");
}

TEST(PasswordRecord, AnyOtherProofIsWrong) {
  const PasswordRecord record = Pencil();
  tls::Digest signature;
  for (size_t i = 0; i < Proof().size(); ++i) {
    std::string proof = Proof();
    proof[i] = static_cast<char>(proof[i] ^ 1);
    EXPECT_FALSE(record.CheckProof(kAuthMessage, proof, &signature));
  }
  EXPECT_FALSE(record.CheckProof(kAuthMessage, Proof().substr(1), &signature));
  EXPECT_FALSE(record.CheckProof(kAuthMessage, "", &signature));
  EXPECT_FALSE(record.CheckProof(std::string(kAuthMessage) + "x", Proof(), &signature));
}

TEST(PasswordRecord, Verify) {
  const PasswordRecord record = Pencil();
  EXPECT_TRUE(record.Verify("pencil"));
  for (std::string_view wrong : {"", "penci", "Pencil", "pencil ", "p\xc3\xa9ncil"}) {
    EXPECT_FALSE(record.Verify(wrong)) << wrong;
  }
  EXPECT_FALSE(record.Verify(std::string_view("pencil\0", 7)));
  EXPECT_FALSE(record.Verify(std::string(limits::kAuthSecretBytesMax, 'x')));
}

TEST(PasswordRecord, EachHasASaltOfItsOwn) {
  const PasswordRecord a = PasswordRecord::Make("correct horse"),
                       b = PasswordRecord::Make("correct horse");
  EXPECT_NE(a.salt, b.salt);
  EXPECT_NE(a.stored_key, b.stored_key);
  EXPECT_EQ(a.iterations, limits::kPasswordIterationsDefault);
  EXPECT_TRUE(a.Verify("correct horse"));
}

TEST(PasswordRecord, ComesBackFromItsBytes) {
  const PasswordRecord record = Pencil();
  const PasswordRecordBytes bytes = record.Encode();
  EXPECT_EQ(bytes.size(), 85u);
  EXPECT_EQ(Hex({bytes.data(), 5}), "0100001000");
  EXPECT_EQ(PasswordRecord::Decode({bytes.data(), bytes.size()}), record);
}

TEST(PasswordRecord, WhatIsNoRecord) {
  const PasswordRecordBytes bytes = Pencil().Encode();
  const std::string whole(bytes.data(), bytes.size());
  EXPECT_FALSE(PasswordRecord::Decode(""));
  EXPECT_FALSE(PasswordRecord::Decode(whole.substr(1)));
  EXPECT_FALSE(PasswordRecord::Decode(whole + "x"));
  auto with = [&whole](size_t at, std::string_view other) {
    std::string changed = whole;
    changed.replace(at, other.size(), other);
    return PasswordRecord::Decode(changed).has_value();
  };
  EXPECT_TRUE(with(5, "salt"));
  EXPECT_FALSE(with(0, "\x02"));
  EXPECT_FALSE(with(1, std::string_view("\0\0\x0f\xff", 4)));  // one fewer than the least
  EXPECT_FALSE(with(1, "\xff\xff\xff\xff"));
}

TEST(UnknownNames, AlwaysTheSameAndNobodyElses) {
  const tls::Key secret = tls::Key::Random();
  const UnknownNames names(secret), again(secret), other(tls::Key::Random());
  const PasswordRecord record = names.RecordOf("nobody");
  EXPECT_EQ(record, again.RecordOf("nobody"));
  EXPECT_EQ(record, names.RecordOf("NoBody"));  // as of a name that there is
  EXPECT_NE(record.salt, names.RecordOf("nobody2").salt);
  EXPECT_NE(record.salt, other.RecordOf("nobody").salt);
  EXPECT_NE(record.stored_key, record.server_key);
  tls::Digest signature;
  EXPECT_FALSE(record.CheckProof(kAuthMessage, Proof(), &signature));
  // Of the form of any other: it could be stored.
  const PasswordRecordBytes bytes = record.Encode();
  EXPECT_TRUE(PasswordRecord::Decode({bytes.data(), bytes.size()}));
}

// Counted, not timed: what a refusal costs does not tell why it is one.
TEST(UnknownNames, CostWhatAWrongPasswordCosts) {
  const PasswordRecord known = PasswordRecord::Make("correct horse");
  const UnknownNames names(tls::Key::Random());
  auto iterations = [](const PasswordRecord& record, std::string_view password, bool right) {
    Counters counters;
    CountersScope scope(&counters);
    EXPECT_EQ(record.Verify(password), right);
    return counters.Get(Counter::kPasswordIterations);
  };
  const uint64_t right = iterations(known, "correct horse", true);
  EXPECT_EQ(right, limits::kPasswordIterationsDefault);
  EXPECT_EQ(iterations(known, "wrong", false), right);
  EXPECT_EQ(iterations(known, "p\xe4ssword", false), right);
  EXPECT_EQ(iterations(known, "", false), right);
  EXPECT_EQ(iterations(names.RecordOf("nobody"), "correct horse", false), right);
}

TEST(PasswordChoice, GeneratedOnesAreLongAndUnlike) {
  std::set<std::string> seen;
  std::set<char> letters;
  for (int i = 0; i < 500; ++i) {
    const std::string password = GeneratePassword();
    EXPECT_EQ(password.size(), 26u);
    EXPECT_EQ(password.find_first_of("01lo"), std::string::npos);
    EXPECT_EQ(WhyNotPassword(password, "user@example.com"), "");
    letters.insert(password.begin(), password.end());
    seen.insert(password);
  }
  EXPECT_EQ(seen.size(), 500u);
  EXPECT_EQ(letters.size(), 32u);
}

TEST(PasswordChoice, WhatMayBeChosen) {
  auto why = [](std::string_view password) {
    return WhyNotPassword(password, "printer@example.com");
  };
  for (std::string_view good :
       {"correct horse", "tr0ub4dor&3xyz", "            abcd !", "aaaaaaaabcde"}) {
    EXPECT_EQ(why(good), "") << good;
  }
  EXPECT_EQ(why(std::string(100, 'a') + "bcdefghijklmnopqrstuvwxyz123"), "");
  EXPECT_NE(why(std::string(100, 'a') + "bcdefghijklmnopqrstuvwxyz1234"), "");
  for (std::string_view bad :
       {"", "elevenchars", "p\xc3\xa4ssword-long", "tab\tand the rest", "aaaaaaaaaaaaaaaa",
        "abcabcabcabc", "horsehorsehorse", "passwordpassword", "hello1hello1he", "123456789:;<=",
        "nmlkjihgfedcba", "printer@example.com", "Printer@Example.COM", "my-PRINTER-pass"}) {
    EXPECT_NE(why(bad), "") << bad;
  }
  EXPECT_NE(WhyNotPassword("longer-name-x", "longer-name-x"), "");
  EXPECT_EQ(WhyNotPassword("bob is here now", "bob"), "");  // by chance
}

}  // namespace
}  // namespace ringpost::identity
