//===- TargetTest.cpp - What is known of the processors compiled for ------===//

#include "weir/Target/Object/Object.h"
#include "gtest/gtest.h"

using namespace weir;

static std::pair<int64_t, int64_t> lanesAndRegisters(llvm::StringRef target) {
  VectorUnit vectors = getCpuTarget(target)->vectors;
  return {vectors.lanes, vectors.registers};
}

TEST(Target, VectorsFollowFromFeatures) {
  using Expected = std::pair<int64_t, int64_t>;
  EXPECT_EQ(lanesAndRegisters("x86-64-v2"), Expected(4, 16));
  EXPECT_EQ(lanesAndRegisters("x86-64-v3"), Expected(8, 16));
  EXPECT_EQ(lanesAndRegisters("x86-64-v4"), Expected(16, 32));
  EXPECT_EQ(lanesAndRegisters("aarch64"), Expected(4, 32));
  EXPECT_EQ(lanesAndRegisters("riscv64"), Expected(4, 8));
}
