//===- VectorUnit.h - The vector registers of a processor -----------------===//

#ifndef WEIR_SUPPORT_VECTORUNIT_H
#define WEIR_SUPPORT_VECTORUNIT_H

#include "weir/Support/ByteDot.h"
#include <cstdint>

namespace weir {

struct VectorUnit {
  int64_t lanes = 8;      ///< f32 elements of a register
  int64_t registers = 16; ///< of them
  ByteDot dot = ByteDot::None;
};

} // namespace weir

#endif // WEIR_SUPPORT_VECTORUNIT_H
