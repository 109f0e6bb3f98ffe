//===- NarrowWeights.cpp - Store the weights of products in fewer bits ----===//
// acc + x * w  ==>  acc + x * extf(q)                w in bf16 or f16
//                   acc + x * (sitofp(q) * scale)    w in 8 bits, a scale a column
// where w is a constant whose columns are those of the result. Panels [j][k][16] of 8
// bits become [j][k / 4][16][4]: four neighbours in depth are what a dot product of
// bytes takes at a time.

#include "weir/Transforms/NarrowWeights.h"
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
/// Weights in 8 bits, and the scales of their columns.
struct Bytes {
  ElementsAttr numbers, scales;
};

struct NarrowWeights : weir::impl::NarrowWeightsBase<NarrowWeights> {
  using NarrowWeightsBase::NarrowWeightsBase;
  void runOnOperation() override;

private:
  void toFloats(const WeightProduct &product, FloatType type);
  void toBytes(const WeightProduct &product, DenseElementsAttr rows);
  StoredWeights find(const WeightProduct &product);

  WeightKind usual; // of what nothing else is said
  DenseMap<uint64_t, StoredWeights> stored;
  DenseMap<Attribute, StoredWeights> found;
  DenseMap<Attribute, ElementsAttr> floats;
  DenseMap<std::tuple<Attribute, int64_t, unsigned>, Bytes> bytes; // by depth, groups
};
} // namespace

void NarrowWeights::toFloats(const WeightProduct &product, FloatType type) {
  linalg::GenericOp op = product.op;
  OpBuilder b(op);
  ElementsAttr from = product.value();
  ElementsAttr &narrow = floats[from];
  if (!narrow)
    narrow = HostTensor::fromFloats(product.type().clone(type),
                                    HostTensor::get(from)->getFloats())
                 .toAttr("narrow");
  BlockArgument argument = op.getMatchingBlockArgument(product.weights);
  product.weights->set(
      onnx::ConstantOp::create(b, product.weights->get().getLoc(), narrow));
  argument.setType(type);
  b.setInsertionPointToStart(op.getBlock());
  auto wide = arith::ExtFOp::create(b, op.getLoc(), b.getF32Type(), argument);
  argument.replaceAllUsesExcept(wide, wide);
}

/// Sizes of the weights without their depth.
static SmallVector<int64_t> columnShape(const WeightProduct &product) {
  SmallVector<int64_t> shape(product.type().getShape());
  shape.erase(shape.begin() + product.depthDim);
  return shape;
}

/// Back to [outer][depth][inner] or, in groups, to [outer][depth / 4][inner][4].
static void scatterColumns(const WeightProduct &product, ArrayRef<int8_t> columns,
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

static Bytes makeBytes(const WeightProduct &product, DenseElementsAttr rows) {
  MLIRContext *context = product.type().getContext();
  QuantizedColumns columns = quantizeColumns(product, RowStatistics::of(rows));
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

void NarrowWeights::toBytes(const WeightProduct &product, DenseElementsAttr rows) {
  linalg::GenericOp op = product.op;
  OpBuilder b(op);
  Bytes &made = bytes[{product.value(), product.depthDim, unsigned(product.isGrouped())}];
  if (!made.numbers)
    made = makeBytes(product, rows);
  Location loc = product.weights->get().getLoc();
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
      SmallVector<AffineExpr> columns(
          op.getMatchingIndexingMap(product.weights).getResults());
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

/// What the module says of the weights of a product.
StoredWeights NarrowWeights::find(const WeightProduct &product) {
  if (stored.empty())
    return {0, usual, nullptr};
  auto [entry, isNew] = found.try_emplace(product.value());
  if (isNew) {
    uint64_t digest = digestOf(HostTensor::get(product.value())->getBytes());
    auto known = stored.find(digest);
    entry->second =
        known == stored.end() ? StoredWeights{digest, usual, nullptr} : known->second;
  }
  return entry->second;
}

void NarrowWeights::runOnOperation() {
  found.clear();
  floats.clear();
  bytes.clear();
  stored.clear();
  usual = kind == WeightKind::F32 ? getWeightKind(getOperation()) : kind;
  if (usual == WeightKind::F32)
    return;
  for (const StoredWeights &weights : getStoredWeights(getOperation()))
    stored[weights.digest] = weights;
  Builder b(&getContext());
  for (const WeightProduct &product : findWeightProducts(getOperation(), minElements)) {
    StoredWeights wanted = find(product);
    if (std::string why = findObstacle(product, wanted.kind); !why.empty())
      (void)missed(product.op, "{0}", why);
    else if (wanted.kind == WeightKind::Int8)
      toBytes(product, wanted.rows);
    else if (wanted.kind == WeightKind::F16)
      toFloats(product, b.getF16Type());
    else if (wanted.kind == WeightKind::BF16)
      toFloats(product, b.getBF16Type());
  }
}
