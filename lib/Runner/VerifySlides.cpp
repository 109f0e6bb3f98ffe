//===- VerifySlides.cpp - Is every claim of sliding true? -----------------===//

#include "weir/Runner/VerifySlides.h"
#include "Probe.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Analysis/TokenFlow.h"
#include "weir/Runner/CompiledModule.h"
#include "weir/Support/HostTensor.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace weir;

/// Relative to the largest element. Scores of rotary positions slide up to the rounding
/// of their tables: the angle of token n is off by n half units in the last place of an
/// f32, and what follows from the scores amplifies it.
static double toleranceOf(const TokenFlow &flow) {
  double tolerance = 1e-5;
  if (flow.isRounded)
    for (const TokenAxis &axis : flow.axes)
      tolerance = std::max(tolerance, 1e-5 + 64 * axis.tokens * 0x1p-24);
  return tolerance;
}

/// Values of `window` whose first op result is claimed to slide.
static SmallVector<Value> findClaims(func::FuncOp window,
                                     const TokenFlowAnalysis &flows) {
  SmallVector<Value> claims;
  for (Operation &op : window.getBody().front())
    if (op.getNumResults() > 0 && flows.getFlow(op.getResult(0)).slides())
      claims.push_back(op.getResult(0));
  return claims;
}

namespace {
/// Compares one value of two windows, element by element.
class SlideComparison {
public:
  SlideComparison(const TokenFlow &flow, RankedTensorType type)
      : flow(flow), type(type), strides(type.getRank(), 1) {
    for (int64_t dim = type.getRank() - 2; dim >= 0; --dim)
      strides[dim] = strides[dim + 1] * type.getDimSize(dim + 1);
  }

  /// Largest difference and largest element, where the claim speaks of both windows.
  std::pair<double, double> compare(const HostTensor &before, const HostTensor &after) {
    double worst = 0, largest = 0;
    for (int64_t index = 0, e = type.getNumElements(); index < e; ++index) {
      int64_t moved = index;
      if (!follow(index, moved))
        continue;
      double now = after.getFloat(index), then = before.getFloat(moved);
      if (now == then || (std::isnan(now) && std::isnan(then)))
        continue;
      double difference = std::abs(now - then);
      worst = std::isnan(difference) ? HUGE_VAL : std::max(worst, difference);
      largest = std::max(largest, std::abs(now));
    }
    return {worst, largest};
  }

private:
  /// Where the element of this window stood in the one before; false where it is new.
  bool follow(int64_t index, int64_t &moved) const {
    for (auto [axis, margins] : llvm::zip_equal(flow.axes, flow.margins)) {
      int64_t at = index / strides[axis.dim] % type.getDimSize(axis.dim);
      int64_t row = at / axis.inner % axis.numRows();
      int64_t token = row - axis.lead;
      if (!axis.isToken(row) || token < margins.left ||
          token >= axis.tokens - std::max(margins.right, axis.chunk))
        return false;
      moved += axis.chunk * axis.inner * strides[axis.dim];
    }
    return true;
  }

  const TokenFlow &flow;
  RankedTensorType type;
  SmallVector<int64_t> strides;
};
} // namespace

FailureOr<SlideCheck>
weir::verifySlides(ModuleOp module, const ArgumentAxes &axes, int64_t numWindows,
                   llvm::function_ref<void(int64_t, ArrayRef<char *>)> fill) {
  auto window = module.lookupSymbol<func::FuncOp>("window");
  TokenFlowAnalysis flows(window, axes, {});
  SmallVector<Value> claims = findClaims(window, flows);
  SlideCheck check;
  check.numClaims = claims.size();
  if (claims.empty())
    return check;
  OwningOpRef<ModuleOp> probe = makeProbe(window, claims);
  auto compiled = CompiledModule::compile(*probe);
  if (failed(compiled))
    return failure();
  const CompiledFunction *function = (*compiled)->lookup("window");

  std::vector<std::vector<char>> inputs;
  for (BlockArgument argument : window.getArguments())
    inputs.emplace_back(
        HostTensor(cast<RankedTensorType>(argument.getType())).getBytes().size());
  std::vector<HostTensor> before, after;
  std::vector<bool> isWrong(claims.size());
  for (int64_t index = 0; index < numWindows; ++index) {
    SmallVector<char *> filled;
    for (std::vector<char> &input : inputs)
      filled.push_back(input.data());
    fill(index, filled);
    SmallVector<void *> buffers(filled.begin(), filled.end());
    before = std::move(after);
    after.clear();
    for (Value claim : claims) {
      after.emplace_back(cast<RankedTensorType>(claim.getType()));
      buffers.push_back(after.back().getMutableBytes().data());
    }
    function->call(buffers);
    for (size_t i = 0; i < before.size(); ++i) {
      auto [worst, largest] =
          SlideComparison(flows.getFlow(claims[i]), after[i].getType())
              .compare(before[i], after[i]);
      if (worst <= toleranceOf(flows.getFlow(claims[i])) * largest || isWrong[i])
        continue;
      isWrong[i] = true;
      Operation *op = claims[i].getDefiningOp();
      check.wrong.push_back(llvm::formatv(
          "node '{0}' ({1}) is said to slide, but differs by {2} at window {3}",
          getNodeName(op), op->getName().stripDialect(), worst, index));
    }
  }
  return check;
}
