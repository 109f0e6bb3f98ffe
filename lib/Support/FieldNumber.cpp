//===- FieldNumber.cpp - Numbers in which a rewrite can be proved ---------===//

#include "weir/Support/FieldNumber.h"
#include <cmath>

using namespace weir;

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus) {
  uint64_t result = 1;
  for (base %= modulus; exponent; exponent >>= 1, base = base * base % modulus)
    if (exponent & 1)
      result = result * base % modulus;
  return result;
}

static uint64_t inverse(uint64_t value, uint64_t prime) {
  return power(value, prime - 2, prime);
}

static uint64_t mix(uint64_t x) { // the finaliser of SplitMix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

FieldNumber FieldNumber::fromInt(int64_t value) {
  auto residue = [&](int64_t modulus) { return (value % modulus + modulus) % modulus; };
  return FieldNumber(residue(p), residue(q));
}

FieldNumber FieldNumber::fromFloat(double value) {
  if (value <= lowestFloat)
    return lowest();
  if (!std::isfinite(value)) // of infinity and NaN nothing is known but that they are
    return random(std::isnan(value) ? 1 : 2, FieldNumber());
  int exponent;
  FieldNumber mantissa =
      fromInt(static_cast<int64_t>(std::ldexp(std::frexp(value, &exponent), 53)));
  exponent -= 53;
  auto scale = [&](uint64_t modulus) {
    uint64_t factor = power(2, std::abs(exponent), modulus);
    return exponent < 0 ? inverse(factor, modulus) : factor;
  };
  return mantissa * FieldNumber(scale(p), scale(q));
}

FieldNumber FieldNumber::random(uint64_t tag, FieldNumber x) {
  uint64_t hash = mix(mix(tag) ^ x.modP());
  return FieldNumber(hash % p, mix(hash) % q);
}

FieldNumber FieldNumber::reseed() const {
  return isLowest() ? *this : FieldNumber(modP(), mix(modP()) % q);
}

FieldNumber FieldNumber::operator+(FieldNumber other) const {
  if (isLowest() || other.isLowest())
    return lowest();
  return FieldNumber((modP() + other.modP()) % p, (modQ() + other.modQ()) % q);
}

FieldNumber FieldNumber::operator-() const {
  return isLowest() ? *this : FieldNumber((p - modP()) % p, (q - modQ()) % q);
}

FieldNumber FieldNumber::operator*(FieldNumber other) const {
  if (isLowest() || other.isLowest())
    return modP() == 0 || other.modP() == 0 ? FieldNumber() : lowest();
  return FieldNumber(modP() * other.modP() % p, modQ() * other.modQ() % q);
}

FieldNumber FieldNumber::operator/(FieldNumber other) const {
  if (isLowest() || other.isLowest())
    return FieldNumber();
  return FieldNumber(modP() * inverse(other.modP(), p) % p, 0).reseed();
}

FieldNumber FieldNumber::exp() const {
  return isLowest() ? FieldNumber() : FieldNumber(power(g, modQ(), p), 0).reseed();
}

int FieldNumber::compare(FieldNumber other) const {
  auto key = [](FieldNumber x) {
    return x.isLowest() ? -1 : static_cast<int64_t>(x.modP());
  };
  return key(*this) < key(other) ? -1 : key(*this) > key(other);
}

namespace {
using Bits = uint64_t;
FieldNumber number(Bits bits) { return FieldNumber::fromBits(bits); }
Bits add(Bits x, Bits y) { return (number(x) + number(y)).getBits(); }
Bits sub(Bits x, Bits y) { return (number(x) - number(y)).getBits(); }
Bits mul(Bits x, Bits y) { return (number(x) * number(y)).getBits(); }
Bits div(Bits x, Bits y) { return (number(x) / number(y)).getBits(); }
Bits compare(Bits x, Bits y) {
  return static_cast<int64_t>(number(x).compare(number(y)));
}
Bits max(Bits x, Bits y) { return number(x).compare(number(y)) < 0 ? y : x; }
Bits min(Bits x, Bits y) { return number(x).compare(number(y)) < 0 ? x : y; }
Bits neg(Bits x) { return (-number(x)).getBits(); }
Bits exp(Bits x) { return number(x).exp().getBits(); }
Bits reseed(Bits x) { return number(x).reseed().getBits(); }
Bits fromInt(Bits x) { return FieldNumber::fromInt(x).getBits(); }
Bits random(Bits tag, Bits x) { return FieldNumber::random(tag, number(x)).getBits(); }

template <typename... Args>
FieldFunction entry(llvm::StringRef symbol, Bits (*function)(Args...)) {
  return {symbol, sizeof...(Args), reinterpret_cast<void *>(function)};
}
} // namespace

llvm::ArrayRef<FieldFunction> weir::getFieldFunctions() {
  static const FieldFunction functions[] = {
      entry("weir_field_add", add),       entry("weir_field_sub", sub),
      entry("weir_field_mul", mul),       entry("weir_field_div", div),
      entry("weir_field_max", max),       entry("weir_field_min", min),
      entry("weir_field_neg", neg),       entry("weir_field_exp", exp),
      entry("weir_field_reseed", reseed), entry("weir_field_from_int", fromInt),
      entry("weir_field_random", random), entry("weir_field_compare", compare)};
  return functions;
}
