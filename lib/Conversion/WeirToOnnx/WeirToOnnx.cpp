//===- WeirToOnnx.cpp - Lower rings to standard operators -----------------===//
// ring_push %x, %r, %t  ==>  ScatterND(%r, [.., (position + (t + 1) c) mod n], %x)
// shift_push %x, %w     ==>  Concat(Slice(%w, c ..), %x)
// Bodies are straight lines, so each op is rewritten where it stands, in order. Scalars,
// which ONNX does not have, become tensors of rank 0.

#include "ScalarOps.h"
#include "SlidingDct.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Weir/Slots.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/NodeDiagnostics.h"
#include "llvm/ADT/TypeSwitch.h"

namespace weir {
#define GEN_PASS_DEF_CONVERTWEIRTOONNX
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// A tensor whose dimension `axis` is rows, and nothing but rows.
struct RowView {
  Value value;
  int64_t axis;
};

/// Where rows stand in a tensor: dimension `dim` reads (outer, row, inner).
struct RowLayout {
  int64_t dim, inner, numRows;

  int64_t numOuter(Value tensor) const {
    return (*getStaticShape(tensor))[dim] / (numRows * inner);
  }
  RowView view(OnnxBuilder &b, Value tensor) const {
    int64_t outer = numOuter(tensor);
    Shape shape(*getStaticShape(tensor));
    shape[dim] = numRows;
    if (inner > 1)
      shape.insert(shape.begin() + dim + 1, inner);
    if (outer > 1)
      shape.insert(shape.begin() + dim, outer);
    return {b.reshape(tensor, shape), outer > 1 ? dim + 1 : dim};
  }
};

class FunctionLowering {
public:
  explicit FunctionLowering(func::FuncOp function)
      : function(function), builder(function.getContext()) {}
  LogicalResult run();

private:
  Value lower(Operation *op);
  Value lowerWeir(Operation *op, OnnxBuilder &b);
  Value lowerRingPush(RingPushOp op, OnnxBuilder &b);
  Value lowerShiftPush(ShiftPushOp op, OnnxBuilder &b);
  Value lowerSelectRows(SelectRowsOp op, OnnxBuilder &b);
  Value lowerMaskAbsent(MaskAbsentOp op, OnnxBuilder &b);
  Value lowerScaleToPresent(ScaleToPresentOp op, OnnxBuilder &b);
  Value tensorOf(Value value) {
    Value scalar = scalars.lookup(value);
    return scalar ? scalar : value;
  }

  func::FuncOp function;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> scalars; ///< of index, integers, floats: as tensors
};
} // namespace

static RowLayout layoutOf(const TokenAxis &axis) {
  return {axis.dim, axis.inner, axis.numRows()};
}

/// lead + (offset + step * speed) mod tokens for each row that is a token's; fixed rows
/// stay. Never negative, since runtimes differ on what the remainder then is.
static Value rotate(OnnxBuilder &b, Value step, const TokenAxis &axis,
                    ArrayRef<int64_t> rows, ArrayRef<int64_t> offsets, int64_t speed) {
  bool isMixed = !llvm::all_of(rows, [&](int64_t row) { return axis.isToken(row); });
  SmallVector<int64_t> starts, speeds, sizes, leads;
  for (auto [row, offset] : llvm::zip_equal(rows, offsets)) {
    bool isToken = axis.isToken(row);
    starts.push_back(isToken ? offset : row);
    speeds.push_back(isToken ? speed : 0);
    sizes.push_back(isToken ? axis.tokens : axis.numRows());
    leads.push_back(isToken ? axis.lead : 0);
  }
  auto vector = [&](ArrayRef<int64_t> values) {
    return b.ints(isMixed ? values : values.take_front());
  };
  Value moved = isMixed || speeds[0] != 1 ? b.mul(step, vector(speeds)) : step;
  Value slots = b.make<ModOp>(b.add(moved, b.ints(starts)), vector(sizes));
  return axis.lead == 0 ? slots : b.add(slots, vector(leads));
}

/// The slots of window positions at step `step`.
static Value slotsOfPositions(OnnxBuilder &b, Value step, const TokenAxis &axis,
                              ArrayRef<int64_t> positions) {
  auto offsets = llvm::map_to_vector(positions, [&](int64_t position) {
    return (position - axis.lead + axis.chunk) % axis.tokens;
  });
  return rotate(b, step, axis, positions, offsets, axis.chunk);
}

/// The window positions of all slots at step `step`.
static Value positionsOfSlots(OnnxBuilder &b, Value step, const TokenAxis &axis) {
  auto rows = llvm::to_vector(llvm::seq<int64_t>(0, axis.numRows()));
  auto offsets = llvm::map_to_vector(rows, [&](int64_t row) {
    return (row - axis.lead - axis.chunk + 2 * axis.tokens) % axis.tokens;
  });
  return rotate(b, step, axis, rows, offsets, axis.tokens - axis.chunk);
}

static Value gatherRows(OnnxBuilder &b, Value from, const RowLayout &layout, Value rows,
                        RankedTensorType type) {
  auto [view, axis] = layout.view(b, from);
  return b.reshape(b.make<GatherOp>(view, rows, axis), type.getShape());
}

/// ScatterND wants whole index vectors: [.., i, j, slot] for each row that is written.
static Value indexVectors(OnnxBuilder &b, Value slots, ArrayRef<int64_t> outer) {
  int64_t numOuter = *countElements(outer), rank = outer.size();
  int64_t numSlots = getStaticShape(slots)->front();
  Shape shape(outer);
  shape.append({numSlots, 1});
  Shape unit(rank, 1);
  unit.append({numSlots, 1});
  Value last = b.reshape(slots, unit);
  if (rank == 0)
    return last;
  if (numOuter != 1)
    last = b.make<ExpandOp>(last, b.ints(shape));
  SmallVector<int64_t> leading;
  for (int64_t i = 0; i < numOuter; ++i)
    for (int64_t slot = 0; slot < numSlots; ++slot) {
      int64_t rest = i;
      SmallVector<int64_t> index(rank);
      for (int64_t d = rank; d-- > 0; rest /= outer[d])
        index[d] = rest % outer[d];
      leading.append(index);
    }
  shape.back() = rank;
  Value front = b.reshape(b.ints(leading), shape);
  return b.make<ConcatOp>(ValueRange{front, last}, rank + 1);
}

Value FunctionLowering::lowerRingPush(RingPushOp op, OnnxBuilder &b) {
  TokenAxis axis = op.getAxis().toAxis();
  auto [ring, dim] = layoutOf(axis).view(b, op.getRing());
  Value slots = slotsOfPositions(b, tensorOf(op.getStep()), axis, op.getPositions());
  Shape shape(*getStaticShape(ring)), rowsShape(shape);
  rowsShape[dim] = op.getPositions().size();
  Value written =
      b.make<ScatterNDOp>(ring, indexVectors(b, slots, ArrayRef(shape).take_front(dim)),
                          b.reshape(op.getRows(), rowsShape), "none");
  return b.reshape(written, op.getType().getShape());
}

Value FunctionLowering::lowerShiftPush(ShiftPushOp op, OnnxBuilder &b) {
  TokenAxis axis = op.getAxis().toAxis();
  RowView window = layoutOf(axis).view(b, op.getWindow());
  Shape rowsShape(*getStaticShape(window.value));
  rowsShape[window.axis] = op.getPositions().size();
  Value rows = b.reshape(op.getRows(), rowsShape);
  SmallVector<Value> pieces;
  for (const ShiftPushOp::Piece &piece : op.getPieces())
    pieces.push_back(b.slice(piece.isNew ? rows : window.value, window.axis, piece.first,
                             piece.first + piece.count));
  Value result =
      pieces.size() == 1 ? pieces.front() : b.make<ConcatOp>(pieces, window.axis);
  return b.reshape(result, op.getType().getShape());
}

Value FunctionLowering::lowerSelectRows(SelectRowsOp op, OnnxBuilder &b) {
  ArrayRef<int64_t> indices = op.getIndices();
  RowLayout layout = {static_cast<int64_t>(op.getDim()),
                      static_cast<int64_t>(op.getInner()),
                      static_cast<int64_t>(op.getExtent())};
  bool isRange = !indices.empty();
  for (size_t i = 1; i < indices.size(); ++i)
    isRange &= indices[i] == indices[i - 1] + 1;
  if (!isRange)
    return gatherRows(b, op.getValue(), layout, b.ints(indices), op.getType());
  auto [view, axis] = layout.view(b, op.getValue());
  return b.reshape(b.slice(view, axis, indices.front(), indices.back() + 1),
                   op.getType().getShape());
}

/// Tokens that have come by step `step` and still stand in the window.
static Value countPresent(OnnxBuilder &b, Value step, const TokenAxis &axis) {
  auto number = [&](int64_t value) { return b.ints({value}); };
  Value come = b.add(b.mul(step, number(axis.chunk)), number(axis.firstTokens()));
  Value some = b.make<MaxOp>(ValueRange{come, number(0)});
  return b.make<MinOp>(ValueRange{some, number(axis.tokens)});
}

/// The window positions of all slots, counted without fixed rows; `tokens` for those.
static Value tokensOfSlots(OnnxBuilder &b, Value step, const TokenAxis &axis) {
  Value positions = positionsOfSlots(b, step, axis);
  if (axis.lead == 0 && axis.tail == 0)
    return positions;
  SmallVector<bool> isToken;
  for (int64_t row = 0; row < axis.numRows(); ++row)
    isToken.push_back(axis.isToken(row));
  auto type =
      RankedTensorType::get({axis.numRows()}, IntegerType::get(step.getContext(), 1));
  return b.make<WhereOp>(b.constant(DenseElementsAttr::get(type, ArrayRef(isToken))),
                         b.make<SubOp>(positions, b.ints({axis.lead})),
                         b.ints({axis.tokens}));
}

Value FunctionLowering::lowerMaskAbsent(MaskAbsentOp op, OnnxBuilder &b) {
  TokenAxis axis = op.getAxis().toAxis();
  Value step = tensorOf(op.getStep()), tokens;
  RowLayout layout = layoutOf(axis);
  if (std::optional<ArrayRef<int64_t>> positions = op.getPositions()) {
    layout.numRows = positions->size();
    tokens = b.ints(llvm::map_to_vector(*positions, [&](int64_t row) {
      return axis.isToken(row) ? row - axis.lead : axis.tokens;
    }));
  } else {
    tokens = tokensOfSlots(b, step, axis);
  }
  Value first = b.make<SubOp>(b.ints({axis.tokens}), countPresent(b, step, axis));
  Value isThere = b.make<GreaterOrEqualOp>(tokens, first);
  auto [view, dim] = layout.view(b, op.getValue());
  Shape shape(getStaticShape(view)->size() - dim, 1);
  shape.front() = layout.numRows;
  Type element = getElementType(view);
  auto fill = DenseElementsAttr::get(RankedTensorType::get({}, element),
                                     Attribute(getFill(op.getFill(), element)));
  Value masked = b.make<WhereOp>(b.reshape(isThere, shape), view, b.constant(fill));
  return b.reshape(masked, op.getType().getShape());
}

Value FunctionLowering::lowerScaleToPresent(ScaleToPresentOp op, OnnxBuilder &b) {
  TokenAxis axis = op.getAxis().toAxis();
  Type element = getElementType(op.getValue());
  Value count = b.add(countPresent(b, tensorOf(op.getStep()), axis),
                      b.ints({axis.numRows() - axis.tokens}));
  count = b.make<MaxOp>(ValueRange{count, b.ints({1})});
  Value all = b.scalar(axis.numRows(), element);
  return b.mul(op.getValue(), b.make<DivOp>(all, b.reshape(b.cast(count, element), {})));
}

Value FunctionLowering::lowerWeir(Operation *op, OnnxBuilder &b) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](RingPushOp op) { return lowerRingPush(op, b); })
      .Case([&](ShiftPushOp op) { return lowerShiftPush(op, b); })
      .Case([&](SelectRowsOp op) { return lowerSelectRows(op, b); })
      .Case([&](MaskAbsentOp op) { return lowerMaskAbsent(op, b); })
      .Case([&](ScaleToPresentOp op) { return lowerScaleToPresent(op, b); })
      .Case([&](DctReadOp op) { return lowerDctRead(op, tensorOf(op.getStep()), b); })
      .Case([&](RingReadOp op) {
        TokenAxis axis = op.getAxis().toAxis();
        return gatherRows(
            b, op.getRing(), layoutOf(axis),
            slotsOfPositions(b, tensorOf(op.getStep()), axis, op.getPositions()),
            op.getType());
      })
      .Case([&](RollOp op) {
        TokenAxis axis = op.getAxis().toAxis();
        return gatherRows(b, op.getWindow(), layoutOf(axis),
                          positionsOfSlots(b, tensorOf(op.getStep()), axis),
                          op.getType());
      })
      .Default(Value());
}

Value FunctionLowering::lower(Operation *op) {
  builder.setInsertionPoint(op);
  OnnxBuilder b(builder, op->getLoc());
  if (isa<WeirDialect>(op->getDialect()))
    return lowerWeir(op, b);
  return lowerScalarOp(op, b, llvm::map_to_vector(op->getOperands(), [&](Value operand) {
                         return tensorOf(operand);
                       }));
}

/// Rows are rebuilt only when that is needed, for which ONNX would branch on data.
static LogicalResult refuseUpdates(Operation *op) {
  InFlightDiagnostic error = op->emitOpError(
      "updates an attention by its keys, which ONNX's operators cannot do");
  attachHelp(error, "give weir-continual the option retroactive=never, or "
                    "state-layout=shift");
  return error;
}

LogicalResult FunctionLowering::run() {
  SmallVector<Operation *> lowered;
  for (Operation &op : llvm::make_early_inc_range(function.getBody().front())) {
    if (isa_and_nonnull<OnnxDialect>(op.getDialect()) ||
        op.hasTrait<OpTrait::IsTerminator>())
      continue;
    if (isa<RetroactiveAttentionOp>(op))
      return refuseUpdates(&op);
    if (auto sliding = dyn_cast<SlidingDctOp>(op)) {
      builder.setInsertionPoint(&op);
      OnnxBuilder b(builder, op.getLoc());
      op.replaceAllUsesWith(lowerSlidingDct(sliding, tensorOf(sliding.getStep()), b));
      lowered.push_back(&op);
      continue;
    }
    Value value = op.getNumResults() == 1 ? lower(&op) : Value();
    if (!value)
      return op.emitOpError("has no counterpart among ONNX's operators");
    if (isa<TensorType>(op.getResult(0).getType()))
      op.getResult(0).replaceAllUsesWith(value);
    else
      scalars[op.getResult(0)] = value;
    lowered.push_back(&op);
  }
  for (Operation *op : llvm::reverse(lowered))
    op->erase();
  return success();
}

namespace {
struct ConvertWeirToOnnx : weir::impl::ConvertWeirToOnnxBase<ConvertWeirToOnnx> {
  using ConvertWeirToOnnxBase::ConvertWeirToOnnxBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function.isExternal() && failed(FunctionLowering(function).run()))
      signalPassFailure();
  }
};
} // namespace
