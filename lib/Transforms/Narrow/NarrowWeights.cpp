//===- NarrowWeights.cpp - Store the weights of products in fewer bits ----===//
// acc + x * w  ==>  acc + x * extf(q)                w in bf16 or f16
//                   acc + x * (sitofp(q) * scale)    w in 8 bits, a scale a column
// where w is a constant whose columns are those of the result. Panels [j][k][16] of 8
// bits become [j][k / 4][16][4]: four neighbours in depth are what a dot product of
// bytes takes at a time.

#include "weir/Transforms/NarrowWeights.h"
#include "../Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Panels.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"
#include <cmath>
#include <cstring>

namespace weir {
#define GEN_PASS_DEF_NARROWWEIGHTS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
/// A product with constant weights: which operand, and where its depth lies.
struct Product {
  linalg::GenericOp op;
  OpOperand *weights;
  AffineMap map;    // of the weights
  int64_t depthDim; // of the weights
  unsigned depthLoop;
  onnx::ConstantOp constant() const {
    return weights->get().getDefiningOp<onnx::ConstantOp>();
  }
  RankedTensorType type() const {
    return cast<RankedTensorType>(weights->get().getType());
  }
  int64_t depth() const { return type().getDimSize(depthDim); }
  /// Panels of whole groups; one group alone would be no loop.
  bool isGrouped() const {
    return type().getRank() == 3 && depthDim == 1 && type().getDimSize(2) == panel &&
           depth() % byteGroup == 0 && depth() > byteGroup;
  }
};

/// Weights in 8 bits, and the scales of their columns.
struct Bytes {
  ElementsAttr numbers, scales;
};

struct NarrowWeights : weir::impl::NarrowWeightsBase<NarrowWeights> {
  using NarrowWeightsBase::NarrowWeightsBase;
  void runOnOperation() override;

private:
  void toFloats(const Product &product, FloatType type);
  void toBytes(const Product &product);

  DenseMap<Attribute, ElementsAttr> floats;
  DenseMap<std::tuple<Attribute, int64_t, unsigned>, Bytes> bytes; // by depth, groups
};
} // namespace

/// Is the body `acc + x * w` for the block argument `weights`?
static bool multiplies(linalg::GenericOp op, BlockArgument weights) {
  Block &body = *op.getBlock();
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || !weights.hasOneUse())
    return false;
  auto product = dyn_cast<arith::MulFOp>(*weights.getUsers().begin());
  return product && product->hasOneUse() && *product->getUsers().begin() == sum &&
         llvm::is_contained(sum->getOperands(), body.getArguments().back());
}

static std::optional<Product> matchProduct(linalg::GenericOp op, OpOperand &weights) {
  auto constant = weights.get().getDefiningOp<onnx::ConstantOp>();
  if (!constant || op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 1)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(weights.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&weights);
  if (!type || !type.getElementType().isF32() || !map.isProjectedPermutation() ||
      !multiplies(op, op.getMatchingBlockArgument(&weights)))
    return std::nullopt;
  Product product{op, &weights, map, -1, 0};
  auto kinds = op.getIteratorTypesArray();
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    if (unsigned loop = cast<AffineDimExpr>(expr).getPosition();
        kinds[loop] == utils::IteratorType::reduction) {
      product.depthDim = dim;
      product.depthLoop = loop;
    }
  // Weights have the columns of the result; a matrix from the left moves its rows.
  AffineMap result = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (product.depthDim < 0 || result.getNumResults() == 0 ||
      !map.isFunctionOfDim(cast<AffineDimExpr>(result.getResults().back()).getPosition()))
    return std::nullopt;
  return product;
}

/// Why a weight cannot be stored; empty where all can.
static std::string findObstacle(ArrayRef<float> weights, WeightKind kind) {
  constexpr float largestHalf = 0x1.ffdffep15f, largestBrain = 0x1.fefffep127f;
  float largest = kind == WeightKind::F16    ? largestHalf
                  : kind == WeightKind::BF16 ? largestBrain
                                             : std::numeric_limits<float>::max();
  for (float weight : weights)
    if (!(std::abs(weight) <= largest))
      return llvm::formatv("keeps its weights in f32: {0} is no number in {1}", weight,
                           getName(kind));
  return {};
}

static ArrayRef<float> floatsOf(const HostTensor &tensor) {
  return {reinterpret_cast<const float *>(tensor.getBytes().data()),
          static_cast<size_t>(tensor.getNumElements())};
}

void NarrowWeights::toFloats(const Product &product, FloatType type) {
  linalg::GenericOp op = product.op;
  OpBuilder b(op);
  ElementsAttr from = product.constant().getValue();
  ElementsAttr &narrow = floats[from];
  if (!narrow)
    narrow = HostTensor::fromFloats(product.type().clone(type),
                                    HostTensor::get(from)->getFloats())
                 .toAttr("narrow");
  BlockArgument argument = op.getMatchingBlockArgument(product.weights);
  product.weights->set(onnx::ConstantOp::create(b, product.constant().getLoc(), narrow));
  argument.setType(type);
  b.setInsertionPointToStart(op.getBlock());
  auto wide = arith::ExtFOp::create(b, op.getLoc(), b.getF32Type(), argument);
  argument.replaceAllUsesExcept(wide, wide);
}

/// Sizes of the weights without their depth.
static SmallVector<int64_t> columnShape(const Product &product) {
  SmallVector<int64_t> shape(product.type().getShape());
  shape.erase(shape.begin() + product.depthDim);
  return shape;
}

/// [outer][depth][inner] ==> [outer][inner][depth]
static std::vector<float> gatherColumns(const Product &product, ArrayRef<float> weights) {
  auto shape = product.type().getShape();
  int64_t depth = product.depth(), inner = 1;
  for (int64_t size : shape.drop_front(product.depthDim + 1))
    inner *= size;
  std::vector<float> columns(weights.size());
  int64_t numOuter = weights.size() / (depth * inner);
  for (int64_t outer = 0; outer < numOuter; ++outer)
    for (int64_t k = 0; k < depth; ++k)
      for (int64_t column = 0; column < inner; ++column)
        columns[(outer * inner + column) * depth + k] =
            weights[(outer * depth + k) * inner + column];
  return columns;
}

/// Back to [outer][depth][inner] or, in groups, to [outer][depth / 4][inner][4].
static void scatterColumns(const Product &product, ArrayRef<int8_t> columns,
                           MutableArrayRef<char> bytes) {
  int64_t depth = product.depth(), inner = 1;
  for (int64_t size : product.type().getShape().drop_front(product.depthDim + 1))
    inner *= size;
  int64_t together = product.isGrouped() ? byteGroup : 1;
  for (auto [i, number] : llvm::enumerate(columns)) {
    int64_t k = i % depth, column = i / depth % inner, outer = i / depth / inner;
    int64_t row = outer * (depth / together) + k / together;
    bytes[(row * inner + column) * together + k % together] = number;
  }
}

static Bytes makeBytes(const Product &product) {
  MLIRContext *context = product.type().getContext();
  HostTensor tensor = *HostTensor::get(product.constant().getValue());
  QuantizedColumns columns =
      quantizeColumns(gatherColumns(product, floatsOf(tensor)), product.depth());
  SmallVector<int64_t> shape(product.type().getShape());
  if (product.isGrouped()) {
    shape[product.depthDim] /= byteGroup;
    shape.push_back(byteGroup);
  }
  HostTensor numbers(RankedTensorType::get(shape, IntegerType::get(context, 8)));
  scatterColumns(product, columns.numbers, numbers.getMutableBytes());
  HostTensor scales(
      RankedTensorType::get(columnShape(product), Float32Type::get(context)));
  std::memcpy(scales.getMutableBytes().data(), columns.scales.data(),
              scales.getBytes().size());
  return {numbers.toAttr("narrow"), scales.toAttr("scales")};
}

void NarrowWeights::toBytes(const Product &product) {
  linalg::GenericOp op = product.op;
  OpBuilder b(op);
  Bytes &made = bytes[{product.constant().getValue(), product.depthDim,
                       unsigned(product.isGrouped())}];
  if (!made.numbers)
    made = makeBytes(product);
  Location loc = product.constant().getLoc();
  Value numbers = onnx::ConstantOp::create(b, loc, made.numbers);
  Value scales = onnx::ConstantOp::create(b, loc, made.scales);

  // In groups, depth k is 4 k + r.
  unsigned numLoops = op.getNumLoops() + product.isGrouped();
  AffineExpr depth = b.getAffineDimExpr(product.depthLoop);
  AffineExpr rest = b.getAffineDimExpr(numLoops - 1);
  auto kinds = op.getIteratorTypesArray();
  if (product.isGrouped())
    kinds.push_back(utils::IteratorType::reduction);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  auto addMap = [&](ArrayRef<AffineExpr> exprs) {
    maps.push_back(AffineMap::get(numLoops, 0, exprs, op.getContext()));
  };
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<AffineExpr> exprs(map.getResults());
    bool isWeights = &operand == product.weights;
    if (product.isGrouped() && isWeights)
      exprs.push_back(rest);
    else if (product.isGrouped())
      for (AffineExpr &expr : exprs)
        expr = expr.replace(depth, depth * byteGroup + rest);
    if (op.isDpsInit(&operand)) { // after the inputs: scales come last of them
      SmallVector<AffineExpr> columns(product.map.getResults());
      columns.erase(columns.begin() + product.depthDim);
      inputs.push_back(scales);
      addMap(columns);
    } else {
      inputs.push_back(isWeights ? numbers : operand.get());
    }
    addMap(exprs);
  }
  auto narrow = linalg::GenericOp::create(b, op.getLoc(), op.getResultTypes(), inputs,
                                          op.getOutputs(), maps, kinds);
  narrow.getRegion().takeBody(op.getRegion());
  Block *body = narrow.getBlock();
  BlockArgument number = body->getArgument(product.weights->getOperandNumber());
  BlockArgument scale =
      body->insertArgument(body->getNumArguments() - 1, b.getF32Type(), op.getLoc());
  number.setType(b.getI8Type());
  b.setInsertionPointToStart(body);
  auto whole = arith::SIToFPOp::create(b, op.getLoc(), b.getF32Type(), number);
  Value weight = arith::MulFOp::create(b, op.getLoc(), whole, scale);
  number.replaceAllUsesExcept(weight, whole);
  op.replaceAllUsesWith(narrow);
  op.erase();
}

void NarrowWeights::runOnOperation() {
  floats.clear();
  bytes.clear();
  WeightKind wanted = kind == WeightKind::F32 ? getWeightKind(getOperation()) : kind;
  if (wanted == WeightKind::F32)
    return;
  Builder b(&getContext());
  for (const Product &product : collectProducts(getOperation(), matchProduct)) {
    FailureOr<HostTensor> tensor = HostTensor::get(product.constant().getValue());
    if (failed(tensor) || tensor->getNumElements() < minElements)
      continue;
    if (std::string why = findObstacle(floatsOf(*tensor), wanted); !why.empty()) {
      (void)missed(product.op, "{0}", why);
      continue;
    }
    if (wanted == WeightKind::Int8)
      toBytes(product);
    else
      toFloats(product,
               wanted == WeightKind::F16 ? FloatType(b.getF16Type()) : b.getBF16Type());
  }
}
