//===- Frequencies.cpp - Transforms of tokens that a step may update ------===//

#include "weir/Analysis/Frequencies.h"

using namespace mlir;
using namespace weir;

std::optional<TokenAxis> weir::findFrequencyAxis(Operation *op,
                                                 const TokenFlowAnalysis &flows) {
  auto interface = dyn_cast_or_null<FrequencyOpInterface>(op);
  if (!interface)
    return std::nullopt;
  const TokenFlow &flow = flows.getFlow(op->getOperand(0));
  if (!flow.slides() || flow.axes.size() != 1)
    return std::nullopt;
  const TokenAxis &axis = flow.axes.front();
  const Margins &margins = flow.margins.front();
  int64_t size = cast<RankedTensorType>(op->getOperand(0).getType()).getDimSize(axis.dim);
  bool isWhole = axis.dim == interface.getTokenDim() && axis.inner == 1 &&
                 axis.lead == 0 && axis.tail == 0 && axis.tokens == size;
  if (!isWhole || margins.left != 0 || margins.right != axis.chunk)
    return std::nullopt;
  return axis;
}

ArrayRef<StringRef> weir::frequencyStates() {
  static constexpr StringLiteral names[] = {"real", "imaginary", "shadow_real",
                                            "shadow_imaginary"};
  static const SmallVector<StringRef> views(std::begin(names), std::end(names));
  return views;
}

RankedTensorType weir::getFrequencyType(FrequencyOpInterface op) {
  auto tokens = cast<RankedTensorType>(op->getOperand(0).getType());
  SmallVector<int64_t> shape(tokens.getShape());
  shape[op.getTokenDim()] = op.getNumFrequencies();
  return tokens.clone(shape);
}
