//===- Warmup.h - Can a model run on fewer tokens, or on all of them? ------===//

#ifndef WEIR_ANALYSIS_WARMUP_H
#define WEIR_ANALYSIS_WARMUP_H

#include "weir/Analysis/TokenFlow.h"

namespace weir {

/// The first op that keeps a function from meaning something on another number of tokens
/// than those of a window.
struct LengthObstacle {
  mlir::Operation *op;
  std::string reason;
  /// What the user can do.
  std::string help;
};

/// A step before the first full window can equal the function on the tokens that have
/// come where all ops that read other tokens say what an absent one reads as, and where
/// no constant is tied to the length of the window.
std::optional<LengthObstacle> findWarmupObstacle(mlir::func::FuncOp function,
                                                 const TokenFlowAnalysis &flows);

/// A step can equal the function on the whole stream so far where, beyond that, no row
/// ever depends on later tokens, or on earlier ones than the window holds. The flows keep
/// the past. A band that reaches over the whole window may be the window's end and not
/// its own, unless the bands are known (`knowsBands`).
std::optional<LengthObstacle> findStreamObstacle(mlir::func::FuncOp function,
                                                 const TokenFlowAnalysis &flows,
                                                 bool knowsBands);

} // namespace weir

#endif // WEIR_ANALYSIS_WARMUP_H
