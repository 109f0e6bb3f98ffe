//===- BatchStreams.cpp - Step a group of streams at once -----------------===//
// func @step(%arena, %x, %y) { product %x by weights into %t; attention on %arena, %t }
//   ==>  func @step_group8(%group, %count) {
//          scf.for %s = 0 to %count { copy the input of %s into row %s }   weir.parallel
//          product of 8 rows by weights
//          scf.for %s = 0 to %count { attention on the arena of %s }       weir.parallel
//        }
// Rows of no stream are computed and thrown away. Every stream's numbers are those of its
// own step, as no row of a product depends on another. Legal where states do not overlap.

#include "Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_BATCHSTREAMS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
/// Makes the step of `size` streams.
class GroupEmitter {
public:
  GroupEmitter(func::FuncOp step, const StreamSchedule &schedule, int64_t size)
      : step(step), schedule(schedule), size(size), b(step.getContext()),
        loc(step.getLoc()) {}
  void emit();

private:
  void emitStreams(unsigned segment);
  void emitBatched(linalg::LinalgOp op);

  // In the loop over streams: the values of one of them.
  Value ofStream(Value value);
  Value callStream(BlockArgument argument);
  Value rowOf(Value bytes, MemRefType type);
  void cloneForStream(Operation *op);
  /// Stores the results that later segments read.
  void keepResults(Operation *op);

  /// Room for one `type` a stream.
  Value bytesOf(Value buffer);
  /// The operand of a batched op; `type` is its type.
  Value ofGroup(Value operand, MemRefType type);
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

  func::FuncOp step;
  const StreamSchedule &schedule;
  int64_t size;
  OpBuilder b;
  Location loc;
  Value group, count;
  IRMapping same;               // what all streams share
  DenseMap<Value, Value> rooms; // by buffer, input or result
  // Of the loop at hand.
  unsigned segment = 0;
  Value stream;
  IRMapping own;
};
} // namespace

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Results are kept as they lie in memory.
static MemRefType typeOfRoom(Value value) {
  if (auto type = dyn_cast<MemRefType>(value.getType()))
    return type;
  Type kept = value.getType();
  if (kept.isIndex())
    kept = IntegerType::get(value.getContext(), 64);
  return MemRefType::get({}, kept);
}

/// Temporaries of a group begin where its first op uses them: before the segment.
Value GroupEmitter::bytesOf(Value buffer) {
  Value &bytes = rooms[buffer];
  if (bytes)
    return bytes;
  OpBuilder::InsertionGuard guard(b);
  if (stream)
    b.setInsertionPoint(stream.getParentBlock()->getParentOp());
  auto type = MemRefType::get({size * getBufferBytes(typeOfRoom(buffer))}, b.getI8Type());
  return bytes = memref::AllocOp::create(b, loc, type);
}

Value GroupEmitter::rowOf(Value bytes, MemRefType type) {
  Value offset = arith::MulIOp::create(b, loc, stream, index(getBufferBytes(type)));
  return memref::ViewOp::create(b, loc, type, bytes, offset, ValueRange{});
}

/// group_input0(%group, %stream): where the caller has it.
static func::FuncOp declareAccess(ModuleOp module, StringRef name, Type result) {
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  auto handle = MemRefType::get({}, b.getI8Type());
  auto function = func::FuncOp::create(
      b, module.getLoc(), name, b.getFunctionType({handle, b.getIndexType()}, {result}));
  function.setPrivate();
  return function;
}

Value GroupEmitter::callStream(BlockArgument argument) {
  unsigned inputs = 0, outputs = 0;
  std::string name;
  for (unsigned i = 0; i <= argument.getArgNumber(); ++i) {
    if (step.getArgAttr(i, "weir.input"))
      name = "group_input" + std::to_string(inputs++);
    else if (step.getArgAttr(i, "weir.output"))
      name = "group_output" + std::to_string(outputs++);
    else
      name = "group_state";
  }
  auto access =
      declareAccess(step->getParentOfType<ModuleOp>(), name, argument.getType());
  return func::CallOp::create(b, loc, access, ValueRange{group, stream}).getResult(0);
}

//===----------------------------------------------------------------------===//
// Segments in which each stream is on its own
//===----------------------------------------------------------------------===//

Value GroupEmitter::ofStream(Value value) {
  if (Value known = same.lookupOrNull(value))
    return known;
  if (Value known = own.lookupOrNull(value))
    return known;
  Value made;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    made = callStream(argument);
  } else if (auto allocation = value.getDefiningOp<memref::AllocOp>()) {
    auto found = schedule.getTemporaries().find(value);
    bool isShared = found != schedule.getTemporaries().end() && found->second.isShared();
    made = isShared ? rowOf(bytesOf(value), allocation.getType())
                    : b.clone(*allocation)->getResult(0);
  } else if (schedule.segmentOf(value)) { // of a segment before this one
    made = memref::LoadOp::create(b, loc, rowOf(bytesOf(value), typeOfRoom(value)));
    if (value.getType().isIndex())
      made = arith::IndexCastOp::create(b, loc, value.getType(), made);
  } else {
    cloneForStream(value.getDefiningOp());
    return own.lookup(value);
  }
  own.map(value, made);
  return made;
}

void GroupEmitter::cloneForStream(Operation *op) {
  forEachOutsideValue(op, [&](Value value) { own.map(value, ofStream(value)); });
  b.clone(*op, own);
}

void GroupEmitter::keepResults(Operation *op) {
  for (Value result : op->getResults()) {
    if (!schedule.isKept(result))
      continue;
    Value kept = own.lookup(result);
    if (kept.getType().isIndex())
      kept = arith::IndexCastOp::create(b, loc, b.getI64Type(), kept);
    memref::StoreOp::create(b, loc, kept, rowOf(bytesOf(result), typeOfRoom(result)));
  }
}

void GroupEmitter::emitStreams(unsigned segment) {
  auto isHere = [&](const Action &action) { return action.segment == segment; };
  bool gathers = segment == 0 && !schedule.getGathered().empty();
  if (!gathers && llvm::none_of(schedule.getActions(), isHere))
    return;
  auto each = scf::ForOp::create(b, loc, index(0), count, index(1));
  each->setAttr("weir.parallel", b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(each.getBody());
  stream = each.getInductionVar();
  this->segment = segment;
  own.clear();
  if (segment == 0)
    for (BlockArgument input : schedule.getGathered())
      memref::CopyOp::create(b, loc, ofStream(input),
                             rowOf(bytesOf(input), cast<MemRefType>(input.getType())));
  for (const Action &action : schedule.getActions())
    if (isHere(action)) {
      cloneForStream(action.op);
      keepResults(action.op);
    }
  stream = Value();
}

//===----------------------------------------------------------------------===//
// Ops of all streams
//===----------------------------------------------------------------------===//

/// The loop over rows, the first dimension of all that each stream has of its own and of
/// nothing else: a group has `size` times as many.
static std::optional<unsigned> findRowLoop(linalg::LinalgOp op) {
  std::optional<unsigned> row;
  auto kinds = op.getIteratorTypesArray();
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()) || isSameForAllStreams(operand.get()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (map.getNumResults() == 0)
      return std::nullopt;
    auto first = dyn_cast<AffineDimExpr>(map.getResult(0));
    if (!first || (row && *row != first.getPosition()))
      return std::nullopt;
    row = first.getPosition();
    for (AffineExpr other : map.getResults().drop_front())
      if (other.isFunctionOfDim(*row))
        return std::nullopt;
  }
  if (!row || kinds[*row] != utils::IteratorType::parallel)
    return std::nullopt;
  for (OpOperand &operand : op->getOpOperands())
    if (isSameForAllStreams(operand.get()) &&
        op.getMatchingIndexingMap(&operand).isFunctionOfDim(*row))
      return std::nullopt;
  return row;
}

Value GroupEmitter::ofGroup(Value operand, MemRefType type) {
  Value bytes = bytesOf(getWholeBuffer(operand));
  return memref::ViewOp::create(b, loc, type, bytes, index(0), ValueRange{});
}

void GroupEmitter::emitBatched(linalg::LinalgOp op) {
  bool hasRows = isa<linalg::FillOp>(op) || findRowLoop(op).has_value();
  SmallVector<AffineMap> maps;
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = operand.get();
    AffineMap map = op.getMatchingIndexingMap(&operand).shiftDims(1);
    if (isSameForAllStreams(value)) {
      operands.push_back(same.lookup(value));
    } else {
      auto type = cast<MemRefType>(value.getType());
      SmallVector<int64_t> shape(type.getShape());
      if (hasRows && !shape.empty())
        shape[0] *= size;
      else
        shape.insert(shape.begin(), size);
      operands.push_back(ofGroup(value, MemRefType::get(shape, type.getElementType())));
      map = map.insertResult(b.getAffineDimExpr(0), 0);
    }
    maps.push_back(map);
  }
  if (hasRows) {
    IRMapping mapping(same);
    for (auto [from, to] : llvm::zip(op->getOperands(), operands))
      mapping.map(from, to);
    b.clone(*op, mapping);
    return;
  }
  auto kinds = op.getIteratorTypesArray();
  kinds.insert(kinds.begin(), utils::IteratorType::parallel);
  unsigned numInputs = op.getNumDpsInputs();
  auto work = linalg::GenericOp::create(
      b, op.getLoc(), TypeRange{}, ValueRange(operands).take_front(numInputs),
      ValueRange(operands).drop_front(numInputs), maps, kinds);
  IRMapping mapping(same);
  op->getRegion(0).cloneInto(&work.getRegion(), mapping);
}

void GroupEmitter::emit() {
  std::string name = "step_group" + std::to_string(size);
  b.setInsertionPointAfter(step);
  auto handle = MemRefType::get({}, b.getI8Type());
  auto function = func::FuncOp::create(b, loc, name,
                                       b.getFunctionType({handle, b.getIndexType()}, {}));
  function->setAttr("weir.group", b.getI64IntegerAttr(size));
  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);
  group = body->getArgument(0);
  count = body->getArgument(1);
  for (Operation &op : step.front())
    if (op.getNumResults() > 0 && isSameForAllStreams(op.getResult(0)))
      b.clone(op, same);
  for (unsigned segment = 0; segment < schedule.numSegments(); ++segment) {
    if (segment % 2 == 0) {
      emitStreams(segment);
      continue;
    }
    for (const Action &action : schedule.getActions())
      if (action.segment == segment)
        emitBatched(cast<linalg::LinalgOp>(action.op));
  }
  func::ReturnOp::create(b, loc);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct BatchStreams : weir::impl::BatchStreamsBase<BatchStreams> {
  using BatchStreamsBase::BatchStreamsBase;
  void runOnOperation() override;
};
} // namespace

/// What a group needs for each of its streams, at most.
static int64_t getBytesOfStream(func::FuncOp step, const StreamSchedule &schedule) {
  int64_t bytes = schedule.getBytesOfStream();
  for (BlockArgument argument : step.getArguments()) // outputs that nobody wants
    if (step.getArgAttr(argument.getArgNumber(), "weir.output"))
      bytes += getBufferBytes(cast<MemRefType>(argument.getType()));
  return bytes;
}

void BatchStreams::runOnOperation() {
  auto step = getOperation().lookupSymbol<func::FuncOp>("step");
  if (!step || !step->hasAttr("weir.entry") || streams.empty())
    return;
  FailureOr<StreamSchedule> schedule = StreamSchedule::get(step);
  if (failed(schedule))
    return;
  if (schedule->getWeightBytes() < leastWeightBytes) {
    (void)missed(step,
                 "reads {0} bytes of weights: streams are stepped one after the other",
                 schedule->getWeightBytes());
    return;
  }
  int64_t bytes = getBytesOfStream(step, *schedule);
  for (int64_t size : streams) {
    if (size * bytes <= mostBytes)
      GroupEmitter(step, *schedule, size).emit();
    else
      (void)missed(step, "would need {0} bytes for {1} streams at once, more than {2}",
                   size * bytes, size, int64_t(mostBytes));
  }
}
