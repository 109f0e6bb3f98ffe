//===- EvaluateReduction.cpp - Constants reduced along dimensions ---------===//

#include "Evaluate.h"
#include "Strided.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

/// The elements of a tensor as rows of those that are reduced together.
/// Example: axes {0} of [2, 3] makes 3 rows of 2: the columns.
struct Rows {
  int64_t count, length;
  Shape elements; ///< count * length element numbers, row by row
};
static Rows rowsOf(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  Shape own = rowMajorStrides(shape), order, strides;
  int64_t length = 1;
  for (bool reduced : {false, true})
    for (auto [d, size] : llvm::enumerate(shape))
      if (llvm::is_contained(axes, static_cast<int64_t>(d)) == reduced) {
        order.push_back(size);
        strides.push_back(own[d]);
        length *= reduced ? size : 1;
      }
  int64_t total = *countElements(shape);
  Shape numbers = llvm::to_vector(llvm::seq<int64_t>(0, total)), elements(total);
  copyStrided({reinterpret_cast<char *>(elements.data()), rowMajorStrides(order)},
              {reinterpret_cast<const char *>(numbers.data()), strides}, order,
              sizeof(int64_t));
  return {length ? total / length : 0, length, elements};
}

using Reduce = double (*)(ArrayRef<double>);
static double sum(ArrayRef<double> row) {
  return std::accumulate(row.begin(), row.end(), 0.0);
}
static double mean(ArrayRef<double> row) { return sum(row) / row.size(); }
static double maximum(ArrayRef<double> row) {
  double result = -INFINITY;
  for (double x : row)
    result = std::isnan(x) || x > result ? x : result;
  return result;
}
static double minimum(ArrayRef<double> row) {
  double result = INFINITY;
  for (double x : row)
    result = std::isnan(x) || x < result ? x : result;
  return result;
}
static double productOf(ArrayRef<double> row) {
  return std::accumulate(row.begin(), row.end(), 1.0, std::multiplies<>());
}
static double sumOfSizes(ArrayRef<double> row) {
  return std::accumulate(row.begin(), row.end(), 0.0,
                         [](double s, double x) { return s + std::fabs(x); });
}
static double sumOfSquares(ArrayRef<double> row) {
  return std::accumulate(row.begin(), row.end(), 0.0,
                         [](double s, double x) { return s + x * x; });
}
static double length(ArrayRef<double> row) { return std::sqrt(sumOfSquares(row)); }
static double logSumExp(ArrayRef<double> row) {
  double high = maximum(row), total = 0;
  if (std::isinf(high))
    return high;
  for (double x : row)
    total += std::exp(x - high);
  return high + std::log(total);
}

static Reduce reduction(Operation *op) {
  return TypeSwitch<Operation *, Reduce>(op)
      .Case([](ReduceSumOp) { return sum; })
      .Case([](ReduceMeanOp) { return mean; })
      .Case([](ReduceMaxOp) { return maximum; })
      .Case([](ReduceMinOp) { return minimum; })
      .Case([](ReduceProdOp) { return productOf; })
      .Case([](ReduceL1Op) { return sumOfSizes; })
      .Case([](ReduceL2Op) { return length; })
      .Case([](ReduceSumSquareOp) { return sumOfSquares; })
      .Case([](ReduceLogSumExpOp) { return logSumExp; })
      .Default([](Operation *) { return nullptr; });
}

/// Integers may be reduced in doubles where no part of the sum or product is beyond what
/// a double or their own type holds.
static bool isExact(Operation *op, ArrayRef<double> row, Type element) {
  if (isa<ReduceMeanOp, ReduceL2Op, ReduceLogSumExpOp>(op))
    return false;
  double bound = isa<ReduceProdOp>(op) ? 1 : 0;
  for (double value : row)
    if (isa<ReduceProdOp>(op))
      bound *= std::max(1.0, std::fabs(value));
    else
      bound += isa<ReduceSumSquareOp>(op) ? value * value : std::fabs(value);
  return bound < std::ldexp(1.0, std::min(53u, element.getIntOrFloatBitWidth() - 1));
}

static std::optional<HostTensor> reduce(const Evaluation &e, Reduce function) {
  ArrayRef<int64_t> shape = e[0].getShape();
  std::optional<Shape> axes = normalizeAxes(e.ints(1), shape.size());
  std::vector<double> values = e[0].getFloats();
  Type element = e.type.getElementType();
  if (!axes)
    return std::nullopt;
  // Over no dimension at all, each element is reduced by itself.
  auto noop = e.op->getAttrOfType<IntegerAttr>("noop_with_empty_axes");
  if (axes->empty() && !(noop && noop.getValue() != 0))
    axes = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  Rows rows = rowsOf(shape, *axes);
  if (rows.length == 0)
    return std::nullopt;
  std::vector<double> results, row(rows.length);
  results.reserve(rows.count);
  for (int64_t i = 0; i < rows.count; ++i) {
    for (int64_t j = 0; j < rows.length; ++j)
      row[j] = values[rows.elements[i * rows.length + j]];
    if (!isa<FloatType>(element) && !isExact(e.op, row, element))
      return std::nullopt;
    results.push_back(function(row));
  }
  return HostTensor::fromFloats(e.type, results);
}

template <typename Op>
static std::optional<HostTensor> argReduce(const Evaluation &e, Op op, bool highest) {
  ArrayRef<int64_t> shape = e[0].getShape();
  Rows rows = rowsOf(shape, {*normalizeAxis(op.getAxis(), shape.size())});
  std::vector<double> values = e[0].getFloats();
  std::vector<int64_t> results;
  for (int64_t i = 0; i < rows.count; ++i) {
    int64_t best = 0;
    auto at = [&](int64_t j) { return values[rows.elements[i * rows.length + j]]; };
    for (int64_t j = 1; j < rows.length; ++j) {
      bool better = highest ? at(j) > at(best) : at(j) < at(best);
      if (better || (op.getSelectLastIndex() && at(j) == at(best)))
        best = j;
    }
    results.push_back(best);
  }
  return HostTensor::fromInts(e.type, results);
}

/// The best entries of each row in order; of equal ones the first. NaN is the largest.
static std::optional<HostTensor> topK(const Evaluation &e, TopKOp op) {
  ArrayRef<int64_t> shape = e[0].getShape();
  int64_t axis = *normalizeAxis(op.getAxis(), shape.size());
  Rows from = rowsOf(shape, {axis}), to = rowsOf(e.type.getShape(), {axis});
  bool isFloat = isa<FloatType>(e[0].getType().getElementType());
  HostTensor result(e.type);
  int64_t width = result.getElementBytes();
  auto isLess = [&](int64_t a, int64_t b) {
    if (!isFloat)
      return e[0].getType().getElementType().isUnsignedInteger()
                 ? uint64_t(e[0].getInt(a)) < uint64_t(e[0].getInt(b))
                 : e[0].getInt(a) < e[0].getInt(b);
    double x = e[0].getFloat(a), y = e[0].getFloat(b);
    return std::isnan(y) ? !std::isnan(x) : x < y;
  };
  for (int64_t i = 0; i < to.count; ++i) {
    ArrayRef<int64_t> row = ArrayRef(from.elements).slice(i * from.length, from.length);
    Shape order = llvm::to_vector(llvm::seq<int64_t>(0, from.length));
    llvm::stable_sort(order, [&](int64_t a, int64_t b) {
      return op.getLargest() ? isLess(row[b], row[a]) : isLess(row[a], row[b]);
    });
    for (int64_t j = 0; j < to.length; ++j) {
      int64_t at = to.elements[i * to.length + j];
      if (e.result == 1)
        result.setInt(at, order[j]);
      else
        std::memcpy(result.getMutableBytes().data() + at * width,
                    e[0].getBytes().data() + row[order[j]] * width, width);
    }
  }
  return result;
}

template <typename T>
static std::vector<T> runningSums(const Rows &rows, const std::vector<T> &values,
                                  bool exclusive, bool reverse) {
  std::vector<T> results(values.size());
  for (int64_t i = 0; i < rows.count; ++i) {
    T total = 0;
    for (int64_t j = 0; j < rows.length; ++j) {
      int64_t at = rows.elements[i * rows.length + (reverse ? rows.length - 1 - j : j)];
      results[at] = exclusive ? total : total + values[at];
      total += values[at];
    }
  }
  return results;
}

static std::optional<HostTensor> cumSum(const Evaluation &e, CumSumOp op) {
  if (e[1].getNumElements() != 1)
    return std::nullopt;
  std::optional<int64_t> axis = normalizeAxis(e[1].getInt(0), e.type.getRank());
  if (!axis)
    return std::nullopt;
  Rows rows = rowsOf(e.type.getShape(), {*axis});
  bool exclusive = op.getExclusive(), reverse = op.getReverse();
  if (isa<FloatType>(e.type.getElementType()))
    return HostTensor::fromFloats(
        e.type, runningSums(rows, e[0].getFloats(), exclusive, reverse));
  return HostTensor::fromInts(e.type,
                              runningSums(rows, e[0].getInts(), exclusive, reverse));
}

/// Softmax, or its logarithm.
static HostTensor softmax(const Evaluation &e, int64_t axis, bool logarithm) {
  Rows rows = rowsOf(e.type.getShape(), {*normalizeAxis(axis, e.type.getRank())});
  std::vector<double> values = e[0].getFloats(), row(rows.length);
  for (int64_t i = 0; i < rows.count; ++i) {
    for (int64_t j = 0; j < rows.length; ++j)
      row[j] = values[rows.elements[i * rows.length + j]];
    double total = logSumExp(row);
    for (int64_t j = 0; j < rows.length; ++j)
      values[rows.elements[i * rows.length + j]] =
          logarithm ? row[j] - total : std::exp(row[j] - total);
  }
  return HostTensor::fromFloats(e.type, values);
}

static std::optional<HostTensor> globalPool(const Evaluation &e, Reduce function) {
  Shape axes = llvm::to_vector(llvm::seq<int64_t>(2, e[0].getShape().size()));
  Rows rows = rowsOf(e[0].getShape(), axes);
  if (rows.length == 0)
    return std::nullopt;
  std::vector<double> values = e[0].getFloats(), results;
  for (int64_t i = 0; i < rows.count; ++i) // spatial dimensions are innermost already
    results.push_back(function(ArrayRef(values).slice(i * rows.length, rows.length)));
  return HostTensor::fromFloats(e.type, results);
}

std::optional<HostTensor> onnx::detail::evaluateReduction(const Evaluation &e) {
  using Result = std::optional<HostTensor>;
  if (Reduce function = reduction(e.op))
    return reduce(e, function);
  return TypeSwitch<Operation *, Result>(e.op)
      .Case([&](ArgMaxOp op) { return argReduce(e, op, /*highest=*/true); })
      .Case([&](ArgMinOp op) { return argReduce(e, op, /*highest=*/false); })
      .Case([&](TopKOp op) { return topK(e, op); })
      .Case([&](CumSumOp op) { return cumSum(e, op); })
      .Case([&](SoftmaxOp op) { return softmax(e, op.getAxis(), /*logarithm=*/false); })
      .Case([&](LogSoftmaxOp op) { return softmax(e, op.getAxis(), /*logarithm=*/true); })
      .Case([&](GlobalAveragePoolOp) { return globalPool(e, mean); })
      .Case([&](GlobalMaxPoolOp) { return globalPool(e, maximum); })
      .Default([](Operation *) { return std::nullopt; });
}
