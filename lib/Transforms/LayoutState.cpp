//===- LayoutState.cpp - Put all states into one arena --------------------===//
// func @step(%k : memref<8x4xf32> {weir.state = "k"}, ...)
//   ==>  func @step(%arena : memref<192xi8> {weir.arena}, ...)
//          %k = memref.view %arena[%c64][] : memref<192xi8> to memref<8x4xf32>
// States of one name are one place for all entry functions, behind room for a header.
// The layout stays on the module: who allocates, saves or describes a state reads it.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "weir/Support/StateLayout.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_LAYOUTSTATE
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
struct LayoutState : weir::impl::LayoutStateBase<LayoutState> {
  using LayoutStateBase::LayoutStateBase;
  void runOnOperation() override;
  LogicalResult collect(func::FuncOp function, StateLayout &layout);
  LogicalResult moveIntoArena(func::FuncOp function, const StateLayout &layout);
};
} // namespace

/// Adds the states of `function` that `layout` does not have yet.
LogicalResult LayoutState::collect(func::FuncOp function, StateLayout &layout) {
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (auto name = function.getResultAttrOfType<StringAttr>(i, "weir.state"))
      return function.emitError("state '")
             << name.getValue() << "' is still a result; run weir-bufferize first";
  for (BlockArgument argument : function.getArguments()) {
    auto name =
        function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "weir.state");
    if (!name)
      continue;
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type || !type.hasStaticShape() || !type.getLayout().isIdentity())
      return function.emitError("state '")
             << name.getValue() << "' is no buffer of a fixed size but "
             << argument.getType() << "; run weir-bufferize first";
    const StateSlot *known = layout.find(name.getValue());
    if (known && known->type != type)
      return function.emitError("state '") << name.getValue() << "' is " << type
                                           << " here and " << known->type << " elsewhere";
    if (!known)
      layout.add(name.getValue(), type);
  }
  return success();
}

LogicalResult LayoutState::moveIntoArena(func::FuncOp function,
                                         const StateLayout &layout) {
  OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
  auto type = MemRefType::get({layout.bytes}, b.getI8Type());
  auto attributes = b.getDictionaryAttr(b.getNamedAttr("weir.arena", b.getUnitAttr()));
  if (failed(function.insertArgument(0, type, attributes, function.getLoc())))
    return failure();
  llvm::BitVector moved(function.getNumArguments());
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto name = function.getArgAttrOfType<StringAttr>(index, "weir.state");
    if (!name)
      continue;
    const StateSlot *slot = layout.find(name.getValue());
    Value offset = arith::ConstantIndexOp::create(b, function.getLoc(), slot->offset);
    argument.replaceAllUsesWith(memref::ViewOp::create(b, function.getLoc(), slot->type,
                                                       function.getArgument(0), offset,
                                                       ValueRange{})
                                    .getResult());
    moved.set(index);
  }
  return function.eraseArguments(moved);
}

void LayoutState::runOnOperation() {
  SmallVector<func::FuncOp> entries;
  for (auto function : getOperation().getOps<func::FuncOp>())
    if (function->hasAttr("weir.entry") && !function.isExternal())
      entries.push_back(function);
  if (entries.empty())
    return;
  StateLayout layout;
  for (func::FuncOp function : entries)
    if (failed(collect(function, layout)))
      return signalPassFailure();
  for (func::FuncOp function : entries)
    if (failed(moveIntoArena(function, layout)))
      return signalPassFailure();
  layout.attachTo(getOperation());
}
