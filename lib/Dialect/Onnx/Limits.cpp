//===- Limits.cpp - How large a tensor may be -----------------------------===//

#include "weir/Dialect/Onnx/Limits.h"
#include "Infer.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;

std::string onnx::whyUnbearable(ArrayRef<int64_t> shape) {
  if (shape.size() > maxRank)
    return llvm::formatv("{0} dimensions, but Weir takes {1} at most", shape.size(),
                         maxRank);
  int64_t elements = 1;
  for (int64_t size : shape)
    if (size > 0 &&
        (llvm::MulOverflow(elements, size, elements) || elements > maxElements))
      return llvm::formatv("{0} elements, but Weir takes 2^{1} at most",
                           detail::str(shape), maxElementsLog2);
  return "";
}

LogicalResult onnx::verifyBearable(Operation *op, TypeRange types) {
  for (Type type : types)
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      if (std::string why = whyUnbearable(tensor.getShape()); !why.empty())
        return op->emitOpError() << "computes a tensor of " << why;
  return success();
}
