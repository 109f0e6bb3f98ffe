//===- DistributeWork.cpp - Run a function on a team of threads ------------===//
// func @step(...) { linalg.generic ... }   with 8 rows
//   ==>  func @step(..., %member : memref<2xi64> {weir.team}) {
//          %id, %count = load %member[0], load %member[1]
//          for %p = ceil(%id * 2 / %count) to ceil((%id + 1) * 2 / %count)
//            linalg.generic on rows [4 * %p, 4 * %p + 4)
//          call @weir_barrier(%member)
//          ...
// Each thread of the team runs the function, and who calls waits for all of them. Legal
// where it is known of every op what memory it touches.

#include "Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_DISTRIBUTEWORK
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

static constexpr const char *barrierName = "weir_barrier";

namespace {
class TeamEmitter {
public:
  TeamEmitter(func::FuncOp function, const Schedule &schedule)
      : function(function), schedule(schedule), b(function.getContext()) {}
  LogicalResult emit();

private:
  void readMember();
  /// The pieces [first, second) of this thread.
  std::pair<Value, Value> getShare(Value numPieces);
  std::pair<Value, Value> getShare(int64_t numPieces);
  void emitBarrier(Operation *before);
  void emitCut(linalg::LinalgOp op, const Cut &cut);
  void emitLoop(scf::ForOp loop);
  void emitFirst(Operation *op);
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

  func::FuncOp function;
  const Schedule &schedule;
  OpBuilder b;
  Location loc = function.getLoc();
  Value member, id, count, isFirst, isLast;
  llvm::SmallDenseMap<int64_t, std::pair<Value, Value>> shares;
};
} // namespace

void TeamEmitter::readMember() {
  b.setInsertionPointToStart(&function.front());
  auto load = [&](int64_t field) -> Value {
    Value value = memref::LoadOp::create(b, loc, member, ValueRange{index(field)});
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
  };
  id = load(0);
  count = load(1);
  isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, id, index(0));
  Value next = arith::AddIOp::create(b, loc, id, index(1));
  isLast = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, next, count);
}

std::pair<Value, Value> TeamEmitter::getShare(Value numPieces) {
  auto bound = [&](Value number) -> Value {
    Value product = arith::MulIOp::create(b, loc, number, numPieces);
    return arith::CeilDivUIOp::create(b, loc, product, count);
  };
  Value next = arith::AddIOp::create(b, loc, id, index(1));
  return {bound(id), bound(next)};
}

/// Divided once for each number of pieces, at the function's start.
std::pair<Value, Value> TeamEmitter::getShare(int64_t numPieces) {
  auto [share, isNew] = shares.try_emplace(numPieces);
  if (isNew) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(isLast.getDefiningOp());
    share->second = getShare(index(numPieces));
  }
  return share->second;
}

void TeamEmitter::emitBarrier(Operation *before) {
  b.setInsertionPoint(before);
  func::CallOp::create(b, before->getLoc(), barrierName, TypeRange{}, ValueRange{member});
}

void TeamEmitter::emitCut(linalg::LinalgOp op, const Cut &cut) {
  loc = op.getLoc();
  b.setInsertionPoint(op);
  if (cut.numPieces > 0) {
    auto [first, last] = getShare(cut.numPieces);
    auto each = scf::ForOp::create(b, loc, first, last, index(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(each.getBody());
    Value start = arith::MulIOp::create(b, loc, each.getInductionVar(), index(cut.size));
    emitPiece(b, op, cut, start, cut.size);
  }
  if (cut.rest > 0) {
    auto branch = scf::IfOp::create(b, loc, isLast, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    emitPiece(b, op, cut, b.getIndexAttr(cut.numPieces * cut.size), cut.rest);
  }
  op->erase();
}

void TeamEmitter::emitLoop(scf::ForOp loop) {
  loc = loop.getLoc();
  b.setInsertionPoint(loop);
  Value from = loop.getLowerBound(), step = loop.getStep();
  std::pair<Value, Value> share;
  if (std::optional<int64_t> known = getTripCount(loop)) {
    share = getShare(*known);
  } else {
    Value span = arith::SubIOp::create(b, loc, loop.getUpperBound(), from);
    Value trips = arith::CeilDivSIOp::create(b, loc, span, step);
    share = getShare(arith::MaxSIOp::create(b, loc, trips, index(0)));
  }
  auto at = [&](Value number) -> Value {
    Value distance = arith::MulIOp::create(b, loc, number, step);
    return arith::AddIOp::create(b, loc, from, distance);
  };
  loop.setLowerBound(at(share.first));
  loop.setUpperBound(at(share.second));
}

/// `op`, and what it needs of loads that are thread 0's too.
void TeamEmitter::emitFirst(Operation *op) {
  if (isa<memref::LoadOp>(op))
    return; // made where it is used
  loc = op->getLoc();
  b.setInsertionPoint(op);
  auto branch = scf::IfOp::create(b, loc, isFirst, /*withElseRegion=*/false);
  b.setInsertionPointToStart(branch.thenBlock());
  IRMapping mapping;
  auto isOfFirst = [&](Operation *load) { return schedule.firsts.contains(load); };
  std::function<bool(Value)> bring = [&](Value value) {
    Operation *made = value.getDefiningOp();
    if (!made || made->getBlock() != op->getBlock())
      return false;
    if (mapping.contains(value))
      return true;
    bool needsLoad = isOfFirst(made);
    if (isPure(made) || needsLoad)
      for (Value operand : made->getOperands())
        needsLoad |= bring(operand);
    if (needsLoad)
      b.clone(*made, mapping);
    return needsLoad;
  };
  for (Value operand : op->getOperands())
    bring(operand);
  b.clone(*op, mapping);
  op->erase();
}

LogicalResult TeamEmitter::emit() {
  auto type = MemRefType::get({2}, b.getI64Type());
  auto attributes = b.getDictionaryAttr(b.getNamedAttr("weir.team", b.getUnitAttr()));
  unsigned last = function.getNumArguments();
  if (failed(function.insertArgument(last, type, attributes, loc)))
    return failure();
  member = function.getArgument(last);
  readMember();
  for (Operation *before : schedule.barriers)
    emitBarrier(before);
  for (Operation *alloc : schedule.privates)
    alloc->setAttr("weir.private", b.getUnitAttr());
  for (auto &[op, cut] : schedule.cuts)
    emitCut(cast<linalg::LinalgOp>(op), cut);
  for (Operation *loop : schedule.loops)
    emitLoop(cast<scf::ForOp>(loop));
  for (Operation *op : schedule.firsts)
    emitFirst(op);
  return success();
}

namespace {
struct DistributeWork : weir::impl::DistributeWorkBase<DistributeWork> {
  using DistributeWorkBase::DistributeWorkBase;
  void runOnOperation() override;
  LogicalResult distribute(func::FuncOp function);
};
} // namespace

/// A copy is work like any other.
static void generalizeCopies(func::FuncOp function) {
  function.walk([](memref::CopyOp copy) {
    OpBuilder b(copy);
    linalg::makeMemRefCopyOp(b, copy.getLoc(), copy.getSource(), copy.getTarget());
    copy.erase();
  });
}

/// Is it part of work that one thread does from its beginning to its end?
static bool isOfOneThread(Operation *op) {
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop;
       loop = loop->getParentOfType<scf::ForOp>())
    if (isShared(loop))
      return true;
  return false;
}

/// The first op of which it is not known what memory it touches; null where there is
/// none.
static Operation *findUnknown(func::FuncOp function) {
  Operation *unknown = nullptr;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto work = dyn_cast<linalg::LinalgOp>(op);
    bool isKnown =
        work ? work.hasPureBufferSemantics()
             : isa<func::FuncOp, memref::LoadOp, memref::StoreOp, memref::AllocOp,
                   memref::DeallocOp, scf::ForOp, scf::IfOp, ViewLikeOpInterface>(op) ||
                   op->hasTrait<OpTrait::IsTerminator>() || isPure(op) ||
                   getTouched(op) || (isa<scf::WhileOp>(op) && isOfOneThread(op));
    if (isKnown)
      return WalkResult::advance();
    unknown = op;
    return WalkResult::interrupt();
  });
  return unknown;
}

LogicalResult DistributeWork::distribute(func::FuncOp function) {
  generalizeCopies(function);
  if (Operation *unknown = findUnknown(function)) {
    (void)missed(unknown,
                 "keeps @{0} on one thread: the memory that {1} touches is not known",
                 function.getName(), unknown->getName().getStringRef());
    return success();
  }
  Schedule schedule = makeSchedule(function, threads);
  if (schedule.sharedWork < minWork || schedule.sharedWork == 0) {
    (void)missed(function,
                 "@{0} stays on one thread: {1} iterations of work are less than {2}",
                 function.getName(), schedule.sharedWork, minWork.getValue());
    return success();
  }
  function->setAttr("weir.threads", Builder(&getContext()).getI64IntegerAttr(threads));
  return TeamEmitter(function, schedule).emit();
}

void DistributeWork::runOnOperation() {
  ModuleOp module = getOperation();
  if (threads < 2)
    return;
  SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal() && function.isPublic())
      functions.push_back(function);
  bool isDistributed = false;
  for (func::FuncOp function : functions) {
    if (failed(distribute(function)))
      return signalPassFailure();
    isDistributed |= function->hasAttr("weir.threads");
  }
  if (!isDistributed || module.lookupSymbol(barrierName))
    return;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto type = b.getFunctionType({MemRefType::get({2}, b.getI64Type())}, {});
  func::FuncOp::create(b, module.getLoc(), barrierName, type).setPrivate();
}
