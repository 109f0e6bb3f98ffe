//===- RaiseTokenMaps.cpp - Find maps along the tokens in products --------===//
// MatMul(D, %x)  ==>  weir.dct %x    and so on for D^T, R and P
// Legal where the constant is the matrix of the map, to what its file may have rounded;
// the map is then as exact as the product was, or better.

#include "weir/Transforms/RaiseTokenMaps.h"
#include "weir/Analysis/TokenFlow.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/TokenMaps.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_RAISETOKENMAPS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

/// A matrix is one of a map where no entry is further off, of its largest entry.
static constexpr double tolerance = 1e-5;

namespace {
enum class TokenMap { Dct, Idct, Resample, Pool };

/// A product of a constant with dimension `dim` of a value.
struct Product {
  onnx::MatMulOp op;
  Value value;
  int64_t dim;
  int64_t rows, columns; ///< of the matrix, which maps `columns` rows of the value
  bool isTransposed;     ///< the constant holds columns x rows
  ElementsAttr constant;

  double entry(const HostTensor &tensor, int64_t i, int64_t j) const {
    return tensor.getFloat(isTransposed ? j * rows + i : i * columns + j);
  }
};
} // namespace

/// The matrix of a constant of rank 2, but for dimensions of size 1 in front.
static std::optional<ArrayRef<int64_t>> matrixShape(ElementsAttr constant) {
  ArrayRef<int64_t> shape = constant.getShapedType().getShape();
  if (shape.size() < 2 ||
      llvm::any_of(shape.drop_back(2), [](int64_t size) { return size != 1; }))
    return std::nullopt;
  return shape.take_back(2);
}

static std::optional<Product> matchProduct(onnx::MatMulOp op) {
  for (bool isRight : {false, true}) {
    Value matrix = isRight ? op.getB() : op.getA(),
          value = isRight ? op.getA() : op.getB();
    auto type = dyn_cast<RankedTensorType>(value.getType());
    ElementsAttr constant = getConstantElements(matrix);
    if (!constant || getConstantElements(value) || !type || !type.hasStaticShape())
      continue;
    auto shape = matrixShape(constant);
    int64_t rank = type.getRank();
    if (!shape || rank < 2 || constant.getShapedType().getRank() > rank ||
        !(type.getElementType().isF32() || type.getElementType().isF64()))
      continue;
    Product product = {op,          value,       isRight ? rank - 1 : rank - 2,
                       (*shape)[0], (*shape)[1], isRight,
                       constant};
    if (isRight)
      std::swap(product.rows, product.columns);
    return product;
  }
  return std::nullopt;
}

/// Is the product's matrix `made`, or its transpose?
static bool equals(const Product &product, const HostTensor &tensor,
                   ArrayRef<double> made, bool transposed) {
  double largest = 0;
  for (double entry : made)
    largest = std::max(largest, std::abs(entry));
  for (int64_t i = 0; i < product.rows; ++i)
    for (int64_t j = 0; j < product.columns; ++j) {
      double want = made[transposed ? j * product.rows + i : i * product.columns + j];
      if (!(std::abs(product.entry(tensor, i, j) - want) <= tolerance * largest))
        return false;
    }
  return true;
}

/// The map whose matrix the constant is. A cheap look at one entry comes first: most
/// weights are none.
static std::optional<TokenMap> classify(const Product &product) {
  int64_t rows = product.rows, columns = product.columns;
  bool isIdentity = rows == columns && rows == 1;
  FailureOr<HostTensor> tensor = HostTensor::get(product.constant);
  if (isIdentity || failed(tensor))
    return std::nullopt;
  double first = product.entry(*tensor, 0, 0);
  auto starts = [&](double want) { return std::abs(first - want) <= tolerance * 2; };
  double constantTerm = std::sqrt(1.0 / std::max(rows, columns));
  if (rows <= columns && starts(constantTerm) &&
      equals(product, *tensor, makeDctMatrix(columns, rows), false))
    return TokenMap::Dct;
  if (rows >= columns && starts(constantTerm) &&
      equals(product, *tensor, makeDctMatrix(rows, columns), true))
    return TokenMap::Idct;
  if (rows >= columns)
    return std::nullopt;
  if (starts(1.0 / llvm::divideCeil(columns, rows)) &&
      equals(product, *tensor, makePoolMatrix(columns, rows), false))
    return TokenMap::Pool;
  if (equals(product, *tensor, makeResampleMatrix(columns, rows), false))
    return TokenMap::Resample;
  return std::nullopt;
}

/// Are the rows that the product mixes tokens, or what is made of them all?
static bool isAlongTokens(const Product &product, TokenMap map,
                          const TokenFlowAnalysis &flows) {
  const TokenFlow &flow = flows.getFlow(product.value);
  std::optional<unsigned> axis = flow.axisInDim(product.dim);
  if (map == TokenMap::Idct) // frequencies, and no features of tokens
    return flow.axes.empty();
  return axis && flow.axes[*axis].inner == 1 &&
         flow.axes[*axis].numRows() == product.columns;
}

static void replace(Product product, TokenMap map) {
  OpBuilder b(product.op);
  auto make = [&](auto tag) {
    using Op = decltype(tag);
    Value result = product.op->getResult(0);
    result.replaceAllUsesWith(
        Op::create(b, product.op.getLoc(), result.getType(), product.value, product.dim));
  };
  switch (map) {
  case TokenMap::Dct:
    make(DctOp());
    break;
  case TokenMap::Idct:
    make(IdctOp());
    break;
  case TokenMap::Resample:
    make(ResampleOp());
    break;
  case TokenMap::Pool:
    make(PoolOp());
    break;
  }
  product.op->erase();
}

/// The map that a product is, if it is one. A remark tells where its rows are no tokens.
static std::optional<TokenMap> findMap(const Product &product,
                                       const TokenFlowAnalysis &flows) {
  const TokenFlow &flow = flows.getFlow(product.value);
  // To fewer rows come tokens only.
  if (flow.isStill || (product.rows < product.columns && !flow.axisInDim(product.dim)))
    return std::nullopt;
  std::optional<TokenMap> map = classify(product);
  if (!map || isAlongTokens(product, *map, flows))
    return map;
  (void)missed(product.op,
               "holds the matrix of a map along tokens, but mixes other rows");
  return std::nullopt;
}

int64_t weir::countTokenMaps(func::FuncOp function, const TokenFlowAnalysis &flows) {
  int64_t count = 0;
  for (Operation &op : function.getBody().front()) {
    if (isa<DctOp, ResampleOp, PoolOp>(op)) {
      int64_t dim = op.getAttrOfType<IntegerAttr>("dim").getInt();
      count += flows.getFlow(op.getOperand(0)).axisInDim(dim).has_value();
    } else if (auto product = dyn_cast<onnx::MatMulOp>(op)) {
      std::optional<Product> found = matchProduct(product);
      if (!found || !flows.getFlow(found->value).axisInDim(found->dim))
        continue;
      std::optional<TokenMap> map = classify(*found);
      count += map && *map != TokenMap::Idct && isAlongTokens(*found, *map, flows);
    }
  }
  return count;
}

int64_t weir::raiseTokenMaps(func::FuncOp function, const ArgumentAxes &axes) {
  TokenFlowAnalysis flows(function, axes, {});
  SmallVector<std::pair<Product, TokenMap>> found;
  for (auto op : function.getOps<onnx::MatMulOp>())
    if (std::optional<Product> product = matchProduct(op))
      if (std::optional<TokenMap> map = findMap(*product, flows))
        found.push_back({*product, *map});
  for (const auto &[product, map] : found)
    replace(product, map);
  return found.size();
}

namespace {
struct RaiseTokenMaps : weir::impl::RaiseTokenMapsBase<RaiseTokenMaps> {
  using RaiseTokenMapsBase::RaiseTokenMapsBase;
  void runOnOperation() override {
    ContinualOptions options;
    options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
    FailureOr<ArgumentAxes> axes = findTokenAxes(getOperation(), options);
    if (failed(axes))
      return signalPassFailure();
    raiseTokenMaps(getOperation(), *axes);
  }
};
} // namespace
