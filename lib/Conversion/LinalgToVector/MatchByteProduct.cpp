//===- MatchByteProduct.cpp - Find products with 8-bit weights ------------===//

#include "ByteProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace weir;

/// Is the body `acc + x * (sitofp(w) * scale)`?
static bool isScaledProduct(Block &body) {
  if (body.getNumArguments() != 4)
    return false;
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  auto product = sum ? sum.getRhs().getDefiningOp<arith::MulFOp>() : nullptr;
  auto weight = product ? product.getRhs().getDefiningOp<arith::MulFOp>() : nullptr;
  auto whole = weight ? weight.getLhs().getDefiningOp<arith::SIToFPOp>() : nullptr;
  return whole && sum.getLhs() == body.getArgument(3) &&
         product.getLhs() == body.getArgument(0) &&
         weight.getRhs() == body.getArgument(2) && whole.getIn() == body.getArgument(1);
}

static bool hasElements(Value buffer, Type element) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  return type && type.getElementType() == element;
}

std::optional<ByteProduct> weir::matchByteProduct(const Nest &nest) {
  Builder b(nest.op->getContext());
  if (nest.numInputs != 3 || !nest.reduces() || !isScaledProduct(*nest.body))
    return std::nullopt;
  for (unsigned i : {0, 2, 3})
    if (!hasElements(nest.op->getOperand(i), b.getF32Type()))
      return std::nullopt;
  ByteProduct found;
  found.columns = found.groups = found.rest = nullptr;
  for (const Loop &loop : nest.loops) {
    int64_t weights = loop.strides[found.weights], scales = loop.strides[found.scales];
    if (loop.reduces && weights == 1 && loop.extent == byteGroup)
      found.rest = &loop;
    else if (loop.reduces && weights == panel * byteGroup)
      found.groups = &loop;
    else if (loop.reduces)
      return std::nullopt;
    else if (weights == byteGroup && scales == 1 && loop.extent == panel &&
             loop.strides.back() == 1)
      found.columns = &loop;
    else if (weights == 0 && (!found.row || loop.extent > found.row->extent))
      found.row = &loop;
  }
  if (!found.columns || !found.groups || !found.rest ||
      found.groups->strides[found.rows] != byteGroup * found.rest->strides[found.rows])
    return std::nullopt;
  for (const Loop &loop : nest.loops) {
    if (&loop == found.columns || &loop == found.groups || &loop == found.rest ||
        &loop == found.row)
      continue;
    if (!found.panels && loop.strides[found.weights] == found.depth() * panel &&
        loop.strides[found.rows] == 0)
      found.panels = &loop;
    else
      found.outer.push_back(&loop);
  }
  return found;
}
