//===- Limits.cpp - How large a tensor may be -----------------------------===//

#include "weir/Dialect/Onnx/Limits.h"
#include "Infer.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;

bool onnx::isBearableShape(ArrayRef<int64_t> shape) {
  constexpr int64_t most = int64_t(1) << maxElementsLog2;
  int64_t elements = 1;
  for (int64_t size : shape)
    if (size > 0 && (llvm::MulOverflow(elements, size, elements) || elements > most))
      return false;
  return true;
}

LogicalResult onnx::verifyBearable(Operation *op, TypeRange types) {
  for (Type type : types)
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      if (!isBearableShape(tensor.getShape()))
        return op->emitOpError()
               << "computes a tensor of " << detail::str(tensor.getShape())
               << " elements, but Weir takes 2^" << maxElementsLog2 << " at most";
  return success();
}
