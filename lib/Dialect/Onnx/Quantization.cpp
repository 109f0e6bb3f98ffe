//===- Quantization.cpp - How scales spread over quantized tensors --------===//

#include "weir/Dialect/Onnx/Quantization.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

std::optional<ScaleSpread> onnx::resolveScale(ArrayRef<int64_t> shape,
                                              ArrayRef<int64_t> scale, int64_t axis,
                                              int64_t blockSize) {
  if (blockSize == 0 && (scale.empty() || (scale.size() == 1 && scale[0] == 1)))
    return ScaleSpread{};
  std::optional<int64_t> dim = normalizeAxis(axis, shape.size());
  if (!dim || blockSize < 0)
    return std::nullopt;
  if (blockSize == 0) {
    if (scale.size() != 1 || scale[0] != shape[*dim])
      return std::nullopt;
    return ScaleSpread{ScaleSpread::Axis, *dim};
  }
  Shape blocks(shape);
  blocks[*dim] = llvm::divideCeil(blocks[*dim], blockSize);
  if (scale != ArrayRef(blocks))
    return std::nullopt;
  return ScaleSpread{ScaleSpread::Blocks, *dim, blockSize};
}

ScaleSpread onnx::getScaleSpread(Operation *op) {
  auto number = [&](StringRef name, int64_t otherwise) {
    auto attribute = op->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getSInt() : otherwise;
  };
  return *resolveScale(*getStaticShape(op->getOperand(0)),
                       *getStaticShape(op->getOperand(1)), number("axis", 1),
                       number("block_size", 0));
}

// QLinearConv, QAttention, DynamicQuantizeMatMul, ConvInteger ...
bool onnx::isQuantizedOperator(StringRef name) {
  if (name.starts_with("DynamicQuantize") || name.starts_with("MatMulInteger") ||
      name.starts_with("ConvInteger"))
    return true;
  return name.size() > 1 && name.front() == 'Q' && llvm::isUpper(name[1]);
}
