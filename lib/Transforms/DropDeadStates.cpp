//===- DropDeadStates.cpp - Drop states that no output depends on ---------===//
// A counter that only counts goes; one that a table is read by stays. A state is alive
// when an output, or the new value of a living state, is computed from it in any entry.

#include "EraseDeadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "weir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"

namespace weir {
#define GEN_PASS_DEF_DROPDEADSTATES
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

static StringAttr stateOfArgument(func::FuncOp function, unsigned index) {
  return function.getArgAttrOfType<StringAttr>(index, "weir.state");
}

static StringAttr stateOfResult(func::FuncOp function, unsigned index) {
  return function.getResultAttrOfType<StringAttr>(index, "weir.state");
}

/// Adds the states that `value` is computed from; true when one is new.
static bool addStatesBehind(Value value, func::FuncOp function,
                            llvm::StringSet<> &alive) {
  bool isNew = false;
  llvm::SmallPtrSet<void *, 32> seen;
  SmallVector<Value> work = {value};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (!seen.insert(value.getAsOpaquePointer()).second)
      continue;
    if (Operation *op = value.getDefiningOp())
      llvm::append_range(work, op->getOperands());
    else if (StringAttr name =
                 stateOfArgument(function, cast<BlockArgument>(value).getArgNumber()))
      isNew |= alive.insert(name.getValue()).second;
  }
  return isNew;
}

static llvm::StringSet<> findLivingStates(ArrayRef<func::FuncOp> functions) {
  llvm::StringSet<> alive;
  for (bool changed = true; changed;) {
    changed = false;
    for (func::FuncOp function : functions) {
      Operation *terminator = function.getBody().front().getTerminator();
      for (auto [index, value] : llvm::enumerate(terminator->getOperands())) {
        StringAttr name = stateOfResult(function, index);
        if (!name || alive.contains(name.getValue()))
          changed |= addStatesBehind(value, function, alive);
      }
    }
  }
  return alive;
}

static void dropStates(func::FuncOp function, const llvm::StringSet<> &alive) {
  Operation *terminator = function.getBody().front().getTerminator();
  llvm::BitVector results(function.getNumResults()),
      arguments(function.getNumArguments());
  for (unsigned i = 0; i < results.size(); ++i)
    if (StringAttr name = stateOfResult(function, i); name && !alive.contains(name))
      results.set(i);
  for (unsigned i = 0; i < arguments.size(); ++i)
    if (StringAttr name = stateOfArgument(function, i); name && !alive.contains(name))
      arguments.set(i);
  SmallVector<Value> kept;
  for (auto [index, value] : llvm::enumerate(terminator->getOperands()))
    if (!results[index])
      kept.push_back(value);
  terminator->setOperands(kept);
  // What only the dropped results were computed from reads their arguments still.
  eraseDeadOps(function.getBody().front());
  (void)function.eraseResults(results);
  (void)function.eraseArguments(arguments);
}

namespace {
struct DropDeadStates : weir::impl::DropDeadStatesBase<DropDeadStates> {
  using DropDeadStatesBase::DropDeadStatesBase;
  void runOnOperation() override {
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        functions.push_back(function);
    llvm::StringSet<> alive = findLivingStates(functions);
    for (func::FuncOp function : functions)
      dropStates(function, alive);
  }
};
} // namespace
