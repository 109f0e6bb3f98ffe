//===- ByteDot.h - Products of bytes that a processor sums ----------------===//

#ifndef WEIR_SUPPORT_BYTEDOT_H
#define WEIR_SUPPORT_BYTEDOT_H

namespace weir {

/// An instruction that adds four products of bytes to each 32-bit lane of a register.
enum class ByteDot {
  None,
  Avx,    ///< vpdpbusd on 256 bits: AVX-VNNI
  Avx512, ///< vpdpbusd on 512 bits: AVX512-VNNI
  Neon    ///< sdot on 128 bits
};

} // namespace weir

#endif // WEIR_SUPPORT_BYTEDOT_H
