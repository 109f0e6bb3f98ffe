//===- CalibratePass.cpp - Choose by data what attentions keep ------------===//
// weir.attention ..  ==>  weir.attention .. {weir.keep = m, weir.surrogates = ..}
// Always legal: nothing is computed otherwise.

#include "Calibrate.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/LowerToCpu.h"
#include "weir/Runner/Passes.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Transforms/RaiseAttention.h"

namespace weir {
#define GEN_PASS_DEF_CALIBRATE
#include "weir/Runner/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
struct Calibrate : weir::impl::CalibrateBase<Calibrate> {
  using CalibrateBase::CalibrateBase;

  /// What compiling takes: no dialect can be loaded while passes run.
  void getDependentDialects(DialectRegistry &registry) const override {
    registerRunnerDialects(registry);
    OpPassManager lowering(ModuleOp::getOperationName());
    buildBufferizePipeline(lowering);
    buildToCpuPipeline(lowering, VectorUnit());
    lowering.getDependentDialects(registry);
  }

  void runOnOperation() override {
    if (failed(calibrate()))
      signalPassFailure();
  }

private:
  LogicalResult calibrate();
};
} // namespace

LogicalResult Calibrate::calibrate() {
  Location location = getOperation().getLoc();
  auto window = getOperation().lookupSymbol<func::FuncOp>("window");
  if (!window)
    return emitError(location) << "there is no function 'window' to calibrate";
  if (energy < 0 || energy > 1 || clusters < 0)
    return emitError(location) << "energy is a part, from 0 to 1, and clusters a number";
  ContinualOptions options;
  options.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
  FailureOr<ArgumentAxes> axes = findTokenAxes(window, options);
  if (failed(axes) || failed(raiseAttentions(window, *axes, LayerSet())))
    return failure();
  std::vector<std::string> files(data.begin(), data.end());
  std::vector<std::string> still(statics.begin(), statics.end());
  auto samples = loadSamples({files, still, "data"}, getPorts(window), *axes, location);
  if (failed(samples))
    return failure();
  return calibrateAttentions(getOperation(), *samples,
                             Calibration{energy, clusters, perHead});
}
