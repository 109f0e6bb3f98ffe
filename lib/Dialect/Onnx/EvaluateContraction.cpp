//===- EvaluateContraction.cpp - Products of constants --------------------===//

#include "Evaluate.h"
#include "Strided.h"
#include <map>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

/// What every element of a contraction sums: an index space of result dimensions, then
/// summed ones, and per operand the stride of each dimension.
struct Contraction {
  Shape sizes;
  size_t numResultDims;
  SmallVector<Shape> strides;
};

template <typename T>
static T sumOf(const Contraction &c, size_t dim, MutableArrayRef<const T *> at) {
  if (dim == c.sizes.size()) {
    T product = *at[0];
    for (const T *factor : at.drop_front())
      product *= *factor;
    return product;
  }
  SmallVector<const T *> here(at);
  T sum = 0;
  for (int64_t i = 0; i < c.sizes[dim]; ++i) {
    sum += sumOf<T>(c, dim + 1, here);
    for (auto [pointer, strides] : llvm::zip_equal(here, c.strides))
      pointer += strides[dim];
  }
  return sum;
}

/// The innermost sum of two factors, which nearly all the time goes to.
template <typename T>
static T dot(const Contraction &c, ArrayRef<const T *> at) {
  const T *a = at[0], *b = at[1];
  int64_t aStride = c.strides[0].back(), bStride = c.strides[1].back();
  T sum = 0;
  for (int64_t i = 0, e = c.sizes.back(); i < e; ++i, a += aStride, b += bStride)
    sum += *a * *b;
  return sum;
}

template <typename T>
static void contract(const Contraction &c, size_t dim, MutableArrayRef<const T *> at,
                     std::vector<T> &results) {
  if (dim == c.numResultDims) {
    bool isDot = at.size() == 2 && c.sizes.size() == c.numResultDims + 1;
    results.push_back(isDot ? dot<T>(c, at) : sumOf<T>(c, dim, at));
    return;
  }
  SmallVector<const T *> here(at);
  for (int64_t i = 0; i < c.sizes[dim]; ++i) {
    contract<T>(c, dim + 1, here, results);
    for (auto [pointer, strides] : llvm::zip_equal(here, c.strides))
      pointer += strides[dim];
  }
}

static std::optional<HostTensor> evaluate(const Evaluation &e, const Contraction &c) {
  // Many multiplications are the model's work, not the compiler's.
  std::optional<int64_t> work = countElements(c.sizes);
  if (!work || !e.budget.takeWork(*work))
    return std::nullopt;
  auto run = [&](auto all) {
    using T = typename decltype(all)::value_type::value_type;
    SmallVector<const T *> pointers;
    for (auto &values : all)
      pointers.push_back(values.data());
    // Sums of nothing: there is no element to point at.
    if (llvm::any_of(all, [](const auto &values) { return values.empty(); })) {
      ArrayRef<int64_t> sizes = ArrayRef(c.sizes).take_front(c.numResultDims);
      return std::vector<T>(*countElements(sizes), 0);
    }
    std::vector<T> results;
    contract<T>(c, 0, pointers, results);
    return results;
  };
  auto tensors = ArrayRef(e.operands).take_front(c.strides.size());
  if (isa<FloatType>(e.type.getElementType())) {
    std::vector<std::vector<double>> all;
    for (const std::optional<HostTensor> &tensor : tensors)
      all.push_back(tensor->getFloats());
    return HostTensor::fromFloats(e.type, run(all));
  }
  std::vector<std::vector<uint64_t>> all; // wraps around without being undefined
  for (const std::optional<HostTensor> &tensor : tensors) {
    std::vector<int64_t> values = tensor->getInts();
    all.emplace_back(values.begin(), values.end());
  }
  std::vector<uint64_t> results = run(all);
  return HostTensor::fromInts(e.type,
                              std::vector<int64_t>(results.begin(), results.end()));
}

static std::optional<HostTensor> matMul(const Evaluation &e) {
  Shape a(e[0].getShape()), b(e[1].getShape());
  Shape aStrides = rowMajorStrides(a), bStrides = rowMajorStrides(b);
  int64_t inner = a.back(), aInner = aStrides.pop_back_val();
  a.pop_back();
  int64_t bInner = bStrides[b.size() == 1 ? 0 : b.size() - 2];
  // Result dimensions [batch..., row, column] without the inner one of either operand.
  Contraction c;
  c.sizes = Shape(e.type.getShape());
  c.numResultDims = c.sizes.size();
  bool hasRow = !a.empty(), hasColumn = b.size() > 1;
  size_t numBatch = c.numResultDims - hasRow - hasColumn;
  Shape batch(ArrayRef(c.sizes).take_front(numBatch));
  auto strides = [&](ArrayRef<int64_t> own, ArrayRef<int64_t> ownStrides) {
    Shape result(numBatch, 0);
    for (size_t i = 0; i < own.size(); ++i)
      if (own[i] != 1)
        result[numBatch - own.size() + i] = ownStrides[i];
    return result;
  };
  size_t aBatch = a.size() - hasRow, bBatch = b.size() - (hasColumn ? 2 : 1);
  Shape left = strides(ArrayRef(a).take_front(aBatch), aStrides);
  Shape right = strides(ArrayRef(b).take_front(bBatch), bStrides);
  if (hasRow) {
    left.push_back(aStrides.back());
    right.push_back(0);
  }
  if (hasColumn) {
    left.push_back(0);
    right.push_back(1);
  }
  left.push_back(aInner);
  right.push_back(bInner);
  c.sizes.push_back(inner);
  c.strides = {left, right};
  return evaluate(e, c);
}

static std::optional<HostTensor> einsum(const Evaluation &e, EinsumOp op) {
  SmallVector<int64_t> ranks;
  for (const std::optional<HostTensor> &tensor : e.operands)
    ranks.push_back(tensor->getShape().size());
  std::optional<EinsumTerms> terms = parseEinsum(op.getEquation(), ranks);
  if (!terms)
    return std::nullopt;
  std::map<char, int64_t> sizes;
  for (auto [term, tensor] : llvm::zip_equal(terms->inputs, e.operands))
    for (auto [letter, size] : llvm::zip_equal(term, tensor->getShape()))
      sizes[letter] = std::max(sizes[letter], size);
  std::string letters = terms->output;
  for (auto [letter, size] : sizes)
    if (!StringRef(letters).contains(letter))
      letters += letter;
  Contraction c;
  c.numResultDims = terms->output.size();
  for (char letter : letters)
    c.sizes.push_back(sizes[letter]);
  for (auto [term, tensor] : llvm::zip_equal(terms->inputs, e.operands)) {
    Shape own = rowMajorStrides(tensor->getShape());
    Shape &strides = c.strides.emplace_back(letters.size(), 0);
    for (auto [i, letter] : llvm::enumerate(term))
      if (tensor->getShape()[i] != 1)
        strides[letters.find(letter)] += own[i]; // twice on a diagonal
  }
  return evaluate(e, c);
}

static std::optional<HostTensor> gemm(const Evaluation &e, GemmOp op) {
  Shape a = rowMajorStrides(e[0].getShape()), b = rowMajorStrides(e[1].getShape());
  bool flipA = op.getTransA(), flipB = op.getTransB();
  Contraction c{{e.type.getDimSize(0), e.type.getDimSize(1), e[0].getShape()[!flipA]},
                2,
                {{a[flipA], 0, a[!flipA]}, {0, b[!flipB], b[flipB]}}};
  std::optional<HostTensor> product = evaluate(e, c);
  if (!product || !isa<FloatType>(e.type.getElementType()))
    return std::nullopt;
  std::vector<double> values = product->getFloats(), bias(values.size(), 0);
  if (e.has(2))
    bias = expandFloats(e[2], e.type.getShape());
  double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble();
  for (auto [value, addend] : llvm::zip_equal(values, bias))
    value = alpha * value + beta * addend;
  return HostTensor::fromFloats(e.type, values);
}

std::optional<HostTensor> onnx::detail::evaluateContraction(const Evaluation &e) {
  using Result = std::optional<HostTensor>;
  return TypeSwitch<Operation *, Result>(e.op)
      .Case([&](MatMulOp) { return matMul(e); })
      .Case([&](GemmOp op) { return gemm(e, op); })
      .Case([&](EinsumOp op) { return einsum(e, op); })
      .Default([](Operation *) { return std::nullopt; });
}
