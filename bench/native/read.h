/* read.h - Vectors of the widest registers that the compiler was told of, and a loop that
 * reads floats at full speed. */

#ifndef READ_H
#define READ_H

#include <stddef.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
typedef float Vector __attribute__((vector_size(4 * LANES)));

/* Eight chains hide the latency of an addition. */
enum { CHAINS = 8, READ_STEP = CHAINS * LANES };

static inline float sumOf(Vector v) {
  float sum = 0;
  for (int i = 0; i < LANES; ++i)
    sum += v[i];
  return sum;
}

/* The sum of `count` floats at a multiple of 64 bytes; `count` is a multiple of
 * READ_STEP. */
__attribute__((noinline)) static float readFloats(const float *floats, size_t count) {
  Vector sums[CHAINS] = {};
  for (size_t i = 0; i < count; i += READ_STEP)
#pragma clang loop unroll(full)
    for (int chain = 0; chain < CHAINS; ++chain)
      sums[chain] += *(const Vector *)(floats + i + chain * LANES);
  Vector all = {};
  for (int chain = 0; chain < CHAINS; ++chain)
    all += sums[chain];
  return sumOf(all);
}

/* Tells the processor that this thread only waits. */
static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
