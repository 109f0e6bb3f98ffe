//===- TargetTest.cpp - What is known of the processors compiled for ------===//

#include "weir/Target/Object/CpuTarget.h"
#include "gtest/gtest.h"

using namespace weir;

static std::pair<int64_t, int64_t> lanesAndRegisters(llvm::StringRef target) {
  VectorUnit vectors = llvm::cantFail(getCpuTarget(target)).vectors;
  return {vectors.lanes, vectors.registers};
}

TEST(Target, VectorsFollowFromFeatures) {
  using Expected = std::pair<int64_t, int64_t>;
  EXPECT_EQ(lanesAndRegisters("x86-64-v2"), Expected(4, 16));
  EXPECT_EQ(lanesAndRegisters("x86-64-v3"), Expected(8, 16));
  EXPECT_EQ(lanesAndRegisters("x86-64-v4"), Expected(16, 32));
  EXPECT_EQ(lanesAndRegisters("aarch64"), Expected(4, 32));
  EXPECT_EQ(lanesAndRegisters("riscv64"), Expected(4, 8));
  EXPECT_EQ(lanesAndRegisters("riscv64+v"), Expected(4, 32));
  EXPECT_EQ(lanesAndRegisters("x86-64-v2+avx2"), Expected(8, 16));
}

TEST(Target, ProcessorsBringTheirFeatures) {
  auto dot = [](llvm::StringRef target) {
    return llvm::cantFail(getCpuTarget(target)).vectors.dot;
  };
  EXPECT_EQ(dot("x86-64-v4"), ByteDot::None);
  EXPECT_EQ(dot("x86-64-v4+avx512vnni"), ByteDot::Avx512);
  EXPECT_EQ(dot("icelake-server"), ByteDot::Avx512);
  EXPECT_EQ(dot("znver4"), ByteDot::Avx512);
  EXPECT_EQ(dot("alderlake"), ByteDot::Avx);
  EXPECT_EQ(dot("aarch64"), ByteDot::None);
  EXPECT_EQ(dot("aarch64+dotprod"), ByteDot::Neon);
  EXPECT_EQ(dot("neoverse-v1"), ByteDot::Neon);
  EXPECT_EQ(dot("apple-m1"), ByteDot::Neon);
  EXPECT_EQ(lanesAndRegisters("sifive-x280"), (std::pair<int64_t, int64_t>(4, 32)));
}

// What LLVM would ignore, or end the process over, is no target.
TEST(Target, OtherNamesAreRefused) {
  auto message = [](llvm::StringRef target) {
    llvm::Expected<CpuTarget> found = getCpuTarget(target);
    return found ? "" : llvm::toString(found.takeError());
  };
  for (llvm::StringRef name :
       {"", "x86-64-v5", "generic", "help", "i386", "sifive-e31", "cortex-m4", "znver4,"})
    EXPECT_NE(message(name).find("'" + name.str() + "' is no target: give native"),
              std::string::npos)
        << name.str();
  for (llvm::StringRef feature : {"", "dotprod", "16bit-mode", "soft-float", "avx9"})
    EXPECT_EQ(message("x86-64-v3+" + feature.str()),
              "'" + feature.str() +
                  "' is no feature that LLVM knows of x86-64 processors");
  for (llvm::StringRef feature : {"32bit", "e"})
    EXPECT_NE(message("riscv64+" + feature.str()), "");
}
