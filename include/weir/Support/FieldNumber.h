//===- FieldNumber.h - Numbers in which a rewrite can be proved -----------===//
// Rounding hides small faults: a stale row that softmax gives little weight differs by
// less than any tolerance. In a finite field nothing is small and nothing rounds, so two
// programs that are equal as formulas give equal numbers, and two that are not differ at
// nearly every random point (Schwartz and Zippel's lemma; tensor programs are tested so
// in Wu et al., "Mirage", OSDI 2025, arXiv 2405.05751).

#ifndef WEIR_SUPPORT_FIELDNUMBER_H
#define WEIR_SUPPORT_FIELDNUMBER_H

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace weir {

/// A pair of residues (x mod p, x mod q) with p = 2 q + 1, both prime. Exponents live
/// modulo q: e^x = g^(x mod q) in Z_p, where g has order q, so that e^(x + y) = e^x e^y
/// holds exactly. What comes out of an exponential is known modulo p alone; its residue
/// modulo q, like the values of functions without algebra (sqrt, erf, ...), is a random
/// function of what is known.
///
/// Example: softmax of (a, b) as e^a / (e^a + e^b) and as e^(a - b) / (e^(a - b) + 1)
/// is the same number, bit for bit.
///
/// One more number is `lowest`: minus infinity, and what a mask may hold for it.
class FieldNumber {
public:
  static constexpr uint64_t p = 2147483579, q = 1073741789, g = 4;
  /// What is as good as minus infinity beside any score: see TokenFlowBand.cpp.
  static constexpr double lowestFloat = -1e30;

  constexpr FieldNumber() = default;
  constexpr FieldNumber(uint64_t modP, uint64_t modQ) : bits(modP | modQ << 32) {}
  static constexpr FieldNumber fromBits(uint64_t bits) {
    return FieldNumber(bits & 0xffffffff, bits >> 32);
  }
  static constexpr FieldNumber lowest() { return FieldNumber(0xffffffff, 0); }
  static FieldNumber fromInt(int64_t value);
  /// Finite floats are m 2^e with integers m and e, and so residues too.
  static FieldNumber fromFloat(double value);
  /// A value of the function `tag` at `x`, the same at every call.
  static FieldNumber random(uint64_t tag, FieldNumber x);

  constexpr uint64_t getBits() const { return bits; }
  constexpr uint64_t modP() const { return bits & 0xffffffff; }
  constexpr uint64_t modQ() const { return bits >> 32; }
  constexpr bool isLowest() const { return modP() == 0xffffffff; }
  /// With a residue modulo q that follows from the one modulo p.
  FieldNumber reseed() const;

  FieldNumber operator+(FieldNumber other) const;
  FieldNumber operator-() const;
  FieldNumber operator-(FieldNumber other) const { return *this + -other; }
  FieldNumber operator*(FieldNumber other) const;
  /// x / 0 = 0.
  FieldNumber operator/(FieldNumber other) const;
  FieldNumber exp() const;
  /// -1, 0 or 1. An order, though not that of real numbers: it makes maxima commute.
  int compare(FieldNumber other) const;

private:
  uint64_t bits = 0;
};

/// A function of one or two numbers that compiled code calls, by the name of its symbol.
struct FieldFunction {
  llvm::StringRef symbol;
  unsigned numOperands;
  void *address;
};
/// All of them: weir_field_{add,sub,mul,div,max,min,compare} and
/// weir_field_{neg,exp,reseed,from_int}; weir_field_random takes a tag and a number.
llvm::ArrayRef<FieldFunction> getFieldFunctions();

} // namespace weir

#endif // WEIR_SUPPORT_FIELDNUMBER_H
