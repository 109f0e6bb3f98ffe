//===- AttentionWeights.cpp - Spell what makes weights of scores ----------===//
// softmax  ==>  Softmax over the last dimension
// laplace  ==>  (1 + Erf((a - sqrt(1/2)) sqrt(2 pi))) / 2, as sqrt(1/(4 pi)) sqrt(2) is
//               1 / sqrt(2 pi)

#include "weir/Dialect/Onnx/AttentionWeights.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

Value onnx::makeWeights(OnnxBuilder &make, AttentionFunction function, Value scores) {
  if (function == AttentionFunction::Softmax)
    return make.make<SoftmaxOp>(scores, int64_t(-1));
  Type element = getElementType(scores);
  auto number = [&](double value) { return make.scalar(value, element); };
  Value shifted = make.sub(scores, number(std::sqrt(0.5)));
  Value step = make.make<ErfOp>(make.mul(shifted, number(std::sqrt(2 * M_PI))));
  return make.mul(make.add(step, number(1)), number(0.5));
}
