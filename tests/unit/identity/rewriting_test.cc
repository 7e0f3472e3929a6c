#include "gateway/identity/rewriting.h"

#include <gtest/gtest.h>

namespace ringpost::identity {
namespace {

TEST(Rewriting, WhoIsNobodysInTheDnsGetsADomain) {
  CredentialSettings settings;
  settings.default_domain = "example.com";
  struct Case {
    const char* before;
    const char* after;
  } cases[] = {
      {"root", "root@example.com"},
      {"root@localhost", "root@example.com"},
      {"root@printer.", "root@example.com"},
      {"\"a@b\"", "\"a@b\"@example.com"},
      {"root@whole.example", "root@whole.example"},
      {"root@[192.0.2.1]", "root@[192.0.2.1]"},
      {"root@[IPv6:2001:db8::1]", "root@[IPv6:2001:db8::1]"},
  };
  for (const Case& one : cases) {
    std::string path = one.before;
    RewriteReversePath(settings, &path);
    EXPECT_EQ(path, one.after);
    EXPECT_EQ(RewrittenFrom(settings, one.before), one.after);
  }
  std::string null_path;
  RewriteReversePath(settings, &null_path);
  EXPECT_EQ(null_path, "");
}

TEST(Rewriting, AForcedSenderIsInPlaceOfAny) {
  CredentialSettings settings;
  settings.forced_reverse_path = "bounce@example.com";
  settings.forced_from = "it@example.com";
  std::string path = "a@x.example";
  RewriteReversePath(settings, &path);
  EXPECT_EQ(path, "bounce@example.com");
  EXPECT_EQ(RewrittenFrom(settings, "a@x.example"), "it@example.com");
  std::string null_path;
  RewriteReversePath(settings, &null_path);
  EXPECT_EQ(null_path, "") << "a bounce has none";
}

TEST(Rewriting, WithoutSettingsAllStaysAsItIs) {
  std::string path = "root@printer";
  RewriteReversePath(CredentialSettings(), &path);
  EXPECT_EQ(path, "root@printer");
  EXPECT_EQ(RewrittenFrom(CredentialSettings(), "root"), "root");
}

}  // namespace
}  // namespace ringpost::identity
