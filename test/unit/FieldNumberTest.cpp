//===- FieldNumberTest.cpp - The laws that proofs rest on -----------------===//

#include "weir/Support/FieldNumber.h"
#include "gtest/gtest.h"
#include <cmath>

using weir::FieldNumber;

/// Some number, known modulo both primes.
static FieldNumber any(uint64_t seed) { return FieldNumber::random(seed, FieldNumber()); }

TEST(FieldNumber, KeepsTheLawsOfAField) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FieldNumber x = any(3 * seed), y = any(3 * seed + 1), z = any(3 * seed + 2);
    EXPECT_EQ((x * (y + z)).getBits(), (x * y + x * z).getBits());
    EXPECT_EQ((x - x).getBits(), FieldNumber().getBits());
    EXPECT_EQ((x / y * y).modP(), x.modP());
  }
}

TEST(FieldNumber, TurnsSumsOfExponentsIntoProducts) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    FieldNumber x = any(2 * seed), y = any(2 * seed + 1);
    EXPECT_EQ((x + y).exp().modP(), (x.exp() * y.exp()).modP());
    EXPECT_NE(x.exp().modP(), y.exp().modP());
  }
}

// Of floats whose products and sums are exact.
TEST(FieldNumber, HoldsFloatsExactly) {
  for (double x : {0.0, 1.0, -3.0, 0.375, -0x1p-60, 0x1.921fb6p+1})
    for (double y : {0.5, -1024.0, 0x1p-20}) {
      FieldNumber a = FieldNumber::fromFloat(x), b = FieldNumber::fromFloat(y);
      EXPECT_EQ(FieldNumber::fromFloat(x * y).getBits(), (a * b).getBits());
    }
  EXPECT_EQ(FieldNumber::fromFloat(-7).getBits(), FieldNumber::fromInt(-7).getBits());
  EXPECT_NE(FieldNumber::fromFloat(std::nextafter(1.0, 2)).getBits(),
            FieldNumber::fromFloat(1).getBits());
}

TEST(FieldNumber, WeighsWhatIsMaskedWithNothing) {
  for (double mask : {-HUGE_VAL, -3.4028234663852886e38}) {
    FieldNumber masked = any(1) + FieldNumber::fromFloat(mask);
    EXPECT_TRUE(masked.isLowest());
    EXPECT_EQ((masked - any(2)).exp().getBits(), FieldNumber().getBits());
    EXPECT_LT(masked.compare(FieldNumber()), 0);
  }
  EXPECT_FALSE(FieldNumber::fromFloat(-1e9).isLowest());
}
