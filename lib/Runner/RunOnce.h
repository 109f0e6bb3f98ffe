//===- RunOnce.h - One run of weir-run ------------------------------------===//

#ifndef WEIR_LIB_RUNNER_RUNONCE_H
#define WEIR_LIB_RUNNER_RUNONCE_H

#include "Session.h"
#include "StepFacts.h"
#include "Verify.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Runner/Run.h"

namespace weir {

/// A model on its way: read, prepared, compiled, streamed. Run.cpp is the way, the other
/// files are what happens on it.
class Run {
public:
  Run(const RunOptions &options, mlir::MLIRContext &context, llvm::raw_ostream &out)
      : options(options), context(context), out(out),
        location(mlir::UnknownLoc::get(&context)) {}
  Outcome run();

private:
  llvm::LogicalResult read();
  llvm::LogicalResult checkCompressed();
  llvm::LogicalResult compress(mlir::ModuleOp target, const ArgumentAxes &tokenAxes);
  llvm::LogicalResult prepareWindow();
  llvm::LogicalResult prepare();
  llvm::LogicalResult narrow();
  llvm::LogicalResult compileReference();
  mlir::OwningOpRef<mlir::ModuleOp> inFloat32();
  bool explains() const { return options.explain || !options.report.empty(); }
  mlir::FailureOr<int64_t> scratchOf(llvm::StringRef name);
  Explanation explanation() {
    return {report ? &*report : nullptr, compression ? &*compression : nullptr,
            narrowing ? &*narrowing : nullptr};
  }
  llvm::LogicalResult explain();
  llvm::LogicalResult writeReport();
  llvm::LogicalResult compile();
  bool callsFunctions() const;
  Outcome checkSlides();
  Outcome prove();
  Outcome stream(const Streams &streams);
  Outcome verify(Outputs steps, const Streams &streams);
  Outcome verifyWindows(Outputs steps, const Streams &streams);
  Outcome verifyWhole(Outputs steps, const Streams &streams);
  Outcome judge(llvm::StringRef what, const Difference &difference, double tolerance);
  Outcome verifyEntries(Outputs steps, const Streams &streams);
  void printRebuilds(StepSession &session);
  void measure();
  void measureOriginal(const Streams &streams);

  void addRewrite(ModelOptions &model) {
    if (options.compress)
      model.rewrite = [this](mlir::ModuleOp target, const ArgumentAxes &tokenAxes) {
        return compress(target, tokenAxes);
      };
  }
  mlir::func::FuncOp function(llvm::StringRef name) {
    return module->lookupSymbol<mlir::func::FuncOp>(name);
  }
  bool steps() { return function("step") != nullptr; }
  StepFacts facts() { return StepFacts::of(function("step")); }
  /// What steps are made to equal; one that was read says it itself.
  Semantics semantics() {
    return facts().semantics.value_or(options.model.continual.semantics);
  }
  Semantics against() { return options.against.value_or(semantics()); }
  int64_t fullSteps() { return facts().full; }
  std::optional<TokenAxis> tokenAxis() { return getStreamedAxis(axes); }
  int64_t windowSteps() { return tokenAxis() ? facts().windowSteps(*tokenAxis()) : 1; }
  std::optional<int64_t> firstTokens() {
    if (!steps() || !tokenAxis())
      return std::nullopt;
    return facts().firstTokens(*tokenAxis());
  }
  bool hasWindow() { return function("window") != nullptr; }
  /// What is known of the inputs; a step that came without its window tells it alone.
  llvm::ArrayRef<Port> inputPorts() {
    return compiled->lookup(hasWindow() ? "window" : "step")->getPorts();
  }
  static const CompiledFunction &windowFunction(const CompiledModule &module) {
    const CompiledFunction *recycled = module.lookup("window_recycled");
    return recycled ? *recycled : *module.lookup("window");
  }
  const CompiledFunction &windowFunction() { return windowFunction(*compiled); }
  WindowSession windowSession(const Streams &streams, const CompiledModule &module) {
    return {windowFunction(module), streams, steps() ? windowSteps() : 0};
  }
  WindowSession windowSession(const Streams &streams) {
    return windowSession(streams, *compiled);
  }

  const RunOptions &options;
  mlir::MLIRContext &context;
  llvm::raw_ostream &out;
  mlir::Location location;
  mlir::OwningOpRef<mlir::ModuleOp> module,
      original; ///< rewritten; as read, where that is compared
  mlir::OwningOpRef<mlir::ModuleOp>
      uncompressed; ///< prepared as the window that was compressed
  ArgumentAxes axes;
  std::optional<StepReport> report;
  std::optional<CompressReport> compression;
  std::optional<NarrowReport> narrowing;
  std::unique_ptr<CompiledModule> compiled;
  /// With weights of f32, where steps with others are compared with it.
  std::unique_ptr<CompiledModule> reference;
};

} // namespace weir

#endif // WEIR_LIB_RUNNER_RUNONCE_H
