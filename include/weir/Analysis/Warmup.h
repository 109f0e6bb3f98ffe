//===- Warmup.h - Can a model run on fewer tokens than a window? ----------===//

#ifndef WEIR_ANALYSIS_WARMUP_H
#define WEIR_ANALYSIS_WARMUP_H

#include "weir/Analysis/TokenFlow.h"

namespace weir {

/// The first op that keeps `function` from meaning something on fewer tokens.
struct WarmupObstacle {
  mlir::Operation *op;
  std::string reason;
};

/// A step before the first full window can equal the function on the tokens that have
/// come where all ops that read other tokens say what an absent one reads as, and where
/// no constant is tied to the length of the window.
std::optional<WarmupObstacle> findWarmupObstacle(mlir::func::FuncOp function,
                                                 const TokenFlowAnalysis &flows);

} // namespace weir

#endif // WEIR_ANALYSIS_WARMUP_H
