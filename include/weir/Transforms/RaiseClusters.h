//===- RaiseClusters.h - Clusters of tokens in ONNX's operators -----------===//

#ifndef WEIR_TRANSFORMS_RAISECLUSTERS_H
#define WEIR_TRANSFORMS_RAISECLUSTERS_H

#include "weir/Transforms/MakeContinual.h"

namespace weir {

/// Makes weir.cluster_affinity, weir.choose_clusters, weir.gather_tokens,
/// weir.scatter_add_tokens and weir.cluster_members of the operators of ONNX that say
/// the same of tokens.
llvm::LogicalResult raiseClusters(mlir::func::FuncOp function, const ArgumentAxes &axes);

} // namespace weir

#endif // WEIR_TRANSFORMS_RAISECLUSTERS_H
