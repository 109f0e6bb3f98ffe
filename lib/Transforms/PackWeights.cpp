//===- PackWeights.cpp - Lay weights out as a product reads them ----------===//
// y[m, n] += x[m, k] * w[k, n]  ==>  y[m, j, v] += x[m, k] * p[j, k, v], n = 16 j + v
// where w is constant: p holds panels of 16 columns, each contiguous, so that a product
// of any number of rows streams through memory. In row-major order the rows of a panel
// would lie n apart, and a power of two maps them to the same cache sets.

#include "Products.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Panels.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"
#include <cstring>

namespace weir {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
/// A product that can be packed: which operand, and its loops.
struct Product {
  linalg::GenericOp op;
  OpOperand *weights;
  unsigned columnLoop, depthLoop;
  bool isTransposed; // weights are [n, k]
  int64_t columns, depth;
};

struct PackWeights : weir::impl::PackWeightsBase<PackWeights> {
  using PackWeightsBase::PackWeightsBase;
  void runOnOperation() override;
  ElementsAttr pack(ElementsAttr weights, const Product &product);
  void rewrite(const Product &product);

  DenseMap<Attribute, ElementsAttr> packed[2]; // of matrices as they are, transposed
};
} // namespace

static std::optional<unsigned> loopOf(AffineExpr expr) {
  auto dim = dyn_cast<AffineDimExpr>(expr);
  return dim ? std::optional(dim.getPosition()) : std::nullopt;
}

static bool usesLoop(AffineMap map, unsigned loop) { return map.isFunctionOfDim(loop); }

static std::optional<Product> matchProduct(linalg::GenericOp op, OpOperand &weights) {
  auto constant = weights.get().getDefiningOp<onnx::ConstantOp>();
  AffineMap map = op.getMatchingIndexingMap(&weights);
  if (!constant || op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 1 ||
      map.getNumResults() != 2)
    return std::nullopt;
  auto first = loopOf(map.getResult(0)), second = loopOf(map.getResult(1));
  if (!first || !second || *first == *second)
    return std::nullopt;
  auto kinds = op.getIteratorTypesArray();
  bool isTransposed = kinds[*second] == utils::IteratorType::reduction;
  unsigned column = isTransposed ? *first : *second;
  unsigned depth = isTransposed ? *second : *first;
  if (kinds[column] != utils::IteratorType::parallel ||
      kinds[depth] != utils::IteratorType::reduction)
    return std::nullopt;
  // Columns are the last dimension of the result, and of nothing else.
  OpOperand &result = *op.getDpsInitOperand(0);
  AffineMap resultMap = op.getMatchingIndexingMap(&result);
  if (resultMap.getNumResults() == 0 ||
      loopOf(resultMap.getResults().back()) != std::optional(column))
    return std::nullopt;
  for (OpOperand *other : op.getDpsInputOperands())
    if (other != &weights && usesLoop(op.getMatchingIndexingMap(other), column))
      return std::nullopt;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weights.get().getType()).getShape();
  int64_t columns = shape[isTransposed ? 0 : 1], rows = shape[isTransposed ? 1 : 0];
  if (columns == panel) // a panel as it is
    return std::nullopt;
  if (columns % panel != 0) {
    (void)missed(op, "keeps its weights in rows: {0} columns are no panels of {1}",
                 columns, panel);
    return std::nullopt;
  }
  return Product{op, &weights, column, depth, isTransposed, columns, rows};
}

ElementsAttr PackWeights::pack(ElementsAttr weights, const Product &product) {
  ElementsAttr &result = packed[product.isTransposed][weights];
  if (result)
    return result;
  HostTensor from = *HostTensor::get(weights);
  Type element = weights.getElementType();
  HostTensor to(
      RankedTensorType::get({product.columns / panel, product.depth, panel}, element));
  int64_t width = from.getElementBytes(), depth = product.depth;
  const char *source = from.getBytes().data();
  char *target = to.getMutableBytes().data();
  for (int64_t j = 0; j < product.columns / panel; ++j)
    for (int64_t k = 0; k < depth; ++k, target += panel * width) {
      if (!product.isTransposed) {
        std::memcpy(target, source + (k * product.columns + j * panel) * width,
                    panel * width);
        continue;
      }
      for (int64_t v = 0; v < panel; ++v)
        std::memcpy(target + v * width, source + ((j * panel + v) * depth + k) * width,
                    width);
    }
  return result = to.toAttr("packed");
}

void PackWeights::rewrite(const Product &product) {
  linalg::GenericOp op = product.op;
  OpBuilder b(op);
  MLIRContext *context = op.getContext();
  Location loc = op.getLoc();
  unsigned numLoops = op.getNumLoops(), lane = numLoops;
  auto weights = product.weights->get().getDefiningOp<onnx::ConstantOp>();
  Value panels =
      onnx::ConstantOp::create(b, weights.getLoc(), pack(weights.getValue(), product));
  auto dim = [&](unsigned loop) { return b.getAffineDimExpr(loop); };
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    bool isWeights = input == product.weights;
    inputs.push_back(isWeights ? panels : input->get());
    maps.push_back(
        isWeights
            ? AffineMap::get(numLoops + 1, 0,
                             {dim(product.columnLoop), dim(product.depthLoop), dim(lane)},
                             context)
            : AffineMap::get(numLoops + 1, 0, map.getResults(), context));
  }
  OpOperand &init = *op.getDpsInitOperand(0);
  SmallVector<AffineExpr> exprs(op.getMatchingIndexingMap(&init).getResults());
  exprs.push_back(dim(lane));
  maps.push_back(AffineMap::get(numLoops + 1, 0, exprs, context));
  auto kinds = op.getIteratorTypesArray();
  kinds.push_back(utils::IteratorType::parallel);

  auto type = cast<RankedTensorType>(init.get().getType());
  SmallVector<int64_t> shape(type.getShape().drop_back());
  shape.append({product.columns / panel, panel});
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < type.getRank(); ++i)
    groups.push_back({i});
  groups.back().push_back(type.getRank());
  auto split = RankedTensorType::get(shape, type.getElementType());
  Value start = tensor::ExpandShapeOp::create(b, loc, split, init.get(), groups);
  auto product3 = linalg::GenericOp::create(b, loc, split, inputs, start, maps, kinds);
  product3.getRegion().takeBody(op.getRegion());
  Value joined =
      tensor::CollapseShapeOp::create(b, loc, type, product3.getResult(0), groups);
  op.getResult(0).replaceAllUsesWith(joined);
  op.erase();
}

void PackWeights::runOnOperation() {
  for (auto &cache : packed)
    cache.clear();
  for (const Product &product : collectProducts(getOperation(), matchProduct))
    rewrite(product);
}
