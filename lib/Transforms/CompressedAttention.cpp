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
  auto isDone = [](const CompressedAttention &entry) { return !entry.form.empty(); };
  auto isLeft = [&](const CompressedAttention &entry) {
    return asked->contains(entry.layer) && !isDone(entry);
  };
  if (outcome.empty())
    return window.emitError() << "the model has no attention over its tokens";
  bool isAllLeft = llvm::none_of(outcome, isDone);
  const CompressedAttention *left = llvm::find_if(outcome, isLeft);
  if (left == outcome.end() || (!isAllLeft && layers.empty()))
    return success();
  auto name = [](const CompressedAttention &entry) {
    return ("attention " + Twine(entry.layer) + " ('" + entry.node + "')").str();
  };
  InFlightDiagnostic error = window.emitError()
                             << name(*left) << " cannot be compressed: " << left->reason;
  for (const CompressedAttention &other :
       llvm::drop_begin(outcome, left + 1 - outcome.begin()))
    if (isLeft(other))
      error.attachNote() << "nor can " << name(other) << ": " << other.reason;
  if (isAllLeft)
    attachHelp(error, "run the model as it is, --rewrite=continual or --rewrite=none");
  else
    attachHelp(error, "leave what cannot be compressed out of layers=" + layers);
  return failure();
}
