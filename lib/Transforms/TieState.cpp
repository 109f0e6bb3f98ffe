//===- TieState.cpp - Bind results to the buffers they end in -------------===//
// return %k1 {weir.state = "k"}
//   ==>  %k2 = materialize_in_destination %k1 in %k    %k the argument of that name
// Done on tensors, before bufferization: one-shot analysis then sees all aliasing, and a
// conflict becomes a copy or an error, never wrong code. Results without an argument get
// one. A second run, after eliminate-empty-tensors, drops the ties that it made circular.

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_TIESTATE
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

/// The value that `value` is a view of.
static Value skipViews(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
             tensor::CastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// The value whose buffer the op that made `value` writes in place; null without one.
static Value getDestination(Value value) {
  Operation *op = value.getDefiningOp();
  unsigned number = cast<OpResult>(value).getResultNumber();
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return insert.getDest();
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return insert.getDest();
  if (auto inPlace = dyn_cast<DestinationStyleOpInterface>(op))
    return inPlace.getDpsInitOperand(number)->get();
  return nullptr;
}

/// Does `value` stand at the end of a chain of destinations that starts at `start`?
static bool isChain(Value value, Value start) {
  if (value == start)
    return true;
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  unsigned number = cast<OpResult>(value).getResultNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return isChain(loop.getInitArgs()[number], start) &&
           isChain(loop.getYieldedValues()[number], loop.getRegionIterArg(number));
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return isChain(branch.thenYield().getOperand(number), start) &&
           isChain(branch.elseYield().getOperand(number), start);
  Value destination = getDestination(value);
  return destination && isChain(destination, start);
}

/// One-shot analysis cannot tie a loop's result to what the loop itself starts from:
/// such a chain goes without a tie.
static bool isChainThroughLoop(Value value, Value start) {
  if (!isChain(value, start))
    return false;
  for (; value != start; value = getDestination(value))
    if (isa<scf::ForOp, scf::IfOp>(value.getDefiningOp()))
      return true;
  return false;
}

/// CSE shares empty and filled tensors; each further use would cost a buffer and a copy.
static void unshareEmpties(func::FuncOp function) {
  auto unshare = [](Operation *op) {
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
      if (op->hasOneUse())
        break;
      OpBuilder b(use.getOwner());
      use.set(b.clone(*op)->getResult(0));
    }
  };
  SmallVector<Operation *> fills, empties;
  function.walk([&](linalg::FillOp op) { fills.push_back(op); });
  llvm::for_each(fills, unshare);
  function.walk([&](tensor::EmptyOp op) { empties.push_back(op); });
  llvm::for_each(empties, unshare);
}

/// Right by construction: nothing that the function computes can meet what it writes.
static void readFromCopies(func::FuncOp function) {
  OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
  for (BlockArgument argument : function.getArguments()) {
    auto name =
        function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "weir.state");
    if (!name || argument.use_empty())
      continue;
    (void)missed(function, "state '{0}' is read from a copy", name.getValue());
    auto copy = bufferization::AllocTensorOp::create(
        b, function.getLoc(), cast<RankedTensorType>(argument.getType()), ValueRange{},
        argument);
    argument.replaceAllUsesExcept(copy, copy);
  }
}

namespace {
struct Tie {
  unsigned result;
  BlockArgument destination;
  bool isState;
};

struct TieState : weir::impl::TieStateBase<TieState> {
  using TieStateBase::TieStateBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || function.isPrivate())
      return;
    if (function->hasAttr("weir.tied"))
      return dropCircularTies(function);
    function->setAttr("weir.tied", UnitAttr::get(&getContext()));
    unshareEmpties(function);
    if (failed(tie(function)))
      signalPassFailure();
  }
  void dropCircularTies(func::FuncOp function);
  LogicalResult tie(func::FuncOp function);
  FailureOr<SmallVector<Tie>> chooseDestinations(func::FuncOp function);
};
} // namespace

void TieState::dropCircularTies(func::FuncOp function) {
  function.walk([](bufferization::MaterializeInDestinationOp op) {
    if (op->getNumResults() == 0 || !isChainThroughLoop(op.getSource(), op.getDest()))
      return;
    op.getResult().replaceAllUsesWith(op.getSource());
    op.erase();
  });
}

/// The argument of a state, or a new argument, for each tensor result.
FailureOr<SmallVector<Tie>> TieState::chooseDestinations(func::FuncOp function) {
  llvm::StringMap<unsigned> arguments;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (auto name = function.getArgAttrOfType<StringAttr>(i, "weir.state"))
      arguments[name.getValue()] = i;
  SmallVector<Tie> ties;
  for (unsigned result = 0; result < function.getNumResults(); ++result) {
    auto type = dyn_cast<RankedTensorType>(function.getResultTypes()[result]);
    if (!type)
      continue;
    auto state = function.getResultAttrOfType<StringAttr>(result, "weir.state");
    auto found = state ? arguments.find(state.getValue()) : arguments.end();
    if (found == arguments.end()) {
      unsigned index = function.getNumArguments();
      if (failed(function.insertArgument(index, type, function.getResultAttrDict(result),
                                         function.getLoc())))
        return failure();
      ties.push_back({result, function.getArgument(index), state != nullptr});
      continue;
    }
    BlockArgument argument = function.getArgument(found->second);
    if (argument.getType() != type)
      return function.emitError("state '")
             << state.getValue() << "' enters as " << argument.getType()
             << " and leaves as " << type;
    ties.push_back({result, argument, true});
  }
  // Outputs first: what they read of an old state is read before it is overwritten.
  llvm::stable_sort(ties,
                    [](const Tie &a, const Tie &b) { return a.isState < b.isState; });
  return ties;
}

LogicalResult TieState::tie(func::FuncOp function) {
  // Inputs stay as they are, and so does a state that the function only reads.
  llvm::SmallDenseSet<Attribute> written;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    written.insert(function.getResultAttr(i, "weir.state"));
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (Attribute state = function.getArgAttr(i, "weir.state");
        isa<TensorType>(function.getArgument(i).getType()) &&
        (!state || !written.contains(state)))
      function.setArgAttr(i, "bufferization.writable",
                          BoolAttr::get(&getContext(), false));
  FailureOr<SmallVector<Tie>> ties = chooseDestinations(function);
  if (failed(ties))
    return failure();
  if (copyStates)
    readFromCopies(function);
  auto back = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  OpBuilder b(back);
  // The old value of a state that goes elsewhere (a delay, a swap) is kept first.
  for (const Tie &tie : *ties) {
    Value value = back.getOperand(tie.result);
    auto source = dyn_cast<BlockArgument>(skipViews(value));
    if (source && source != tie.destination &&
        function.getArgAttr(source.getArgNumber(), "weir.state"))
      back.setOperand(tie.result,
                      bufferization::AllocTensorOp::create(
                          b, back.getLoc(), cast<RankedTensorType>(value.getType()),
                          ValueRange{}, value));
  }
  for (const Tie &tie : *ties) {
    Value value = back.getOperand(tie.result);
    if (value == tie.destination || isChainThroughLoop(value, tie.destination))
      continue;
    auto bound = bufferization::MaterializeInDestinationOp::create(
        b, back.getLoc(), value.getType(), value, tie.destination);
    back.setOperand(tie.result, bound.getResult());
  }
  return success();
}
