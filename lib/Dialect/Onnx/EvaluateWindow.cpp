//===- EvaluateWindow.cpp - Convolutions and pools of constants -----------===//

#include "Evaluate.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include <cmath>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

/// More elements read than this are the model's work, not the compiler's.
static constexpr int64_t maxReads = int64_t(1) << 30;

/// Calls `visit(input element, kernel element)` for all of the kernel that lies on the
/// input at spatial output position `index`; both count within one channel.
template <typename Visit>
static void visitKernel(ArrayRef<SlidingDim> dims, ArrayRef<int64_t> index, Visit visit,
                        int64_t input = 0, int64_t kernel = 0) {
  if (dims.empty())
    return visit(input, kernel);
  const SlidingDim &dim = dims.front();
  for (int64_t k = 0; k < dim.kernel; ++k) {
    int64_t at = index.front() * dim.stride + k * dim.dilation - dim.padBegin;
    if (at >= 0 && at < dim.size)
      visitKernel(dims.drop_front(), index.drop_front(), visit, input * dim.size + at,
                  kernel * dim.kernel + k);
  }
}

/// Calls `visit(index, position)` for all output positions of one channel, in order.
template <typename Visit>
static void forEachOutput(ArrayRef<SlidingDim> dims, Visit visit) {
  Shape index(dims.size(), 0);
  int64_t count = 1;
  for (const SlidingDim &dim : dims)
    count *= dim.outputs;
  for (int64_t position = 0; position < count; ++position) {
    visit(index, position);
    for (int64_t d = dims.size() - 1; d >= 0 && ++index[d] == dims[d].outputs; --d)
      index[d] = 0;
  }
}

static int64_t kernelSize(ArrayRef<SlidingDim> dims) {
  int64_t size = 1;
  for (const SlidingDim &dim : dims)
    size *= dim.kernel;
  return size;
}

static std::optional<HostTensor> conv(const Evaluation &e, ConvOp op) {
  ArrayRef<int64_t> x = e[0].getShape(), w = e[1].getShape();
  auto dims = resolveSliding(x.drop_front(2), w.drop_front(2), op.getStridesAttr(),
                             op.getDilationsAttr(), op.getPadsAttr(), op.getAutoPad(),
                             /*ceilMode=*/false);
  int64_t taps = kernelSize(*dims), outputs = e.type.getNumElements();
  if (!isa<FloatType>(e.type.getElementType()) || outputs == 0 ||
      outputs > maxReads / std::max<int64_t>(1, taps * w[1]))
    return std::nullopt;
  std::vector<double> input = e[0].getFloats(), weights = e[1].getFloats();
  std::vector<double> bias = e.has(2) ? e[2].getFloats() : std::vector<double>(w[0], 0);
  int64_t inSize = *countElements(x.drop_front(2));
  int64_t outSize = *countElements(e.type.getShape().drop_front(2));
  int64_t outPerGroup = w[0] / op.getGroup();
  std::vector<double> results(outputs);
  for (int64_t b = 0; b < x[0]; ++b)
    for (int64_t m = 0; m < w[0]; ++m) {
      int64_t firstChannel = b * x[1] + m / outPerGroup * w[1];
      double *to = results.data() + (b * w[0] + m) * outSize;
      forEachOutput(*dims, [&](ArrayRef<int64_t> index, int64_t position) {
        double sum = bias[m];
        visitKernel(*dims, index, [&](int64_t at, int64_t tap) {
          for (int64_t c = 0; c < w[1]; ++c)
            sum += input[(firstChannel + c) * inSize + at] *
                   weights[(m * w[1] + c) * taps + tap];
        });
        to[position] = sum;
      });
    }
  return HostTensor::fromFloats(e.type, results);
}

/// Positions of the window at `index` that lie on the input or its stated padding, which
/// `ceil_mode` may leave.
static int64_t paddedCount(ArrayRef<SlidingDim> dims, ArrayRef<int64_t> index) {
  int64_t count = 1;
  for (auto [dim, at] : llvm::zip_equal(dims, index)) {
    int64_t inside = 0;
    for (int64_t k = 0; k < dim.kernel; ++k)
      inside += at * dim.stride + k * dim.dilation < dim.size + dim.padBegin + dim.padEnd;
    count *= inside;
  }
  return count;
}

template <typename Op>
static std::optional<HostTensor> pool(const Evaluation &e, Op op) {
  ArrayRef<int64_t> x = e[0].getShape();
  auto dims = resolveSliding(x.drop_front(2), getInts(op.getKernelShape()),
                             op.getStridesAttr(), op.getDilationsAttr(), op.getPadsAttr(),
                             op.getAutoPad(), op.getCeilMode() != 0);
  int64_t outputs = e.type.getNumElements();
  if (!isa<FloatType>(e.type.getElementType()) || outputs == 0 ||
      outputs > maxReads / kernelSize(*dims))
    return std::nullopt;
  constexpr bool isMax = std::is_same_v<Op, MaxPoolOp>;
  std::vector<double> input = e[0].getFloats(), results(outputs);
  int64_t inSize = *countElements(x.drop_front(2));
  int64_t outSize = *countElements(e.type.getShape().drop_front(2));
  for (int64_t channel = 0; channel < x[0] * x[1]; ++channel)
    forEachOutput(*dims, [&](ArrayRef<int64_t> index, int64_t position) {
      double result = isMax ? -INFINITY : 0;
      int64_t count = 0;
      visitKernel(*dims, index, [&](int64_t at, int64_t) {
        double value = input[channel * inSize + at];
        result = isMax ? std::max(result, value) : result + value;
        ++count;
      });
      if (!isMax)
        result /= op.getCountIncludePad() ? paddedCount(*dims, index) : count;
      results[channel * outSize + position] = result;
    });
  return HostTensor::fromFloats(e.type, results);
}

std::optional<HostTensor> onnx::detail::evaluateWindow(const Evaluation &e) {
  using Result = std::optional<HostTensor>;
  return TypeSwitch<Operation *, Result>(e.op)
      .Case([&](ConvOp op) { return conv(e, op); })
      .Case([&](AveragePoolOp op) { return pool(e, op); })
      .Case([&](MaxPoolOp op) { return pool(e, op); })
      .Default([](Operation *) { return std::nullopt; });
}
