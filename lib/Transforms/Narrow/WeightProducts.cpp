//===- WeightProducts.cpp - Products with weights, and their columns ------===//

#include "../Products.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Panels.h"
#include "weir/Transforms/NarrowWeights.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace weir;

ElementsAttr WeightProduct::value() const {
  return weights->get().getDefiningOp<onnx::ConstantOp>().getValue();
}

RankedTensorType WeightProduct::type() const {
  return cast<RankedTensorType>(weights->get().getType());
}

bool WeightProduct::isGrouped() const {
  return type().getRank() == 3 && depthDim == 1 && type().getDimSize(2) == panel &&
         depth() % byteGroup == 0 && depth() > byteGroup;
}

/// `x` of the body `acc + x * w` for the block argument `w`; null of another body.
static Value getFactor(linalg::GenericOp op, BlockArgument weights) {
  Block &body = *op.getBlock();
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || !weights.hasOneUse())
    return nullptr;
  auto product = dyn_cast<arith::MulFOp>(*weights.getUsers().begin());
  if (!product || !product->hasOneUse() || *product->getUsers().begin() != sum ||
      !llvm::is_contained(sum->getOperands(), body.getArguments().back()))
    return nullptr;
  return product.getLhs() == weights ? product.getRhs() : product.getLhs();
}

static std::optional<WeightProduct> matchProduct(linalg::GenericOp op,
                                                 OpOperand &weights) {
  auto constant = weights.get().getDefiningOp<onnx::ConstantOp>();
  if (!constant || op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 1)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(weights.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&weights);
  if (!type || !type.getElementType().isF32() || !map.isProjectedPermutation())
    return std::nullopt;
  Value factor = getFactor(op, op.getMatchingBlockArgument(&weights));
  if (!factor)
    return std::nullopt;
  WeightProduct product{op, &weights, nullptr, -1, 0};
  auto argument = dyn_cast<BlockArgument>(factor);
  if (argument && argument.getArgNumber() < op.getNumDpsInputs())
    product.rows = op.getDpsInputOperand(argument.getArgNumber());
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

SmallVector<WeightProduct> weir::findWeightProducts(Operation *root,
                                                    int64_t minElements) {
  auto products = collectProducts<WeightProduct>(root, matchProduct);
  llvm::erase_if(products, [&](const WeightProduct &product) {
    return product.type().getNumElements() < minElements ||
           failed(HostTensor::get(product.value()));
  });
  return products;
}

/// The tensor must outlive what is returned.
static ArrayRef<float> floatsOf(const HostTensor &tensor) {
  return {reinterpret_cast<const float *>(tensor.getBytes().data()),
          static_cast<size_t>(tensor.getNumElements())};
}

std::string weir::findObstacle(const WeightProduct &product, WeightKind kind) {
  constexpr float largestHalf = 0x1.ffdffep15f, largestBrain = 0x1.fefffep127f;
  float largest = kind == WeightKind::F16    ? largestHalf
                  : kind == WeightKind::BF16 ? largestBrain
                                             : std::numeric_limits<float>::max();
  HostTensor tensor = *HostTensor::get(product.value());
  for (float weight : floatsOf(tensor))
    if (!(std::abs(weight) <= largest))
      return llvm::formatv("keeps its weights in f32: {0} is no number in {1}", weight,
                           getName(kind));
  return {};
}

namespace {
/// [outer][depth][inner]
struct ColumnLayout {
  int64_t depth, inner = 1;

  explicit ColumnLayout(const WeightProduct &product) : depth(product.depth()) {
    for (int64_t size : product.type().getShape().drop_front(product.depthDim + 1))
      inner *= size;
  }
  /// Of an element, the place if columns lie one after the other.
  int64_t inColumns(int64_t i) const {
    int64_t column = i % inner, k = i / inner % depth, outer = i / inner / depth;
    return (outer * inner + column) * depth + k;
  }
};
} // namespace

QuantizedColumns weir::quantizeColumns(const WeightProduct &product,
                                       const RowStatistics &rows) {
  HostTensor tensor = *HostTensor::get(product.value());
  ArrayRef<float> weights = floatsOf(tensor);
  ColumnLayout layout(product);
  std::vector<float> columns(weights.size());
  for (auto [i, weight] : llvm::enumerate(weights))
    columns[layout.inColumns(i)] = weight;
  return quantizeColumns(columns, product.depth(), rows);
}

std::vector<float> weir::roundWeights(const WeightProduct &product, WeightKind kind,
                                      const RowStatistics &rows) {
  HostTensor tensor = *HostTensor::get(product.value());
  ArrayRef<float> weights = floatsOf(tensor);
  if (kind == WeightKind::F32 || !findObstacle(product, kind).empty())
    return weights.vec();
  std::vector<float> rounded(weights.size());
  if (kind == WeightKind::Int8) {
    QuantizedColumns columns = quantizeColumns(product, rows);
    ColumnLayout layout(product);
    for (auto [i, weight] : llvm::enumerate(rounded)) {
      int64_t place = layout.inColumns(i);
      weight = columns.numbers[place] * columns.scales[place / layout.depth];
    }
    return rounded;
  }
  MLIRContext *context = product.type().getContext();
  Type narrow = kind == WeightKind::F16 ? Type(Float16Type::get(context))
                                        : Type(BFloat16Type::get(context));
  llvm::copy(HostTensor::fromFloats(product.type().clone(narrow), tensor.getFloats())
                 .getFloats(),
             rounded.begin());
  return rounded;
}
