//===- CompressedAttention.cpp - What a rewrite made of an attention ------===//

#include "weir/Transforms/CompressedAttention.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Transforms/RaiseAttention.h"

using namespace mlir;
using namespace weir;

LogicalResult weir::checkCompressed(func::FuncOp window,
                                    ArrayRef<CompressedAttention> outcome,
                                    StringRef layers) {
  FailureOr<LayerSet> asked = LayerSet::parse(layers, window.getLoc());
  if (failed(asked))
    return failure();
  auto isLeft = [&](const CompressedAttention &entry) {
    return asked->contains(entry.layer) && !entry.reason.empty();
  };
  auto isDone = [](const CompressedAttention &entry) { return !entry.form.empty(); };
  const CompressedAttention *left = llvm::find_if(outcome, isLeft);
  bool isAllLeft = llvm::none_of(outcome, isDone);
  if (left == outcome.end() && !outcome.empty())
    return success();
  if (outcome.empty())
    return window.emitError() << "the model has no attention over its tokens";
  if (!isAllLeft && layers.empty())
    return success();
  InFlightDiagnostic error = window.emitError()
                             << "attention " << left->layer << " ('" << left->node
                             << "') cannot be compressed: " << left->reason;
  if (isAllLeft)
    attachHelp(error, "run the model as it is, --rewrite=continual or --rewrite=none");
  else
    attachHelp(error, "leave it out of layers=" + layers);
  return failure();
}
