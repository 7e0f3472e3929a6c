#include "storage/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/storage/spool_harness.h"

namespace ringpost::storage {
namespace {

// RFC 3720 appendix B.4, and the check value of the CRC catalogues.
TEST(Crc32c, PublishedSums) {
  std::string up(32, '\0'), down(32, '\0');
  for (int i = 0; i < 32; ++i) {
    up[static_cast<size_t>(i)] = static_cast<char>(i);
    down[static_cast<size_t>(i)] = static_cast<char>(31 - i);
  }
  const struct {
    std::string bytes;
    uint32_t sum;
  } kPublished[] = {{std::string(32, '\0'), 0x8A9136AA},
                    {std::string(32, '\xFF'), 0x62A8AB43},
                    {up, 0x46DD794E},
                    {down, 0x113FDB5C},
                    {"123456789", 0xE3069283},
                    {"", 0}};
  for (const auto& [bytes, sum] : kPublished) {
    EXPECT_EQ(ExtendCrc32c(0, bytes), sum);
    EXPECT_EQ(ExtendCrc32cByTable(0, bytes), sum);
  }
}

TEST(Crc32c, InPartsAsInOneAndWithTheInstructionAsWithout) {
  std::string bytes = BodyOf(5'000, 7);
  for (size_t from : {0u, 1u, 3u, 8u}) {
    for (size_t size : {0u, 1u, 7u, 8u, 9u, 63u, 64u, 4'096u, 4'991u}) {
      std::string_view part = std::string_view(bytes).substr(from, size);
      uint32_t whole = ExtendCrc32cByTable(0, part);
      EXPECT_EQ(ExtendCrc32c(0, part), whole);
      std::string_view head = part.substr(0, size / 3), tail = part.substr(size / 3);
      EXPECT_EQ(ExtendCrc32c(ExtendCrc32c(0, head), tail), whole);
    }
  }
}

}  // namespace
}  // namespace ringpost::storage
