//===- Products.h - Products among linalg ops -----------------------------===//

#ifndef WEIR_LIB_TRANSFORMS_PRODUCTS_H
#define WEIR_LIB_TRANSFORMS_PRODUCTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace weir {

/// A sum of products of two operands.
inline bool isContraction(mlir::linalg::LinalgOp op) {
  return op.getNumReductionLoops() > 0 && op.getNumDpsInputs() >= 2;
}

/// What `match` makes of an op and one of its inputs, of the first input for which it
/// makes something: all that are found in `root`.
template <typename Product>
llvm::SmallVector<Product> collectProducts(
    mlir::Operation *root,
    std::optional<Product> (*match)(mlir::linalg::GenericOp, mlir::OpOperand &)) {
  llvm::SmallVector<Product> products;
  root->walk([&](mlir::linalg::GenericOp op) {
    for (mlir::OpOperand *input : op.getDpsInputOperands())
      if (std::optional<Product> product = match(op, *input)) {
        products.push_back(*product);
        break;
      }
  });
  return products;
}

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_PRODUCTS_H
