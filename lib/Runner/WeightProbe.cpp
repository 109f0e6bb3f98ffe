//===- WeightProbe.cpp - A window whose weights can be changed ------------===//
// The window is lowered until it has products with weights as they will be stored. There
//
//   y = x W                    (x, .., W) -> (y, .., sum of x's rows, of their squares)
//
// so that one compilation serves any weights.

#include "WeightProbe.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/LowerToCpu.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"
#include "llvm/ADT/MapVector.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace weir;

/// The dimension of a product's rows that is its depth.
static std::optional<unsigned> findDepth(const WeightProduct &product) {
  if (!product.rows)
    return std::nullopt;
  linalg::GenericOp op = product.op;
  AffineMap map = op.getMatchingIndexingMap(product.rows);
  if (!map.isProjectedPermutation())
    return std::nullopt;
  return map.getResultPosition(getAffineDimExpr(product.depthLoop, op.getContext()));
}

/// Sums over all dimensions of `rows` but one, of elements or of their squares.
static Value sumRows(OpBuilder &b, Location loc, Value rows, unsigned depth,
                     bool squared) {
  auto type = cast<RankedTensorType>(rows.getType());
  auto result = RankedTensorType::get({type.getDimSize(depth)}, b.getF32Type());
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(b.getF32Type()));
  Value empty = tensor::EmptyOp::create(b, loc, result, ValueRange());
  Value start = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  SmallVector<utils::IteratorType> kinds(type.getRank(), utils::IteratorType::reduction);
  kinds[depth] = utils::IteratorType::parallel;
  SmallVector<AffineMap> maps = {
      b.getMultiDimIdentityMap(type.getRank()),
      AffineMap::get(type.getRank(), 0, b.getAffineDimExpr(depth))};
  auto sum =
      linalg::GenericOp::create(b, loc, result, rows, start, maps, kinds,
                                [&](OpBuilder &inner, Location at, ValueRange arguments) {
                                  Value x = arguments[0];
                                  if (squared)
                                    x = arith::MulFOp::create(inner, at, x, x);
                                  Value next =
                                      arith::AddFOp::create(inner, at, arguments[1], x);
                                  linalg::YieldOp::create(inner, at, next);
                                });
  return sum.getResult(0);
}

/// Lowers `@window` alone to products of weights as they will be stored.
static FailureOr<OwningOpRef<ModuleOp>> lowerWindow(ModuleOp module) {
  OwningOpRef<ModuleOp> lowered = module.clone();
  setWeightKind(*lowered, WeightKind::F32);
  for (auto function : llvm::make_early_inc_range(lowered->getOps<func::FuncOp>()))
    if (function.getName() != "window" && function.isPublic())
      function.erase();
  PassManager passes(module.getContext());
  buildPackPipeline(passes);
  if (failed(passes.run(*lowered)))
    return failure();
  return lowered;
}

/// Makes inputs of the weights of a copy of the lowered window, and results of sums.
void WeightProbe::exposeWeights(func::FuncOp window, IRMapping &mapping) {
  llvm::MapVector<std::pair<Attribute, int64_t>, SmallVector<WeightProduct>> groups;
  for (const WeightProduct &product : findWeightProducts(*lowered))
    groups[{product.value(), product.depthDim}].push_back(product);
  Builder b(window.getContext());
  Operation *end = window.getBody().front().getTerminator();
  SmallVector<Value> results(end->getOperands());
  unsigned numOutputs = results.size();
  auto name = [&](StringRef key, size_t number) {
    return b.getDictionaryAttr(
        b.getNamedAttr(key, b.getStringAttr("weights" + Twine(number))));
  };
  for (const auto &[key, products] : groups) {
    WeightProduct first = products.front();
    unsigned argument = window.getNumArguments();
    (void)window.insertArgument(argument, first.type(), name("weir.constant", argument),
                                window.getLoc());
    ProbedWeights probed{first,
                         getNodeName(first.op.getLoc()).str(),
                         digestOf(HostTensor::get(first.value())->getBytes()),
                         argument,
                         {}};
    for (WeightProduct product : products) {
      Operation *op = mapping.lookup(product.op.getOperation());
      op->setOperand(product.weights->getOperandNumber(), window.getArgument(argument));
      std::optional<unsigned> depth = findDepth(product);
      if (!depth)
        continue;
      OpBuilder builder(op);
      Value rows = op->getOperand(product.rows->getOperandNumber());
      probed.sums.push_back(results.size());
      probed.numRows +=
          cast<RankedTensorType>(rows.getType()).getNumElements() / product.depth();
      for (bool squared : {false, true})
        results.push_back(sumRows(builder, op->getLoc(), rows, *depth, squared));
    }
    weights.push_back(std::move(probed));
  }
  for (unsigned i = numOutputs; i < results.size(); ++i)
    (void)window.insertResult(i, results[i].getType(), name("weir.output", i));
  end->setOperands(results);
  for (ProbedWeights &probed : weights) // results are ports behind all arguments
    for (size_t &port : probed.sums)
      port += window.getNumArguments();
}

FailureOr<std::unique_ptr<WeightProbe>> WeightProbe::make(ModuleOp module) {
  std::unique_ptr<WeightProbe> probe(new WeightProbe());
  auto lowered = lowerWindow(module);
  if (failed(lowered))
    return failure();
  probe->lowered = std::move(*lowered);
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy(
      cast<ModuleOp>(probe->lowered->getOperation()->clone(mapping)));
  probe->exposeWeights(copy->lookupSymbol<func::FuncOp>("window"), mapping);
  auto compiled = CompiledModule::compile(*copy);
  if (failed(compiled))
    return failure();
  probe->compiled = std::move(*compiled);
  return probe;
}

size_t WeightProbe::getNumSums() const {
  size_t number = 0;
  for (const ProbedWeights &probed : weights)
    number += 2 * probed.sums.size();
  return number;
}

int64_t WeightProbe::getWeightBytes() const {
  int64_t bytes = compiled->getWeightBytes();
  for (const ProbedWeights &probed : weights)
    bytes += getWindow().getPorts()[probed.port].numBytes();
  return bytes;
}

void WeightProbe::fill(BoundFunction &window, size_t index, WeightKind kind,
                       DenseElementsAttr rows) const {
  const ProbedWeights &probed = weights[index];
  std::vector<float> rounded =
      roundWeights(probed.product, kind, RowStatistics::of(rows));
  std::vector<char> &buffer = window.getBuffer(probed.port);
  std::memcpy(buffer.data(), rounded.data(), buffer.size());
}

namespace {
/// Of the elements of rows, one for each depth.
struct RowSums {
  std::vector<double> sums, squares;
  int64_t count = 0;

  static void add(std::vector<double> &to, ArrayRef<char> bytes) {
    auto *numbers = reinterpret_cast<const float *>(bytes.data());
    to.resize(bytes.size() / sizeof(float));
    for (auto [i, sum] : llvm::enumerate(to))
      sum += numbers[i];
  }
  DenseElementsAttr finish(MLIRContext *context) const;
};
} // namespace

DenseElementsAttr RowSums::finish(MLIRContext *context) const {
  if (count == 0)
    return nullptr;
  std::vector<float> means, variances;
  for (auto [sum, square] : llvm::zip_equal(sums, squares)) {
    double mean = sum / count;
    means.push_back(mean);
    variances.push_back(std::max(0.0, square / count - mean * mean));
    if (!std::isfinite(means.back()) || !std::isfinite(variances.back()))
      return nullptr;
  }
  int64_t depth = means.size();
  llvm::append_range(means, variances);
  return DenseElementsAttr::get(
      RankedTensorType::get({2, depth}, Float32Type::get(context)), ArrayRef(means));
}

std::vector<DenseElementsAttr> WeightProbe::observeRows(ArrayRef<Streams> samples,
                                                        int64_t numWindows) const {
  std::vector<RowSums> sums(weights.size());
  int64_t seen = 0;
  for (const Streams &sample : samples) {
    if (seen == numWindows)
      break;
    WindowSession session(getWindow(), sample, 0);
    for (size_t i = 0; i < weights.size(); ++i)
      fill(session.bound, i);
    for (int64_t window = 0; window < sample.numWindows && seen < numWindows;
         ++window, ++seen) {
      session.run(window);
      for (auto [sum, probed] : llvm::zip_equal(sums, weights)) {
        for (size_t port : probed.sums) {
          sum.add(sum.sums, session.bound.getBuffer(port));
          sum.add(sum.squares, session.bound.getBuffer(port + 1));
        }
        sum.count += probed.numRows;
      }
    }
  }
  MLIRContext *context =
      weights.empty() ? nullptr : weights[0].product.type().getContext();
  std::vector<DenseElementsAttr> rows;
  for (const RowSums &sum : sums)
    rows.push_back(sum.finish(context));
  return rows;
}
