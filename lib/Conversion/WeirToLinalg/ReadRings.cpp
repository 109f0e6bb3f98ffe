//===- ReadRings.cpp - States that are rings, and who reads them ----------===//

#include "ReadRings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "weir/Dialect/Weir/States.h"

using namespace mlir;
using namespace weir;

std::optional<int64_t> weir::getFirstRead(RingReadOp read) {
  TokenAxis axis = read.getAxis().toAxis();
  ArrayRef<int64_t> positions = read.getPositions();
  auto type = cast<RankedTensorType>(read.getRing().getType());
  if (axis.inner != 1 || axis.numRows() != axis.tokens ||
      type.getDimSize(axis.dim) != axis.tokens)
    return std::nullopt;
  int64_t first = axis.tokens - static_cast<int64_t>(positions.size());
  for (auto [i, position] : llvm::enumerate(positions))
    if (position != first + static_cast<int64_t>(i))
      return std::nullopt;
  return first;
}

/// Calls `visit` with each state that a function takes or returns.
static void forEachState(func::FuncOp function,
                         function_ref<void(StringAttr, Value, bool)> visit) {
  if (function.isExternal())
    return;
  for (BlockArgument argument : function.getArguments())
    if (auto name =
            function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "weir.state"))
      visit(name, argument, /*isResult=*/false);
  Operation *end = function.front().getTerminator();
  for (auto [i, value] : llvm::enumerate(end->getOperands()))
    if (auto name = function.getResultAttrOfType<StringAttr>(i, "weir.state"))
      visit(name, value, /*isResult=*/true);
}

static bool isZero(Value value) {
  Attribute constant;
  return matchPattern(value, m_Constant(&constant)) &&
         matchPattern(constant, m_AnyZeroFloat());
}

StringAttr ReadRings::nameOf(Value ring) {
  while (auto push = ring.getDefiningOp<RingPushOp>())
    ring = push.getRing();
  return getState(ring);
}

void ReadRings::look(StringAttr name, Value value) {
  for (OpOperand &use : value.getUses()) {
    if (auto read = dyn_cast<RingReadOp>(use.getOwner())) {
      std::optional<int64_t> &first = rings[name].firstRead;
      int64_t least = *llvm::min_element(read.getPositions());
      first = std::min(first.value_or(least), least);
      continue;
    }
    auto push = dyn_cast<RingPushOp>(use.getOwner());
    if (push && push.getRing() == value && push.getRows() != value)
      look(name, push.getResult());
    else
      rings[name].isSound &= isa<func::ReturnOp>(use.getOwner());
  }
}

ReadRings::ReadRings(ModuleOp module) : module(module) {
  for (auto function : module.getOps<func::FuncOp>())
    forEachState(function, [&](StringAttr name, Value value, bool isResult) {
      bool isMade = isResult && value.getDefiningOp<RollOp>();
      if (isMade || isa<BlockArgument>(value))
        look(name, value);
      rings[name].isSound &= isMade || isa<BlockArgument>(value) || isZero(value) ||
                             value.getDefiningOp<RingPushOp>();
    });
}

bool ReadRings::canClear(RingReadOp read) const {
  StringAttr name = nameOf(read.getRing());
  auto found = name ? rings.find(name) : rings.end();
  return found != rings.end() && found->second.isSound &&
         found->second.firstRead == getFirstRead(read) &&
         read.getAxis().toAxis().skippedTokens() == 0;
}

void ReadRings::emitClearing(StringAttr name, Value ring) {
  int64_t count = rings.lookup(name).firstRead.value_or(0);
  Operation *made = ring.getDefiningOp();
  if (count == 0 || !isa_and_nonnull<RingPushOp, RollOp>(made))
    return;
  auto push = dyn_cast<RingPushOp>(made);
  Value step = push ? push.getStep() : cast<RollOp>(made).getStep();
  AxisAttr axis = push ? push.getAxis() : cast<RollOp>(made).getAxis();
  OpBuilder b(made->getContext());
  b.setInsertionPointAfter(made);
  auto type = cast<RankedTensorType>(ring.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[axis.toAxis().dim] = count;
  Value zeros =
      arith::ConstantOp::create(b, made->getLoc(), b.getZeroAttr(type.clone(shape)));
  auto positions = llvm::to_vector(llvm::seq<int64_t>(0, count));
  auto clearing =
      RingPushOp::create(b, made->getLoc(), zeros, ring, step, axis, positions);
  ring.replaceAllUsesExcept(clearing.getResult(), clearing);
}

void ReadRings::emitClearing() {
  for (auto function : module.getOps<func::FuncOp>())
    forEachState(function, [&](StringAttr name, Value value, bool isResult) {
      if (isResult && cleared.contains(name))
        emitClearing(name, value);
    });
}
