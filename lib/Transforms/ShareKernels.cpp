//===- ShareKernels.cpp - Compile equal work once -------------------------===//
// linalg.generic ins(%a, %b) outs(%c), twice  ==>  call @kernel0(%a, %b, %c), twice
// The blocks of an encoder repeat the same ops on the same shapes; code generation is
// most of the compile time. Legal where all operands are whole memrefs or scalars.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/OperationSupport.h"
#include "weir/Support/Remarks.h"
#include "weir/Support/SumStart.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_SHAREKERNELS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

/// The constant that a fill begins the sums of `op` with; null where none does.
static Attribute startOf(Operation *op) {
  linalg::FillOp fill = findSumStart(cast<linalg::LinalgOp>(op));
  Attribute start;
  if (fill)
    matchPattern(fill.value(), m_Constant(&start));
  return start;
}

namespace {
/// Equality of ops, and of what their sums start with, but for the values they work on.
struct SameWork : DenseMapInfo<Operation *> {
  static unsigned getHashValue(Operation *op) {
    return OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue,
                                             OperationEquivalence::ignoreHashValue,
                                             OperationEquivalence::IgnoreLocations);
  }
  static bool isEqual(Operation *a, Operation *b) {
    if (a == b)
      return true;
    Operation *none = getEmptyKey(), *gone = getTombstoneKey();
    if (a == none || a == gone || b == none || b == gone)
      return false;
    if (startOf(a) != startOf(b))
      return false;
    // Operands may differ in all but type; the values of the bodies must correspond.
    DenseMap<Value, Value> same;
    auto check = [&](Value x, Value y) -> LogicalResult {
      if (a->getRegion(0).isAncestor(x.getParentRegion()))
        return success(same.lookup(x) == y);
      return success(x.getType() == y.getType() &&
                     !b->getRegion(0).isAncestor(y.getParentRegion()));
    };
    auto mark = [&](Value x, Value y) { same[x] = y; };
    return OperationEquivalence::isEquivalentTo(a, b, check, mark,
                                                OperationEquivalence::IgnoreLocations);
  }
};

struct ShareKernels : weir::impl::ShareKernelsBase<ShareKernels> {
  using ShareKernelsBase::ShareKernelsBase;
  void runOnOperation() override;
};
} // namespace

/// Canonicalization hoists constants out of bodies; a kernel needs them inside.
static void sinkConstants(linalg::LinalgOp op) {
  OpBuilder b = OpBuilder::atBlockBegin(op.getBlock());
  op->getRegion(0).walk([&](Operation *inner) {
    for (OpOperand &operand : inner->getOpOperands()) {
      auto constant = operand.get().getDefiningOp<arith::ConstantOp>();
      if (constant && !op->getRegion(0).isAncestor(constant->getParentRegion()))
        operand.set(b.clone(*constant)->getResult(0));
    }
  });
}

/// Equal ops agree on this.
static bool canOutline(Operation *op) {
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (type && (!type.hasStaticShape() || !type.getLayout().isIdentity()))
      return false;
  }
  // The body uses its own values only.
  bool isIsolated = true;
  op->getRegion(0).walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      isIsolated &= op->getRegion(0).isAncestor(operand.getParentRegion());
  });
  return isIsolated;
}

/// A private function that does the work of `op` on its arguments.
static func::FuncOp outline(Operation *op, StringRef name, ModuleOp module) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  auto type = b.getFunctionType(op->getOperandTypes(), {});
  auto function = func::FuncOp::create(b, op->getLoc(), name, type);
  function.setPrivate();
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);
  Operation *work = b.clone(*op);
  work->setOperands(body->getArguments());
  if (linalg::FillOp fill = findSumStart(cast<linalg::LinalgOp>(op))) {
    b.setInsertionPoint(work);
    Value start = b.clone(*fill.value().getDefiningOp())->getResult(0);
    linalg::FillOp::create(b, op->getLoc(), start,
                           cast<linalg::LinalgOp>(work).getDpsInits());
    b.setInsertionPointAfter(work);
  }
  func::ReturnOp::create(b, op->getLoc());
  return function;
}

void ShareKernels::runOnOperation() {
  ModuleOp module = getOperation();
  llvm::MapVector<Operation *, SmallVector<Operation *>,
                  DenseMap<Operation *, unsigned, SameWork>>
      groups;
  llvm::SmallPtrSet<Operation *, 16> starts; // go where their sums go
  module.walk([&](linalg::LinalgOp op) {
    if (linalg::FillOp fill = findSumStart(op))
      starts.insert(fill);
  });
  module.walk([&](linalg::LinalgOp op) {
    sinkConstants(op);
    if (op.hasPureBufferSemantics() && !starts.contains(op))
      groups[op].push_back(op);
  });
  unsigned numKernels = 0;
  for (auto &[first, ops] : groups) {
    if (ops.size() < 2)
      continue;
    if (!canOutline(first)) {
      (void)missed(first, "is compiled {0} times: it reads or writes parts of memrefs",
                   ops.size());
      continue;
    }
    std::string name = ("kernel" + Twine(numKernels++)).str();
    func::FuncOp function = outline(first, name, module);
    SmallVector<Operation *> replaced;
    for (Operation *op : ops) {
      if (linalg::FillOp fill = findSumStart(cast<linalg::LinalgOp>(op)))
        replaced.push_back(fill);
      replaced.push_back(op);
      OpBuilder b(op);
      func::CallOp::create(b, op->getLoc(), function, op->getOperands());
    }
    for (Operation *op : replaced)
      op->erase();
  }
}
