//===- RingsInPlace.cpp - Attend to rings where they lie ------------------===//
// softmax(q ring_read(K)^T) ring_read(V)  ==>  softmax(mask(q K^T)) V
// A softmax, and the sum that it weighs, take rows in any order: those of a ring need not
// be copied out of it first. Slots that were not to be read, because their token is too
// old or has not come, get the lowest score, and so a weight of 0.
// Legal where all that is computed of the rows ends in sums over them whose terms are 0
// in those slots: one factor is a weight, and the other finite, as old values become 0.

#include "Lowerings.h"
#include "ReadRings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Weir/Slots.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Of so many rows of a ring one may be left out; or else it is less work to copy the
/// others.
static constexpr int64_t rowsForOneLeft = 8;

namespace {
/// What is known of the slots that were not to be read.
enum class Unwanted { Anything, Lowest, Zero };

/// A value with one row a slot.
struct SlotRows {
  int64_t dim = 0;
  Unwanted unwanted = Unwanted::Anything;
  RingReadOp source; ///< of which it is a view
};

/// Ring reads whose rows meet, and all that is computed of these rows.
class InPlace {
public:
  InPlace(RingReadOp first, ReadRings &rings)
      : rings(rings), first(first), axis(first.getAxis().toAxis()) {
    reads.insert(first);
  }
  bool isLegal();
  void rewrite();
  ArrayRef<Operation *> getReads() const { return reads.getArrayRef(); }

private:
  bool trace(Operation *op);
  bool traceReshape(ReshapeOp op);
  bool traceTranspose(TransposeOp op);
  bool traceMask(MaskAbsentOp op);
  bool traceElements(Operation *op);
  bool traceProduct(MatMulOp op);
  bool traceSum(MatMulOp op);
  bool addRead(Value value);
  bool isAlike(RingReadOp read);
  bool clear(const SlotRows &factor);
  const SlotRows *find(Value value) const {
    auto found = rows.find(value);
    return found == rows.end() ? nullptr : &found->second;
  }
  bool define(Operation *op, SlotRows result) {
    rows[op->getResult(0)] = result;
    return true;
  }

  void rewrite(Operation *op);
  Value rewriteOperand(OpBuilder &b, Operation *op, Value operand);
  Value mask(OpBuilder &b, Location loc, Value value, int64_t dim, AbsentToken fill,
             bool hidesAbsent);
  RankedTensorType widen(Type type, int64_t dim) const;

  ReadRings &rings;
  RingReadOp first;
  TokenAxis axis;
  llvm::SetVector<Operation *> reads;
  bool isComplete = true; // no read was found since the trace began
  DenseMap<Value, SlotRows> rows;
  SmallVector<Operation *> ops; // in their order
  SmallVector<RingReadOp> toClear;
  DenseMap<Value, Value> made;
};
} // namespace

//===----------------------------------------------------------------------===//
// What becomes of the rows
//===----------------------------------------------------------------------===//

bool InPlace::isAlike(RingReadOp read) {
  TokenAxis other = read.getAxis().toAxis();
  return other.inDim(0) == axis.inDim(0) && read.getStep() == first.getStep() &&
         read.getPositions() == first.getPositions() &&
         read->getBlock() == first->getBlock() && getFirstRead(read);
}

/// Is `value` a view of other rows of the kind? They are to be read in place, too.
bool InPlace::addRead(Value value) {
  while (isa_and_nonnull<ReshapeOp, TransposeOp, MaskAbsentOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  auto read = value.getDefiningOp<RingReadOp>();
  if (!read || !isAlike(read) || !reads.insert(read))
    return false;
  isComplete = false;
  return true;
}

bool InPlace::traceReshape(ReshapeOp op) {
  SlotRows from = *find(op.getData());
  ArrayRef<int64_t> shape = shapeOf(op.getData()), result = shapeOf(op.getReshaped());
  int64_t outer = 1;
  for (int64_t size : shape.take_front(from.dim))
    outer *= size;
  for (int64_t dim = 0, before = 1; dim < static_cast<int64_t>(result.size()); ++dim) {
    if (before == outer && result[dim] == shape[from.dim])
      return define(op, {dim, from.unwanted, from.source});
    before *= result[dim];
  }
  return false;
}

bool InPlace::traceTranspose(TransposeOp op) {
  SlotRows from = *find(op.getData());
  if (!op.getPerm())
    return false;
  for (auto [dim, source] : llvm::enumerate(op.getPerm()->getAsRange<IntegerAttr>()))
    if (source.getInt() == from.dim)
      return define(op, {static_cast<int64_t>(dim), from.unwanted, from.source});
  return false;
}

bool InPlace::clear(const SlotRows &factor) {
  if (!factor.source || !rings.canClear(factor.source))
    return false;
  toClear.push_back(factor.source);
  return true;
}

bool InPlace::traceMask(MaskAbsentOp op) {
  SlotRows from = *find(op.getValue());
  TokenAxis masked = op.getAxis().toAxis();
  if (masked != axis.inDim(from.dim) || op.getStep() != first.getStep() ||
      op.getPositions() != first.getPositions())
    return false;
  if (op.getFill() == AbsentToken::Zero && clear(from))
    return define(op, from); // it holds 0 already
  from.source = nullptr;
  from.unwanted = op.getFill() == AbsentToken::Zero     ? Unwanted::Zero
                  : op.getFill() == AbsentToken::Lowest ? Unwanted::Lowest
                                                        : Unwanted::Anything;
  return define(op, from);
}

/// Other operands have rows of the same kind, or one row for all.
bool InPlace::traceElements(Operation *op) {
  int64_t rank = typeOf(op->getResult(0)).getRank(), dim = -1;
  for (Value operand : op->getOperands())
    if (const SlotRows *from = find(operand)) {
      int64_t here = from->dim + rank - typeOf(operand).getRank();
      if (dim >= 0 && here != dim)
        return false;
      dim = here;
    }
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type)
      return false;
    int64_t here = dim - (rank - type.getRank());
    if (find(operand) || here < 0 || type.getDimSize(here) == 1)
      continue;
    ElementsAttr constant = getConstantElements(operand);
    if (!(constant && constant.isSplat()) && !addRead(operand))
      return false;
  }
  return define(op, {dim, Unwanted::Anything, nullptr});
}

/// A sum over the rows: of it nothing else is to be known.
bool InPlace::traceSum(MatMulOp op) {
  const SlotRows *a = find(op.getA()), *b = find(op.getB());
  if (!a || !b)
    return addRead(a ? op.getB() : op.getA());
  if (a->unwanted == Unwanted::Zero && b->unwanted == Unwanted::Zero)
    return true;
  if (a->unwanted == Unwanted::Zero)
    return clear(*b);
  return b->unwanted == Unwanted::Zero && clear(*a);
}

bool InPlace::traceProduct(MatMulOp op) {
  const SlotRows *a = find(op.getA()), *b = find(op.getB());
  int64_t rankA = typeOf(op.getA()).getRank(), rankB = typeOf(op.getB()).getRank(),
          rank = typeOf(op.getY()).getRank();
  if (rankA < 2 || rankB < 2)
    return false;
  bool sumsA = a && a->dim == rankA - 1, sumsB = b && b->dim == rankB - 2;
  if (sumsA || sumsB)
    return sumsA == (a != nullptr) && sumsB == (b != nullptr) && traceSum(op);
  if (a && !b && a->dim == rankA - 2)
    return define(op, {rank - 2, Unwanted::Anything, nullptr});
  if (b && !a && b->dim == rankB - 1)
    return define(op, {rank - 1, Unwanted::Anything, nullptr});
  return false;
}

bool InPlace::trace(Operation *op) {
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return find(reshape.getData()) && traceReshape(reshape);
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return traceTranspose(transpose);
  if (auto masked = dyn_cast<MaskAbsentOp>(op))
    return find(masked.getValue()) && traceMask(masked);
  if (auto product = dyn_cast<MatMulOp>(op))
    return traceProduct(product);
  if (isa<AddOp, SubOp, MulOp, DivOp>(op))
    return traceElements(op);
  auto softmax = dyn_cast<SoftmaxOp>(op);
  if (!softmax)
    return false;
  SlotRows from = *find(softmax.getInput());
  int64_t rank = typeOf(softmax.getInput()).getRank(), along = softmax.getAxis();
  if (from.dim != (along < 0 ? along + rank : along))
    return false;
  return define(op, {from.dim, Unwanted::Zero, nullptr});
}

bool InPlace::isLegal() {
  std::optional<int64_t> position = getFirstRead(first);
  if (!position || *position * rowsForOneLeft > axis.tokens)
    return false;
  do {
    isComplete = true;
    rows.clear();
    ops.clear();
    toClear.clear();
    for (Operation &op : *first->getBlock()) {
      if (reads.contains(&op)) {
        auto read = cast<RingReadOp>(op);
        define(read, {read.getAxis().toAxis().dim, Unwanted::Anything, read});
        continue;
      }
      bool isTouched = false;
      op.walk([&](Operation *inner) {
        isTouched |= llvm::any_of(inner->getOperands(), [&](Value operand) {
          return find(operand) != nullptr;
        });
      });
      if (!isTouched)
        continue;
      if (!trace(&op))
        return false;
      ops.push_back(&op);
    }
  } while (!isComplete);
  return true;
}

//===----------------------------------------------------------------------===//
// The same of the rings
//===----------------------------------------------------------------------===//

RankedTensorType InPlace::widen(Type type, int64_t dim) const {
  SmallVector<int64_t> shape(cast<RankedTensorType>(type).getShape());
  shape[dim] = axis.tokens;
  return cast<RankedTensorType>(type).clone(shape);
}

/// Slots of tokens in front of the first one that is read, and of those that have not
/// come: in window order all of them stand in front of the others.
Value InPlace::mask(OpBuilder &b, Location loc, Value value, int64_t dim,
                    AbsentToken fill, bool hidesAbsent) {
  RankedTensorType type = typeOf(value);
  auto constant = [&](OpBuilder &b, int64_t number) {
    return arith::ConstantIndexOp::create(b, loc, number);
  };
  Value from = constant(b, *getFirstRead(first));
  if (hidesAbsent)
    from = arith::MaxSIOp::create(b, loc, from,
                                  findFirstPresent(b, loc, first.getStep(), axis));
  Value shift = makeShift(b, loc, first.getStep(), axis);
  auto slots = llvm::to_vector(llvm::seq<int64_t>(0, axis.tokens));
  Value numbers = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(RankedTensorType::get(axis.tokens, b.getI64Type()),
                             ArrayRef<int64_t>(slots)));
  AffineMap identity = AffineMap::getMultiDimIdentityMap(type.getRank(), b.getContext());
  AffineMap along = AffineMap::get(type.getRank(), 0, b.getAffineDimExpr(dim));
  Value low = arith::ConstantOp::create(b, loc, getFill(fill, type.getElementType()));
  Value init = tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  auto masked = linalg::GenericOp::create(
      b, loc, type, ValueRange{value, numbers}, init, ArrayRef{identity, along, identity},
      SmallVector<utils::IteratorType>(type.getRank(), utils::IteratorType::parallel),
      [&](OpBuilder &b, Location at, ValueRange in) {
        Value slot = arith::IndexCastOp::create(b, at, b.getIndexType(), in[1]);
        Value position = arith::SubIOp::create(b, at, slot, shift);
        Value wrapped = arith::AddIOp::create(b, at, position, constant(b, axis.tokens));
        Value isBefore = arith::CmpIOp::create(b, at, arith::CmpIPredicate::slt, position,
                                               constant(b, 0));
        position = arith::SelectOp::create(b, at, isBefore, wrapped, position);
        Value isWanted =
            arith::CmpIOp::create(b, at, arith::CmpIPredicate::sge, position, from);
        Value chosen = arith::SelectOp::create(b, at, isWanted, in[0], low);
        linalg::YieldOp::create(b, at, chosen);
      });
  return masked.getResult(0);
}

/// A constant that says the same of all rows says so in one.
Value InPlace::rewriteOperand(OpBuilder &b, Operation *op, Value operand) {
  if (Value known = made.lookup(operand))
    return known;
  if (!isa<AddOp, SubOp, MulOp, DivOp>(op))
    return operand;
  RankedTensorType type = typeOf(operand);
  int64_t dim =
      find(op->getResult(0))->dim - typeOf(op->getResult(0)).getRank() + type.getRank();
  if (dim < 0 || type.getDimSize(dim) == 1)
    return operand;
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = 1;
  auto number = getConstantElements(operand).getSplatValue<Attribute>();
  return OnnxBuilder(b, op->getLoc())
      .constant(DenseElementsAttr::get(type.clone(shape), number));
}

void InPlace::rewrite(Operation *op) {
  OpBuilder b(op);
  Location loc = op->getLoc();
  const SlotRows *result = find(op->getResult(0));
  if (auto masked = dyn_cast<MaskAbsentOp>(op)) {
    Value value = made.lookup(masked.getValue());
    made[masked] = result->source ? value
                                  : mask(b, loc, value, result->dim, masked.getFill(),
                                         /*hidesAbsent=*/true);
    return;
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(rewriteOperand(b, op, operand));
  if (isa<ReshapeOp>(op))
    operands[1] = OnnxBuilder(b, loc).ints(
        widen(op->getResult(0).getType(), result->dim).getShape());
  if (isa<SoftmaxOp>(op)) {
    const SlotRows &scores = *find(op->getOperand(0));
    if (scores.unwanted != Unwanted::Lowest)
      operands[0] = mask(b, loc, operands[0], scores.dim, AbsentToken::Lowest,
                         /*hidesAbsent=*/false);
  }
  Operation *clone = b.clone(*op);
  clone->setOperands(operands);
  if (!result) {
    op->getResult(0).replaceAllUsesWith(clone->getResult(0));
    return;
  }
  clone->getResult(0).setType(widen(op->getResult(0).getType(), result->dim));
  made[op->getResult(0)] = clone->getResult(0);
}

void InPlace::rewrite() {
  for (Operation *read : reads)
    made[read->getResult(0)] = cast<RingReadOp>(read).getRing();
  for (Operation *op : ops)
    rewrite(op);
  for (RingReadOp read : toClear)
    rings.clear(read);
  for (Operation *op : llvm::reverse(ops))
    op->erase();
  for (Operation *read : reads)
    read->erase();
}

void weir::readRingsInPlace(ModuleOp module) {
  ReadRings rings(module);
  SmallVector<RingReadOp> reads;
  module.walk([&](RingReadOp read) { reads.push_back(read); });
  DenseSet<Operation *> done;
  for (RingReadOp read : reads) {
    if (done.contains(read))
      continue;
    InPlace attempt(read, rings);
    if (!attempt.isLegal())
      continue;
    for (Operation *other : attempt.getReads())
      done.insert(other);
    attempt.rewrite();
  }
  rings.emitClearing();
}
