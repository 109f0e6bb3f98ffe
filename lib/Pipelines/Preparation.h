//===- Preparation.h - A model on its way to a canonical window -----------===//

#ifndef WEIR_LIB_PIPELINES_PREPARATION_H
#define WEIR_LIB_PIPELINES_PREPARATION_H

#include "mlir/IR/OwningOpRef.h"
#include "weir/Pipelines/PrepareModel.h"
#include "weir/Transforms/Specialize.h"

namespace weir {

/// One dimension of one input.
struct InputDim {
  unsigned input;
  int64_t dim;
};

/// A copy of the model, bound to some token axis; no axes where it cannot be.
struct Trial {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::FailureOr<ArgumentAxes> axes;
  mlir::func::FuncOp window() {
    return module->lookupSymbol<mlir::func::FuncOp>("window");
  }
};

class Preparation {
public:
  Preparation(mlir::ModuleOp module, const PrepareOptions &options)
      : module(module), options(options),
        window(module.lookupSymbol<mlir::func::FuncOp>("window")), chunk(options.chunk) {}

  mlir::FailureOr<ArgumentAxes> run();

private:
  mlir::RankedTensorType typeOf(unsigned input) {
    return llvm::dyn_cast<mlir::RankedTensorType>(window.getArgument(input).getType());
  }
  bool isFixed(unsigned input) {
    return llvm::any_of(fixed,
                        [&](const FixedInput &one) { return one.argument == input; });
  }
  bool assumesNoPadding() {
    return llvm::is_contained(options.assumptions, Assumption::NoPadding);
  }
  std::string nameOf(InputDim at);
  std::string symbolOf(InputDim at);
  llvm::LogicalResult checkInputs();
  mlir::FailureOr<llvm::SmallVector<InputDim>> namedTokenDims();
  llvm::SmallVector<InputDim> candidates();
  llvm::SmallVector<std::string> bindings(llvm::ArrayRef<InputDim> tokenDims);
  llvm::LogicalResult checkWindow(llvm::ArrayRef<InputDim> tokenDims);
  bool canGoWith(InputDim first, InputDim other);
  std::vector<llvm::SmallVector<InputDim>> withOtherInputs(InputDim first);
  mlir::FailureOr<ArgumentAxes> bind(mlir::ModuleOp target,
                                     llvm::ArrayRef<InputDim> tokenDims);
  void warnOfPadding();
  mlir::FailureOr<ArgumentAxes> bindAll(llvm::ArrayRef<InputDim> tokenDims);
  Trial bindClone(llvm::ArrayRef<InputDim> tokenDims);
  uint64_t score(llvm::ArrayRef<InputDim> tokenDims);
  llvm::SmallVector<InputDim> bestChoice(bool &isUnique);
  llvm::LogicalResult checkStride(int64_t otherChunk);
  llvm::LogicalResult explainNoAxis();
  mlir::FailureOr<ArgumentAxes> infer();
  mlir::FailureOr<ArgumentAxes> bindNamed();

  mlir::ModuleOp module;
  const PrepareOptions &options;
  mlir::func::FuncOp window;
  int64_t chunk; ///< tokens that enter per step, as tried
  llvm::SmallVector<FixedInput> fixed;
  unsigned lead = 0; ///< the first input that is not fixed
};

} // namespace weir

#endif // WEIR_LIB_PIPELINES_PREPARATION_H
