// Base64 as AUTH has it.
#include "gateway/smtp/base64.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace ringpost::smtp {
namespace {

std::string Base64(std::string_view bytes) {
  std::string out;
  AppendBase64(bytes, &out);
  return out;
}

std::string Decoded(std::string_view text) {
  std::string out = "before ";
  return DecodeBase64(text, &out) ? out : "no " + out;
}

TEST(Base64, Examples) {  // RFC 4648 section 10
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foo"), "Zm9v");
  EXPECT_EQ(Base64("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64("\xff\xfb\xef"), "//vv");
}

TEST(Base64, ComesBack) {
  std::mt19937 random(1);
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(random()));
    EXPECT_EQ(Decoded(Base64(bytes)), "before " + bytes);
  }
}

TEST(Base64, WhatIsNone) {
  for (std::string_view bad : {"=",       "==",    "====",     "A",      "AA",       "AAA",
                               "A===",    "AA=A",  "AAA=AAAA", "AAAA=",  "AAAA====", "AB==",
                               "AAB=",    "Zg= =", " Zg==",    "Zg==\r", "Zm9v\n",   "Zm-_",
                               "Zm9\xc3", "*",     "AAAAA==="}) {
    EXPECT_EQ(Decoded(bad), "no before ") << bad;
  }
  EXPECT_EQ(Decoded(std::string_view("Zm\0v", 4)), "no before ");
}

}  // namespace
}  // namespace ringpost::smtp
