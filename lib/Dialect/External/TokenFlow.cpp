//===- TokenFlow.cpp - Token flow of upstream ops: common pieces ----------===//

#include "TokenFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/External/TokenFlow.h"

using namespace mlir;
using namespace weir;

ArrayRef<int64_t> external::shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

bool external::isStaticTensorOp(Operation *op) {
  auto isStatic = [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return !shaped || (isa<RankedTensorType>(type) && shaped.hasStaticShape());
  };
  return op->getNumResults() == 1 && isa<RankedTensorType>(op->getResult(0).getType()) &&
         llvm::all_of(op->getOperandTypes(), isStatic) &&
         isStatic(op->getResult(0).getType());
}

bool external::addAxis(SmallVectorImpl<TokenAxis> &axes, const TokenAxis &axis) {
  if (llvm::is_contained(axes, axis))
    return true;
  if (axes.size() == 2 ||
      llvm::any_of(axes, [&](const TokenAxis &other) { return other.dim == axis.dim; }))
    return false;
  axes.push_back(axis);
  llvm::sort(axes);
  return true;
}

void weir::registerExternalTokenFlowModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *) {
    external::attachLinalgFlow(context);
  });
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    external::attachViewFlow(context);
    external::attachSliceFlow(context);
  });
}
