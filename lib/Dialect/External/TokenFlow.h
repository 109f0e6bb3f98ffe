//===- TokenFlow.h - Pieces shared by the models of upstream ops ----------===//

#ifndef WEIR_LIB_DIALECT_EXTERNAL_TOKENFLOW_H
#define WEIR_LIB_DIALECT_EXTERNAL_TOKENFLOW_H

#include "weir/Interfaces/TokenFlowOpInterface.h"
#include "weir/Interfaces/TokenViews.h"

namespace weir::external {

using Flows = llvm::ArrayRef<TokenFlow>;

llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);
/// One result, and nothing but tensors of static shape and scalars.
bool isStaticTensorOp(mlir::Operation *op);

/// False when another axis stands in the dimension of `axis`, or two others do anywhere.
bool addAxis(llvm::SmallVectorImpl<TokenAxis> &axes, const TokenAxis &axis);

/// Can `value`, into which an op writes, be made anew for some rows? It is empty, or all
/// of its elements are one constant.
bool isFreshDestination(mlir::Value value);
/// The same destination in another type.
mlir::Value makeDestination(mlir::OpBuilder &builder, mlir::Value value,
                            mlir::RankedTensorType type);

void attachLinalgFlow(mlir::MLIRContext *context);
void attachViewFlow(mlir::MLIRContext *context);
void attachSliceFlow(mlir::MLIRContext *context);

} // namespace weir::external

#endif // WEIR_LIB_DIALECT_EXTERNAL_TOKENFLOW_H
