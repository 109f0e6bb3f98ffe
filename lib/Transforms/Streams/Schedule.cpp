//===- Schedule.cpp - Which ops of a step serve many streams at once ------===//

#include "Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "weir/Support/Remarks.h"

using namespace mlir;
using namespace weir;

bool weir::isDerived(Operation *op) {
  return op->getNumRegions() == 0 && !op->hasTrait<OpTrait::IsTerminator>() &&
         isMemoryEffectFree(op);
}

bool weir::isSameForAllStreams(Value value) {
  Operation *op = value.getDefiningOp();
  return op && isDerived(op) && llvm::all_of(op->getOperands(), isSameForAllStreams);
}

Value weir::getWholeBuffer(Value value) {
  while (auto *op = value.getDefiningOp()) {
    if (!isa<memref::CollapseShapeOp, memref::ExpandShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

void weir::forEachOutsideValue(Operation *op, function_ref<void(Value)> visit) {
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (!op->isAncestor(operand.getParentBlock()->getParentOp()))
        visit(operand);
  });
}

std::optional<unsigned> StreamSchedule::segmentOf(Value value) const {
  auto found = segmentsOfActions.find(value.getDefiningOp());
  return found == segmentsOfActions.end() ? std::nullopt : std::optional(found->second);
}

int64_t StreamSchedule::getBytesOfStream() const {
  int64_t most = 0, inputs = 0;
  for (BlockArgument input : gathered)
    inputs += getBufferBytes(cast<MemRefType>(input.getType()));
  for (unsigned segment = 0; segment < segments; ++segment) {
    int64_t bytes = inputs;
    for (const auto &[buffer, life] : temporaries)
      if (life.isShared() && life.first <= segment && segment <= life.last)
        bytes += getBufferBytes(cast<MemRefType>(buffer.getType()));
    most = std::max(most, bytes);
  }
  return most;
}

//===----------------------------------------------------------------------===//
// Memory that actions touch
//===----------------------------------------------------------------------===//

namespace {
/// A buffer that outlives an action, or any where `buffer` is null.
struct Access {
  Value buffer;
  bool writes;
  bool conflictsWith(const Access &other) const {
    return (writes || other.writes) &&
           (!buffer || !other.buffer || buffer == other.buffer);
  }
};

class MemoryOfStep {
public:
  explicit MemoryOfStep(func::FuncOp step) : top(&step.front()), aliases(step) {}
  SmallVector<Access> accessesOf(Operation *action) const;
  /// Are the states views of the arena that do not overlap?
  bool hasSeparateStates() const;

private:
  void addAccess(Value memref, bool writes, SmallVectorImpl<Access> &accesses) const;
  Block *top;
  BufferViewFlowAnalysis aliases;
};
} // namespace

static bool isArena(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto function = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
                           : func::FuncOp();
  return function && function.getArgAttr(argument.getArgNumber(), "weir.arena");
}

bool MemoryOfStep::hasSeparateStates() const {
  llvm::SmallDenseSet<Value> places;
  for (BlockArgument argument : top->getArguments()) {
    if (!isArena(argument))
      continue;
    for (Operation *user : argument.getUsers()) {
      auto view = dyn_cast<memref::ViewOp>(user);
      if (!view || !isSameForAllStreams(view.getByteShift()) ||
          !places.insert(view.getByteShift()).second)
        return false;
    }
  }
  return true;
}

void MemoryOfStep::addAccess(Value memref, bool writes,
                             SmallVectorImpl<Access> &accesses) const {
  for (Value source : aliases.resolveReverse(memref)) {
    Operation *op = source.getDefiningOp();
    if (!op) {
      if (source.getParentBlock() == top && !isArena(source))
        accesses.push_back({source, writes});
      continue;
    }
    if (isa<memref::GetGlobalOp>(op))
      continue;
    auto view = dyn_cast<memref::ViewOp>(op);
    bool isState = view && isArena(view.getSource());
    bool isTemporary = isa<memref::AllocOp>(op);
    if (isState || isTemporary) {
      if (op->getBlock() == top)
        accesses.push_back({source, writes});
    } else if (!isDerived(op) && op->getNumRegions() == 0) {
      accesses.push_back({Value(), true}); // the result of a call
    }
  }
}

SmallVector<Access> MemoryOfStep::accessesOf(Operation *action) const {
  SmallVector<Access> accesses;
  action->walk([&](Operation *op) {
    auto effects = dyn_cast<MemoryEffectOpInterface>(op);
    if (isMemoryEffectFree(op) ||
        (!effects && op->hasTrait<OpTrait::HasRecursiveMemoryEffects>()))
      return;
    for (Value operand : op->getOperands()) {
      if (!isa<BaseMemRefType>(operand.getType()))
        continue;
      bool writes = !effects || !effects.getEffectOnValue<MemoryEffects::Read>(operand) ||
                    effects.getEffectOnValue<MemoryEffects::Write>(operand);
      addAccess(operand, writes, accesses);
    }
  });
  return accesses;
}

//===----------------------------------------------------------------------===//
// What can be one op of many streams
//===----------------------------------------------------------------------===//

/// Arithmetic that cannot trap, whatever a row of no stream holds.
static bool isHarmless(Operation &op) {
  return op.getNumRegions() == 0 && isPure(&op) &&
         !isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
              arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp,
              linalg::IndexOp>(op);
}

static bool isInput(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto function = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
                           : func::FuncOp();
  return function && function.getArgAttr(argument.getArgNumber(), "weir.input");
}

/// Is the operand all of a temporary, or, where it is only read, of a constant or input?
static bool canHaveStreams(OpOperand &operand, Block *top, bool isRead) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type)
    return isSameForAllStreams(operand.get());
  Value buffer = getWholeBuffer(operand.get());
  auto wholeType = cast<MemRefType>(buffer.getType());
  if (!type.hasStaticShape() || !type.getLayout().isIdentity() ||
      !wholeType.getLayout().isIdentity() || type.getMemorySpace())
    return false;
  if (auto allocation = buffer.getDefiningOp<memref::AllocOp>())
    return allocation->getBlock() == top;
  return isRead && (isInput(buffer) || isSameForAllStreams(operand.get()));
}

static bool canBatch(linalg::LinalgOp op) {
  if (!op.hasPureBufferSemantics() || !isa<linalg::GenericOp, linalg::FillOp>(op) ||
      op->getNumResults() > 0)
    return false;
  for (OpOperand &operand : op->getOpOperands())
    if (!canHaveStreams(operand, op->getBlock(), op.isDpsInput(&operand)))
      return false;
  bool isSound = llvm::all_of(*op.getBlock(), isHarmless);
  forEachOutsideValue(op, [&](Value value) {
    isSound &= isa<MemRefType>(value.getType()) || isSameForAllStreams(value);
  });
  return isSound;
}

static bool isConstant(Value memref) {
  return isa<MemRefType>(memref.getType()) && isSameForAllStreams(memref);
}

/// Do all temporaries of `op` hold little? Many streams of them are to fit in caches.
static bool isSmall(linalg::LinalgOp op) {
  return llvm::all_of(op->getOperands(), [](Value operand) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    return !type || isConstant(operand) || getBufferBytes(type) <= mostBytesToBatch;
  });
}

/// The bytes of the weights of a product of few rows; else 0.
static int64_t getBytesOfWeights(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() < 2)
    return 0;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!isConstant(input->get()) || map.getNumResults() < 2)
      continue;
    int64_t rows = 1;
    auto kinds = op.getIteratorTypesArray();
    for (auto [loop, extent] : llvm::enumerate(op.getStaticLoopRanges()))
      if (kinds[loop] == utils::IteratorType::parallel && !map.isFunctionOfDim(loop))
        rows *= extent;
    return rows <= mostRowsToBatch
               ? getBufferBytes(cast<MemRefType>(input->get().getType()))
               : 0;
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

namespace weir {
class Scheduler {
public:
  explicit Scheduler(func::FuncOp step) : step(step), memory(step) {}
  FailureOr<StreamSchedule> run();

private:
  void chooseBatched();
  /// Must the two run in the order of the text?
  bool areOrdered(Operation *before, Operation *op);
  LogicalResult place(Operation *op);
  void delayFills();
  void placeTemporaries();
  func::FuncOp step;
  MemoryOfStep memory;
  StreamSchedule schedule;
  SmallVector<Operation *> ops; // actions, in the order of the text
  DenseMap<Operation *, SmallVector<Access>> accesses;
  DenseSet<Operation *> batched;
};
} // namespace weir

/// Products with weights, and what continues them element by element or row by row.
void Scheduler::chooseBatched() {
  DenseMap<Value, Operation *> writers;
  for (Operation *op : ops) {
    auto work = dyn_cast<linalg::LinalgOp>(op);
    if (work && canBatch(work) && isSmall(work)) {
      int64_t weights = getBytesOfWeights(work);
      bool continues = llvm::any_of(work.getDpsInputs(), [&](Value input) {
        return batched.contains(writers.lookup(getWholeBuffer(input)));
      });
      if (weights > 0 || continues) {
        batched.insert(op);
        schedule.weightBytes += weights;
      }
    }
    for (const Access &access : accesses[op])
      if (access.writes)
        writers[access.buffer] = op;
  }
  // What is filled for a batched op.
  DenseMap<Value, Operation *> next;
  for (Operation *op : llvm::reverse(ops)) {
    auto fill = dyn_cast<linalg::FillOp>(op);
    if (fill && canBatch(fill) &&
        batched.contains(next.lookup(getWholeBuffer(fill.getOutputs()[0]))))
      batched.insert(op);
    for (const Access &access : accesses[op])
      next[access.buffer] = op;
  }
}

/// The results of actions that `op` is computed from.
static SmallVector<Value> findSources(Operation *op) {
  SmallVector<Value> sources, left;
  forEachOutsideValue(op, [&](Value value) { left.push_back(value); });
  while (!left.empty()) {
    Value value = left.pop_back_val();
    Operation *from = value.getDefiningOp();
    if (from && isDerived(from))
      llvm::append_range(left, from->getOperands());
    else if (from)
      sources.push_back(value);
  }
  return sources;
}

bool Scheduler::areOrdered(Operation *before, Operation *op) {
  return llvm::any_of(accesses[op], [&](const Access &access) {
    return llvm::any_of(accesses[before],
                        [&](const Access &other) { return access.conflictsWith(other); });
  });
}

LogicalResult Scheduler::place(Operation *op) {
  bool isBatched = batched.contains(op);
  unsigned segment = isBatched;
  for (const Action &before : schedule.actions)
    if (before.segment > segment && areOrdered(before.op, op))
      segment = before.segment;
  SmallVector<Value> sources = findSources(op);
  for (Value source : sources)
    segment = std::max(segment, schedule.segmentOf(source).value_or(0));
  if (segment % 2 != isBatched)
    ++segment;
  for (Value source : sources) {
    if (schedule.segmentOf(source).value_or(segment) == segment)
      continue;
    if (isa<MemRefType>(source.getType()))
      return missed(op, "takes memory that another op chose: streams are stepped one "
                        "after the other");
    schedule.kept.insert(source);
  }
  schedule.actions.push_back({op, segment});
  schedule.segmentsOfActions[op] = segment;
  schedule.segments = std::max(schedule.segments, segment + 1);
  return success();
}

/// What is filled is filled in the segment that needs it first.
void Scheduler::delayFills() {
  MutableArrayRef<Action> actions = schedule.actions;
  for (size_t i = actions.size(); i-- > 0;) {
    if (!isa<linalg::FillOp>(actions[i].op))
      continue;
    unsigned latest = schedule.segments;
    for (const Action &behind : actions.drop_front(i + 1))
      if (areOrdered(actions[i].op, behind.op))
        latest = std::min(latest, behind.segment);
    if (latest < schedule.segments && latest % 2 == actions[i].segment % 2)
      schedule.segmentsOfActions[actions[i].op] = actions[i].segment = latest;
  }
}

void Scheduler::placeTemporaries() {
  for (const Action &action : schedule.actions) {
    for (const Access &access : accesses[action.op]) {
      Value buffer = access.buffer;
      if (buffer && buffer.getDefiningOp<memref::AllocOp>()) {
        StreamTemporary here = {action.segment, action.segment};
        StreamTemporary &life = schedule.temporaries.insert({buffer, here}).first->second;
        life.first = std::min(life.first, action.segment);
        life.last = std::max(life.last, action.segment);
      }
      auto argument = dyn_cast_or_null<BlockArgument>(buffer);
      if (argument && action.isBatched())
        schedule.gathered.insert(argument);
    }
  }
}

FailureOr<StreamSchedule> Scheduler::run() {
  if (!step.getBody().hasOneBlock() || !memory.hasSeparateStates())
    return missed(step,
                  "has states that overlap: streams are stepped one after the other");
  for (Operation &op : step.front().without_terminator())
    if (!isDerived(&op) && !isa<memref::AllocOp, memref::DeallocOp>(op)) {
      ops.push_back(&op);
      accesses[&op] = memory.accessesOf(&op);
    }
  chooseBatched();
  if (schedule.weightBytes == 0)
    return missed(step,
                  "multiplies no row or a few by weights: streams gain nothing from "
                  "each other");
  for (Operation *op : ops)
    if (failed(place(op)))
      return failure();
  delayFills();
  placeTemporaries();
  return std::move(schedule);
}

FailureOr<StreamSchedule> StreamSchedule::get(func::FuncOp step) {
  return Scheduler(step).run();
}
