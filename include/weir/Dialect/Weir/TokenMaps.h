//===- TokenMaps.h - Matrices of fixed linear maps along the tokens -------===//
// Row-major, as the ops of WeirTokenMapOps.td describe them: `kept` rows of `tokens`
// columns, computed to the rounding of a double at any size.

#ifndef WEIR_DIALECT_WEIR_TOKENMAPS_H
#define WEIR_DIALECT_WEIR_TOKENMAPS_H

#include "mlir/IR/Operation.h"
#include <vector>

namespace weir {

/// cos(2 pi j / 4n), j < 4n: the phases of n tokens. The second half is the first one
/// negated, to the bit.
std::vector<double> makeTurnOfCosines(int64_t tokens);

std::vector<double> makeDctMatrix(int64_t tokens, int64_t kept);
std::vector<double> makeResampleMatrix(int64_t tokens, int64_t kept);
std::vector<double> makePoolMatrix(int64_t tokens, int64_t kept);

/// That of a `weir.dct`, `weir.idct`, `weir.resample` or `weir.pool`.
std::vector<double> makeTokenMapMatrix(mlir::Operation *op);

} // namespace weir

#endif // WEIR_DIALECT_WEIR_TOKENMAPS_H
