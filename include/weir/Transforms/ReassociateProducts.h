//===- ReassociateProducts.h - Multiply a chain in the cheapest order -----===//

#ifndef WEIR_TRANSFORMS_REASSOCIATEPRODUCTS_H
#define WEIR_TRANSFORMS_REASSOCIATEPRODUCTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace weir {

/// Moves fixed linear maps over the matrix products beside them wherever that takes fewer
/// multiply-accumulates; returns how many fewer.
int64_t reassociateProducts(mlir::func::FuncOp function);

} // namespace weir

#endif // WEIR_TRANSFORMS_REASSOCIATEPRODUCTS_H
