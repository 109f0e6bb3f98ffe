//===- SumStart.h - What the sums of a linalg op begin with ---------------===//

#ifndef WEIR_SUPPORT_SUMSTART_H
#define WEIR_SUPPORT_SUMSTART_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace weir {

/// Does each element of the only output belong to one sum?
inline bool sumsIntoAll(mlir::linalg::LinalgOp op) {
  return op.getNumReductionLoops() > 0 && op.getNumDpsInits() == 1 &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isProjectedPermutation();
}

/// The fill right before `op`, on memrefs, that does nothing but to begin its sums with
/// one constant; null where there is none.
///   linalg.fill ins(%zero) outs(%c)    linalg.generic {reduction} ins(%a, %b) outs(%c)
inline mlir::linalg::FillOp findSumStart(mlir::linalg::LinalgOp op) {
  if (!op.hasPureBufferSemantics() || !sumsIntoAll(op))
    return nullptr;
  for (mlir::Operation *before = op->getPrevNode(); before;
       before = before->getPrevNode()) {
    if (auto fill = llvm::dyn_cast<mlir::linalg::FillOp>(before)) {
      bool isStart = fill.output() == op.getDpsInits()[0] &&
                     mlir::matchPattern(fill.value(), mlir::m_Constant());
      return isStart ? fill : nullptr;
    }
    if (!mlir::isMemoryEffectFree(before))
      return nullptr;
  }
  return nullptr;
}

} // namespace weir

#endif // WEIR_SUPPORT_SUMSTART_H
