//===- StepFacts.cpp - What a step says of itself -------------------------===//

#include "StepFacts.h"

using namespace mlir;
using namespace weir;

StepFacts StepFacts::of(func::FuncOp step) {
  StepFacts facts;
  if (!step)
    return facts;
  auto number = [&](StringRef name) {
    auto attribute = step->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  };
  facts.ready = number("weir.warmup");
  // A step written by hand may name one number only.
  facts.full = number("weir.full") ? number("weir.full") : facts.ready;
  facts.skipped = number("weir.skipped");
  if (auto semantics = step->getAttrOfType<StringAttr>("weir.semantics"))
    facts.semantics =
        semantics.getValue() == "deep" ? Semantics::Deep : Semantics::Stream;
  return facts;
}

int64_t StepFacts::windowSteps(const TokenAxis &axis) const {
  return std::max<int64_t>(full, llvm::divideCeil(axis.tokens, axis.chunk));
}
