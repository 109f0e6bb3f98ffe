//===- Canonicalize.cpp - Bring operators to one spelling each ------------===//
// Exporters write one idea in many ways; after this pass token flow meets one of each.
// Every pattern keeps the values of the model up to rounding, and the node names.

#include "weir/Transforms/Canonicalize.h"
#include "Patterns.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_CANONICALIZE
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

bool weir::isConstantOf(Value value, double wanted) {
  ElementsAttr attr = getConstantElements(value);
  if (!attr || !attr.getElementType().isIntOrIndexOrFloat())
    return false;
  FailureOr<HostTensor> tensor = HostTensor::get(attr);
  if (failed(tensor))
    return false;
  for (int64_t i = 0, e = tensor->getNumElements(); i < e; ++i)
    if (tensor->getFloat(i) != wanted)
      return false;
  return true;
}

void weir::populateCanonicalizePatterns(RewritePatternSet &patterns) {
  populateRemoveNoOpsPatterns(patterns);
  populateRemoveNanGuardPatterns(patterns);
  populateUnifyViewsPatterns(patterns);
  populateUnifySlicesPatterns(patterns);
  populateUnifyGathersPatterns(patterns);
  populateUnifyTilesPatterns(patterns);
  populateDropExpandPatterns(patterns);
  populateDecomposeGemmPatterns(patterns);
  populateDecomposeEinsumPatterns(patterns);
  populateDecomposeAttentionPatterns(patterns);
  populateDecomposeRotaryPatterns(patterns);
  populateDecomposeQuantizationPatterns(patterns);
  populateExplicitPadsPatterns(patterns);
  populateSimplifyLinalgPatterns(patterns);
  populateRaiseOnnxSoftmaxPatterns(patterns);
  populateRaiseSoftmaxPatterns(patterns);
}

void weir::buildCanonicalizationPipeline(OpPassManager &manager) {
  manager.addPass(createCanonicalize());
  manager.addPass(createSplitPackedProjections());
  manager.addPass(createCanonicalize());
  manager.addPass(mlir::createCSEPass());
}

namespace {
struct Canonicalize : weir::impl::CanonicalizeBase<Canonicalize> {
  using CanonicalizeBase::CanonicalizeBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateCanonicalizePatterns(patterns);
    GreedyRewriteConfig config;
    config.setMaxIterations(GreedyRewriteConfig::kNoLimit);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
