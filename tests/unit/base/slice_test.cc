#include "gateway/base/slice.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "gateway/base/counters.h"

namespace ringpost {
namespace {

struct CountedBlock : Block {
  CountedBlock() {
    bytes = storage;
    capacity_bytes = sizeof storage;
    release = [](Block* block) { ++static_cast<CountedBlock*>(block)->released; };
  }
  char storage[16] = "0123456789abcde";
  int released = 0;
};

TEST(SliceTest, LastReferenceReleasesTheBlockOnce) {
  CountedBlock block;
  {
    Slice slice(&block, {block.bytes, 10});
    Slice copy = slice;
    Slice moved = std::move(slice);
    EXPECT_EQ(block.references, 2u);
    copy = moved;
    copy = Slice();
    EXPECT_EQ(block.released, 0);
  }
  EXPECT_EQ(block.released, 1);
}

TEST(SliceTest, SelfAssignmentKeepsTheBytes) {
  CountedBlock block;
  Slice slice(&block, {block.bytes, 10});
  Slice& same = slice;
  slice = same;
  EXPECT_EQ(slice.view(), "0123456789");
  EXPECT_EQ(block.released, 0);
}

TEST(SliceTest, SubSharesTheBlock) {
  CountedBlock block;
  Slice slice(&block, {block.bytes, 10});
  Slice part = slice.Sub(3, 4);
  slice = Slice();
  EXPECT_EQ(part.view(), "3456");
  EXPECT_TRUE(part.has_block());
  EXPECT_EQ(block.references, 1u);
  EXPECT_EQ(part.Sub(2, 100).view(), "56") << "cut at the end";
}

TEST(SliceTest, ShareTakesWhatIsInsideAndLeavesLiterals) {
  CountedBlock block;
  Slice slice(&block, {block.bytes, 10});
  Slice inside = slice.Share(slice.view().substr(8));
  EXPECT_TRUE(inside.has_block());
  Slice literal = slice.Share("\r\n");
  EXPECT_FALSE(literal.has_block());
  EXPECT_EQ(literal.view(), "\r\n");
  // Bytes of the block that are not of the slice are somebody else's.
  EXPECT_FALSE(slice.Share({block.bytes + 9, 3}).has_block());
}

TEST(SliceTest, StaticNeedsNoBlock) {
  Slice slice = Slice::Static("literal");
  EXPECT_FALSE(slice.has_block());
  EXPECT_FALSE(slice.Sub(1, 3).has_block());
  EXPECT_EQ(slice.Sub(1, 3).view(), "ite");
  EXPECT_TRUE(Slice().empty());
}

TEST(SliceTest, CopyIsItsOwnAndCounted) {
  Counters counters;
  CountersScope scope(&counters);
  std::string bytes = "body";
  Slice slice = Slice::Copy(bytes);
  bytes[0] = 'X';
  EXPECT_EQ(slice.view(), "body");
  EXPECT_EQ(counters.Get(Counter::kBodyBytesCopied), 4u);
  EXPECT_FALSE(Slice::Copy("").has_block());
}

TEST(SliceChainTest, AppendsAndSkipsWhatIsEmpty) {
  SliceChain chain;
  chain.Append(Slice::Copy("one "));
  chain.Append(Slice());
  SliceChain other;
  other.Append(Slice::Static("two "));
  other.Append(Slice::Copy("three"));
  chain.Append(other);
  EXPECT_EQ(chain.slices().size(), 3u);
  EXPECT_EQ(chain.size(), 13u);
  EXPECT_EQ(chain.Gather().view(), "one two three");
  chain.Clear();
  EXPECT_TRUE(chain.empty());
  EXPECT_EQ(chain.slices().capacity(), 0u);
  EXPECT_TRUE(chain.Gather().empty());
}

TEST(SliceChainTest, GatherCountsItsCopyAndLetsGoOfTheBuffers) {
  CountedBlock block;
  Counters counters;
  CountersScope scope(&counters);
  SliceChain chain;
  chain.Append(Slice(&block, {block.bytes, 10}));
  chain.Append(Slice(&block, {block.bytes, 5}));
  Slice body = chain.Gather();
  chain.Clear();
  EXPECT_EQ(block.released, 1);
  EXPECT_EQ(body.view(), "012345678901234");
  EXPECT_EQ(counters.Get(Counter::kBodyBytesCopied), 15u);
}

}  // namespace
}  // namespace ringpost
