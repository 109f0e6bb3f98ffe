//===- ByteProduct.h - Products with 8-bit weights in groups of four ------===//
// y[m, 16 j + v] += x[m, 4 k + r] * (w[j, k, v, r] * scale[j, v])

#ifndef WEIR_LIB_CONVERSION_LINALGTOVECTOR_BYTEPRODUCT_H
#define WEIR_LIB_CONVERSION_LINALGTOVECTOR_BYTEPRODUCT_H

#include "Nest.h"
#include "weir/Support/Panels.h"
#include "weir/Support/VectorUnit.h"

namespace weir {

/// Such a nest by its loops, which point into it; null are those that run once.
struct ByteProduct {
  unsigned rows = 0, weights = 1, scales = 2; // operands
  const Loop *row = nullptr, *panels = nullptr;
  const Loop *columns, *groups, *rest;   // of a panel, of the depth, of a group
  llvm::SmallVector<const Loop *> outer; // around all of it

  int64_t numRows() const { return row ? row->extent : 1; }
  int64_t numPanels() const { return panels ? panels->extent : 1; }
  int64_t numGroups() const { return groups->extent; }
  int64_t depth() const { return numGroups() * byteGroup; }
};

std::optional<ByteProduct> matchByteProduct(const Nest &nest);

/// Replaces the nest's op by its loops. With a dot product, rows become whole numbers of
/// 16 bits times a scale each and their sums are exact; else weights are widened and
/// summed in the order of the depth. Either way, no row depends on how many there are.
void emitByteProduct(const Nest &nest, const ByteProduct &product,
                     const VectorUnit &vectors);

} // namespace weir

#endif // WEIR_LIB_CONVERSION_LINALGTOVECTOR_BYTEPRODUCT_H
