//===- Reduction.cpp - onnx ops that reduce dimensions --------------------===//

#include "Emit.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// The value that `max` starts from.
static double lowest(Type element) {
  if (isa<FloatType>(element))
    return -infinity;
  unsigned width = element.getIntOrFloatBitWidth();
  return element.isUnsignedInteger() || width == 1
             ? 0
             : static_cast<double>(llvm::minIntN(std::min(width, 64u)));
}
/// The value that `min` starts from: as wide ones as a double holds exactly.
static double highest(Type element) {
  if (isa<FloatType>(element))
    return infinity;
  unsigned width = element.getIntOrFloatBitWidth();
  if (width == 1)
    return 1;
  if (element.isUnsignedInteger())
    return width >= 64 ? 9.2e18 : static_cast<double>(llvm::maxUIntN(width));
  return width >= 64 ? 9223372036854774784.0 : static_cast<double>(llvm::maxIntN(width));
}

namespace {
/// What a reduction does before, while and after it folds.
struct Reduction {
  Value (*before)(Scalars &, Value) = nullptr;
  Value (Scalars::*fold)(Value, Value) = nullptr;
  Value (*after)(Scalars &, Value) = nullptr;
  double init = 0;
};
} // namespace

static FailureOr<SmallVector<int64_t>> reducedDims(Operation *op, Emit &emit,
                                                   int64_t rank, bool noopWithEmptyAxes) {
  Value axes = op->getOperand(1);
  SmallVector<int64_t> dims;
  if (!isa<NoneType>(axes.getType())) {
    auto given = getConstantInts(axes);
    if (!given)
      return emit.refuse("its axes depend on the data; they must be constant");
    for (int64_t axis : *given)
      dims.push_back(axis < 0 ? axis + rank : axis);
  }
  if (dims.empty() && !noopWithEmptyAxes)
    dims = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  return dims;
}

template <typename OpT>
static Results reduceWith(OpT op, Emit &emit, const Reduction &reduction,
                          bool averages = false) {
  Tensor x = emit.tensor(op.getData());
  RankedTensorType type = typeOf(op.getReduced());
  auto dims = reducedDims(op, emit, x.rank(), op.getNoopWithEmptyAxes());
  if (failed(dims))
    return failure();
  Type element = x.element;
  Type wide = isa<FloatType>(element) ? computedType(element) : element;
  if (reduction.before)
    x = emit.map(x.shape(), wide, {x},
                 [&](Scalars &s, ValueRange v) { return reduction.before(s, v[0]); });
  double count = 1;
  for (int64_t dim : *dims)
    count *= x.shape()[dim];
  Tensor y = emit.reduce(x, *dims, wide, reduction.init, [&](Scalars &s, ValueRange v) {
    return (s.*reduction.fold)(v[1], v[0]);
  });
  y = emit.map(y.shape(), element, {y}, [&](Scalars &s, ValueRange v) {
    Value value = averages ? s.div(v[0], s.constant(v[0], count)) : v[0];
    return reduction.after ? reduction.after(s, value) : value;
  });
  return SmallVector<Value>{emit.reshape(y, type.getShape()).value};
}

static Value square(Scalars &s, Value x) { return s.mul(x, x); }
static Value absolute(Scalars &s, Value x) { return s.abs(x); }
static Value root(Scalars &s, Value x) {
  if (isa<FloatType>(x.getType()))
    return s.sqrt(x);
  Value wide = s.convert(x, s.b.getF64Type(), false);
  return s.convert(s.sqrt(wide), x.getType(), s.isUnsigned);
}

static Results lowerReduceMean(ReduceMeanOp op, Emit &emit) {
  return reduceWith(op, emit, {nullptr, &Scalars::add, nullptr, 0}, /*averages=*/true);
}
static Results lowerReduceSum(ReduceSumOp op, Emit &emit) {
  return reduceWith(op, emit, {nullptr, &Scalars::add, nullptr, 0});
}
static Results lowerReduceProd(ReduceProdOp op, Emit &emit) {
  return reduceWith(op, emit, {nullptr, &Scalars::mul, nullptr, 1});
}
static Results lowerReduceMax(ReduceMaxOp op, Emit &emit) {
  double init = lowest(typeOf(op.getData()).getElementType());
  return reduceWith(op, emit, {nullptr, &Scalars::max, nullptr, init});
}
static Results lowerReduceMin(ReduceMinOp op, Emit &emit) {
  double init = highest(typeOf(op.getData()).getElementType());
  return reduceWith(op, emit, {nullptr, &Scalars::min, nullptr, init});
}
static Results lowerReduceL1(ReduceL1Op op, Emit &emit) {
  return reduceWith(op, emit, {absolute, &Scalars::add, nullptr, 0});
}
static Results lowerReduceL2(ReduceL2Op op, Emit &emit) {
  return reduceWith(op, emit, {square, &Scalars::add, root, 0});
}
static Results lowerReduceSumSquare(ReduceSumSquareOp op, Emit &emit) {
  return reduceWith(op, emit, {square, &Scalars::add, nullptr, 0});
}

// max + ln(sum e^(x - max)); a largest element that is not finite is left out.
static Results lowerReduceLogSumExp(ReduceLogSumExpOp op, Emit &emit) {
  Tensor x = emit.tensor(op.getData());
  RankedTensorType type = typeOf(op.getReduced());
  auto dims = reducedDims(op, emit, x.rank(), op.getNoopWithEmptyAxes());
  if (failed(dims))
    return failure();
  Type wide = computedType(x.element);
  Tensor largest = emit.reduce(x, *dims, wide, -infinity, [](Scalars &s, ValueRange v) {
    return s.max(v[1], v[0]);
  });
  largest = emit.map(largest.shape(), wide, {largest}, [](Scalars &s, ValueRange v) {
    Value isFinite = s.less(s.abs(v[0]), s.constant(v[0], infinity));
    return s.select(isFinite, v[0], s.constant(v[0], 0));
  });
  SmallVector<int64_t> kept;
  for (int64_t i = 0; i < x.rank(); ++i)
    if (!llvm::is_contained(*dims, i))
      kept.push_back(i);
  Tensor exps =
      emit.map(x.shape(), wide, {x, largest},
               {emit.rw.getMultiDimIdentityMap(x.rank()),
                keepLoops(op.getContext(), x.rank(), kept)},
               [](Scalars &s, ValueRange v) { return s.exp(s.sub(v[0], v[1])); });
  Tensor sum = emit.reduce(exps, *dims, wide, 0,
                           [](Scalars &s, ValueRange v) { return s.add(v[1], v[0]); });
  Tensor y = emit.map(sum.shape(), x.element, {sum, largest},
                      [](Scalars &s, ValueRange v) { return s.add(s.log(v[0]), v[1]); });
  return SmallVector<Value>{emit.reshape(y, type.getShape()).value};
}

/// Keeps the better of (value, index) pairs; ties go to the first index, or the last.
template <typename OpT, bool isMax>
static Results lowerArg(OpT op, Emit &emit) {
  Tensor x = emit.tensor(op.getData());
  Type wide = computedType(x.element);
  x = emit.cast(x, x.element.isUnsignedInteger() ? x.element : wide);
  int64_t axis = op.getAxis() < 0 ? op.getAxis() + x.rank() : op.getAxis();
  SmallVector<int64_t> kept, shape;
  SmallVector<IteratorKind> kinds(x.rank(), IteratorKind::parallel);
  kinds[axis] = IteratorKind::reduction;
  for (int64_t i = 0; i < x.rank(); ++i) {
    if (i == axis)
      continue;
    kept.push_back(i);
    shape.push_back(x.shape()[i]);
  }
  Type i64 = emit.rw.getI64Type();
  Tensor best =
      emit.fill(shape, x.element, isMax ? lowest(x.element) : highest(x.element));
  Tensor where = emit.fill(shape, i64, -1);
  AffineMap resultMap = keepLoops(op.getContext(), x.rank(), kept);
  auto body = [&](OpBuilder &b, Location loc, ValueRange v) {
    Scalars s(b, loc, x.element.isUnsignedInteger());
    Value index = arith::IndexCastOp::create(b, loc, i64, s.index(axis));
    bool takesTies = op.getSelectLastIndex();
    Value x = isMax ? v[1] : v[0], y = isMax ? v[0] : v[1]; // better: x before y
    Value better = takesTies ? s.lessOrEqual(x, y) : s.less(x, y);
    Value isFirst = s.less(v[2], s.constant(v[2], 0));
    better = arith::OrIOp::create(b, loc, better, isFirst);
    linalg::YieldOp::create(
        b, loc, {s.select(better, v[0], v[1]), s.select(better, index, v[2])});
  };
  auto op2 = linalg::GenericOp::create(
      emit.rw, emit.loc, TypeRange{best.value.getType(), where.value.getType()},
      ValueRange{x.value}, ValueRange{best.value, where.value},
      ArrayRef<AffineMap>{emit.rw.getMultiDimIdentityMap(x.rank()), resultMap, resultMap},
      kinds, body);
  Tensor result = {op2.getResult(1), i64};
  return SmallVector<Value>{
      emit.reshape(result, typeOf(op.getReduced()).getShape()).value};
}

static Results lowerCumSum(CumSumOp op, Emit &emit) {
  auto axes = getConstantInts(op.getAxis());
  if (!axes || axes->size() != 1)
    return emit.refuse("its axis depends on the data; it must be constant");
  Tensor x = emit.tensor(op.getX());
  int64_t rank = x.rank(),
          axis = axes->front() < 0 ? axes->front() + rank : axes->front();
  Type wide = isa<FloatType>(x.element) ? computedType(x.element) : x.element;
  bool exclusive = op.getExclusive(), reverse = op.getReverse();
  // Each sum follows from its neighbour; the sum of nothing stands at the end.
  SmallVector<int64_t> shape(x.shape()), one(x.shape());
  shape[axis] += 1;
  one[axis] = 1;
  OpBuilder &b = emit.rw;
  Location loc = emit.loc;
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  SmallVector<OpFoldResult> ones(rank, b.getIndexAttr(1)),
      sizes = getAsIndexOpFoldResult(b.getContext(), one);
  auto offsets = [&](Value at) {
    SmallVector<OpFoldResult> all(rank, b.getIndexAttr(0));
    all[axis] = at;
    return all;
  };
  auto loop = scf::ForOp::create(b, loc, index(0), index(x.shape()[axis]), index(1),
                                 emit.fill(shape, wide, 0).value);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Scalars s(b, loc);
    Value sums = loop.getRegionIterArg(0), at = loop.getInductionVar();
    if (reverse)
      at = s.sub(index(x.shape()[axis] - 1), at);
    Value after = s.add(at, index(1));
    auto slice = [&](Value from, Value position, Type element) {
      return Tensor{
          tensor::ExtractSliceOp::create(b, loc, from, offsets(position), sizes, ones),
          element};
    };
    Tensor next =
        emit.map(one, wide,
                 {slice(sums, reverse ? after : at, wide), slice(x.value, at, x.element)},
                 [](Scalars &s, ValueRange v) { return s.add(v[0], v[1]); });
    Value inserted = tensor::InsertSliceOp::create(
        b, loc, next.value, sums, offsets(reverse ? at : after), sizes, ones);
    scf::YieldOp::create(b, loc, inserted);
  }
  SmallVector<int64_t> first(rank, 0), unit(rank, 1);
  first[axis] = exclusive == reverse ? 1 : 0;
  Tensor y = emit.slice({loop.getResult(0), wide}, first, x.shape(), unit);
  return SmallVector<Value>{emit.cast(y, x.element).value};
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

template <typename OpT, bool isMax>
static Results lowerGlobalPool(OpT op, Emit &emit) {
  Tensor x = emit.tensor(op.getX());
  auto dims = llvm::to_vector(llvm::seq<int64_t>(2, x.rank()));
  double count = 1;
  for (int64_t dim : dims)
    count *= x.shape()[dim];
  Tensor y = emit.reduce(x, dims, computedType(x.element), isMax ? -infinity : 0,
                         [](Scalars &s, ValueRange v) {
                           return isMax ? s.max(v[1], v[0]) : s.add(v[1], v[0]);
                         });
  y = emit.map(y.shape(), x.element, {y}, [&](Scalars &s, ValueRange v) {
    return isMax ? v[0] : s.div(v[0], s.constant(v[0], count));
  });
  return SmallVector<Value>{emit.reshape(y, typeOf(op.getY()).getShape()).value};
}

namespace {
/// The sizes of a pool over `spatial` dimensions.
struct PoolShape {
  SmallVector<int64_t> in, out, kernel, strides, dilations, pads;
  /// Elements that the window of an output position covers along a dimension.
  int64_t reach(int64_t dim) const {
    return (out[dim] - 1) * strides[dim] + (kernel[dim] - 1) * dilations[dim] + 1;
  }
};
} // namespace

template <typename OpT>
static PoolShape getPoolShape(OpT op) {
  PoolShape p;
  p.in = llvm::to_vector(typeOf(op.getX()).getShape().drop_front(2));
  p.out = llvm::to_vector(typeOf(op.getY()).getShape().drop_front(2));
  auto ints = [&](std::optional<ArrayAttr> attr, int64_t otherwise) {
    SmallVector<int64_t> values(p.in.size(), otherwise);
    if (attr)
      for (auto [value, given] :
           llvm::zip(values, attr->template getAsRange<IntegerAttr>()))
        value = given.getInt();
    return values;
  };
  p.kernel = ints(op.getKernelShape(), 1);
  p.strides = ints(op.getStrides(), 1);
  p.dilations = ints(op.getDilations(), 1);
  p.pads = ints(op.getPads(), 0);
  if (op.getAutoPad() == "VALID")
    p.pads.assign(p.in.size(), 0);
  if (op.getAutoPad().starts_with("SAME"))
    for (size_t i = 0; i < p.in.size(); ++i) {
      int64_t total = std::max<int64_t>(p.reach(i) - p.in[i], 0);
      p.pads[i] = op.getAutoPad() == "SAME_UPPER" ? total / 2 : total - total / 2;
    }
  return p;
}

/// `x` [B, C, in...] surrounded by `value`.
static Tensor padSpatial(Emit &emit, Tensor x, const PoolShape &p, double value) {
  SmallVector<int64_t> padded(x.shape()), offsets(x.rank(), 0);
  for (size_t i = 0; i < p.in.size(); ++i) {
    padded[2 + i] = std::max(p.reach(i), p.in[i] + p.pads[i]);
    offsets[2 + i] = p.pads[i];
  }
  if (padded == SmallVector<int64_t>(x.shape()))
    return x;
  return emit.insert(x, emit.fill(padded, x.element, value), offsets);
}

/// Folds the window of every output position.
static Tensor poolWindows(Emit &emit, Tensor x, const PoolShape &p, double init,
                          Body body) {
  MLIRContext *context = emit.rw.getContext();
  int64_t spatial = p.in.size(), rank = 2 + 2 * spatial;
  SmallVector<AffineExpr> exprs = {getAffineDimExpr(0, context),
                                   getAffineDimExpr(1, context)};
  SmallVector<AffineExpr> window;
  for (int64_t i = 0; i < spatial; ++i) {
    exprs.push_back(getAffineDimExpr(2 + i, context) * p.strides[i] +
                    getAffineDimExpr(2 + spatial + i, context) * p.dilations[i]);
    window.push_back(getAffineDimExpr(2 + spatial + i, context));
  }
  SmallVector<int64_t> shape = {x.shape()[0], x.shape()[1]};
  shape.append(p.out);
  SmallVector<IteratorKind> kinds(rank, IteratorKind::parallel);
  std::fill(kinds.begin() + 2 + spatial, kinds.end(), IteratorKind::reduction);
  // Gives the window's loops their extent; no element of it is read.
  Tensor extent = {emit.empty(p.kernel, x.element), x.element};
  return emit.reduce(
      shape, computedType(x.element), {x, extent},
      {AffineMap::get(rank, 0, exprs, context), AffineMap::get(rank, 0, window, context)},
      keepLoops(context, rank, llvm::to_vector(llvm::seq<int64_t>(0, 2 + spatial))),
      kinds, init, body);
}

static Results lowerMaxPool(MaxPoolOp op, Emit &emit) {
  PoolShape p = getPoolShape(op);
  Tensor x = emit.tensor(op.getX());
  double least = lowest(x.element);
  Tensor y = poolWindows(emit, padSpatial(emit, x, p, least), p, least,
                         [](Scalars &s, ValueRange v) { return s.max(v[2], v[0]); });
  return SmallVector<Value>{emit.cast(y, x.element).value};
}

// Without `count_include_pad`, the mean of the elements that are there: their number is
// the pool of ones.
static Results lowerAveragePool(AveragePoolOp op, Emit &emit) {
  PoolShape p = getPoolShape(op);
  Tensor x = emit.tensor(op.getX());
  auto add = [](Scalars &s, ValueRange v) { return s.add(v[2], v[0]); };
  Tensor sum = poolWindows(emit, padSpatial(emit, x, p, 0), p, 0, add);
  Type wide = sum.element;
  Tensor count = emit.fill(x.shape(), wide, 1);
  if (op.getCountIncludePad()) {
    // Padding counts, but not what ceil_mode reads beyond it.
    SmallVector<int64_t> shape(x.shape());
    auto pads = op.getPads();
    for (size_t i = 0; i < p.in.size(); ++i) {
      int64_t end = pads ? cast<IntegerAttr>((*pads)[p.in.size() + i]).getInt()
                         : std::max<int64_t>(p.reach(i) - p.in[i] - p.pads[i], 0);
      shape[2 + i] += p.pads[i] + end;
      p.in[i] = shape[2 + i];
      p.pads[i] = 0;
    }
    count = emit.fill(shape, wide, 1);
  }
  count = poolWindows(emit, padSpatial(emit, count, p, 0), p, 0, add);
  Tensor y = emit.map(sum.shape(), x.element, {sum, count},
                      [](Scalars &s, ValueRange v) { return s.div(v[0], v[1]); });
  return SmallVector<Value>{y.value};
}

void weir::onnx::addReductionLowerings(Lowerings &lowerings) {
  lowerings.add<ReduceMeanOp>(lowerReduceMean);
  lowerings.add<ReduceSumOp>(lowerReduceSum);
  lowerings.add<ReduceProdOp>(lowerReduceProd);
  lowerings.add<ReduceMaxOp>(lowerReduceMax);
  lowerings.add<ReduceMinOp>(lowerReduceMin);
  lowerings.add<ReduceL1Op>(lowerReduceL1);
  lowerings.add<ReduceL2Op>(lowerReduceL2);
  lowerings.add<ReduceSumSquareOp>(lowerReduceSumSquare);
  lowerings.add<ReduceLogSumExpOp>(lowerReduceLogSumExp);
  lowerings.add<ArgMaxOp>(lowerArg<ArgMaxOp, true>);
  lowerings.add<ArgMinOp>(lowerArg<ArgMinOp, false>);
  lowerings.add<CumSumOp>(lowerCumSum);
  lowerings.add<GlobalAveragePoolOp>(lowerGlobalPool<GlobalAveragePoolOp, false>);
  lowerings.add<GlobalMaxPoolOp>(lowerGlobalPool<GlobalMaxPoolOp, true>);
  lowerings.add<MaxPoolOp>(lowerMaxPool);
  lowerings.add<AveragePoolOp>(lowerAveragePool);
}
