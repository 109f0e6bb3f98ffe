//===- SettleState.cpp - Prove that states are updated in place -----------===//
// func @step(%x, %k) -> memref "k" { ... return %k }  ==>  func @step(%x, %k) { ... }
// After bufferization. A result that is the argument of its name is dropped; one that
// ended in a fresh buffer is copied back; anything else is an error. A state that is
// copied from a temporary, here or before, gets a remark.

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_SETTLESTATE
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

/// The name of a state or an output, and which of the two it is.
static std::pair<StringRef, Attribute> portOf(DictionaryAttr attributes) {
  for (StringRef kind : {"weir.state", "weir.output"})
    if (Attribute name = attributes ? attributes.get(kind) : nullptr)
      return {kind, name};
  return {};
}

/// The last argument of that name: destinations stand behind inputs.
static BlockArgument findDestination(func::FuncOp function, DictionaryAttr result) {
  auto port = portOf(result);
  for (int i = function.getNumArguments() - 1; i >= 0; --i)
    if (portOf(function.getArgAttrDict(i)) == port)
      return function.getArgument(i);
  return nullptr;
}

/// The value that `value` is a view of.
static Value skipViews(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  return value;
}

/// Is all of `state` copied from a temporary?
static bool isCopiedInto(BlockArgument state) {
  return llvm::any_of(state.getUsers(), [&](Operation *user) {
    auto copy = dyn_cast<memref::CopyOp>(user);
    return copy && copy.getTarget() == state &&
           skipViews(copy.getSource()).getDefiningOp<memref::AllocOp>();
  });
}

namespace {
struct SettleState : weir::impl::SettleStateBase<SettleState> {
  using SettleStateBase::SettleStateBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function->removeAttr("weir.tied"))
      return;
    auto back = cast<func::ReturnOp>(function.getBody().front().getTerminator());
    llvm::BitVector dropped(function.getNumResults());
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      if (failed(settle(function, back, i)))
        return signalPassFailure();
      dropped.set(i);
    }
    back->eraseOperands(dropped);
    if (failed(function.eraseResults(dropped)))
      signalPassFailure();
  }

  LogicalResult settle(func::FuncOp function, func::ReturnOp back, unsigned result) {
    DictionaryAttr attributes = function.getResultAttrDict(result);
    BlockArgument destination = findDestination(function, attributes);
    auto [kind, attribute] = portOf(attributes);
    StringRef name = cast<StringAttr>(attribute).getValue();
    Value value = back.getOperand(result);
    if (value != destination) {
      if (isa<BlockArgument>(skipViews(value)))
        return function.emitError("'") << name << "' ends in the buffer of another value";
      OpBuilder b(back);
      memref::CopyOp::create(b, back.getLoc(), value, destination);
    }
    if (kind == "weir.state" && isCopiedInto(destination))
      (void)missed(function, "state '{0}' is not updated in place: one copy a step",
                   name);
    return success();
  }
};
} // namespace
