//===- AnnotateTokenFlow.cpp - Write the facts of every value into the IR -===//
// op  ==>  op {weir.flow = "16 tokens in dim 1; slides with margins (0, 1)"}
// Always legal; how the analysis is tested and read.

#include "weir/Dialect/Weir/Weir.h"
#include "weir/Transforms/MakeContinual.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_ANNOTATETOKENFLOW
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
struct AnnotateTokenFlow : weir::impl::AnnotateTokenFlowBase<AnnotateTokenFlow> {
  using AnnotateTokenFlowBase::AnnotateTokenFlowBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    ContinualOptions options;
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    options.chunk = chunk;
    FailureOr<ArgumentAxes> axes = findTokenAxes(function, options);
    if (failed(axes))
      return signalPassFailure();
    TokenFlowAnalysis flows(function, *axes,
                            {recyclePositions, /*isExact=*/false, keepsPast});
    Builder builder(&getContext());
    for (Operation &op : function.getBody().front()) {
      if (op.getNumResults() == 0)
        continue;
      const TokenFlow &flow = flows.getFlow(op.getResult(0));
      std::string text = flow.str();
      if (flow.culprit && flow.culprit != &op)
        text += " (at " + getNodeName(flow.culprit) + ")";
      op.setAttr("weir.flow", builder.getStringAttr(text));
    }
  }
};
} // namespace
