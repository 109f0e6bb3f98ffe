//===- weir-reduce.cpp - Shrink IR that shows a bug, as mlir-reduce does --===//
//   weir-reduce bug.mlir --weir-reduce=test=still-fails.sh
// The tester gets the path of smaller IR and exits with 1 where the bug is still there.
// Beside mlir-reduce's own reductions there is one that keeps the IR valid.

#include "RegisterMlir.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Reducer/Tester.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Pipelines/Registration.h"
#include "llvm/Support/InitLLVM.h"

using namespace mlir;
using namespace weir;

static void eraseDeadOps(func::FuncOp function) {
  function.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

/// All functions, then all ops in them, then all results of the functions.
static SmallVector<Operation *> getParts(ModuleOp module) {
  SmallVector<Operation *> parts;
  for (auto function : module.getOps<func::FuncOp>())
    parts.push_back(function);
  for (auto function : module.getOps<func::FuncOp>())
    for (Block &block : function.getBody())
      for (Operation &op : llvm::reverse(block))
        parts.push_back(&op);
  return parts;
}

/// Puts operand `way` in the place of `op`'s result or, behind the last one, zeros.
static LogicalResult giveWay(Operation *op, unsigned way) {
  if (op->getNumResults() != 1 || op->hasTrait<OpTrait::ConstantLike>())
    return failure();
  Value result = op->getResult(0);
  if (way < op->getNumOperands()) {
    if (op->getOperand(way).getType() != result.getType())
      return failure();
    result.replaceAllUsesWith(op->getOperand(way));
    return success();
  }
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!type || !type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return failure();
  OpBuilder builder(op);
  auto zeros = cast<ElementsAttr>(builder.getZeroAttr(type));
  result.replaceAllUsesWith(onnx::ConstantOp::create(builder, op->getLoc(), zeros));
  return success();
}

/// Makes a part smaller in one of several ways; fails where there is no such way.
static LogicalResult shrink(Operation *part, unsigned way) {
  if (auto function = dyn_cast<func::FuncOp>(part)) {
    if (way > 0)
      return failure();
    function.erase();
    return success();
  }
  auto function = part->getParentOfType<func::FuncOp>();
  if (isa<func::ReturnOp>(part)) {
    if (way >= part->getNumOperands() || part->getNumOperands() == 1 ||
        failed(function.eraseResult(way)))
      return failure();
    part->eraseOperand(way);
  } else if (failed(giveWay(part, way))) {
    return failure();
  }
  eraseDeadOps(function);
  return success();
}

/// In how many ways `shrink` may be asked for.
static unsigned countWays(Operation *part) { return part->getNumOperands() + 1; }

namespace {
struct Reduce : PassWrapper<Reduce, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Reduce)
  Reduce() = default;
  Reduce(const Reduce &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "weir-reduce"; }
  StringRef getDescription() const override {
    return "Drop functions, results and ops while a tester still finds its bug";
  }
  void runOnOperation() override;

  Option<std::string> test{*this, "test",
                           llvm::cl::desc("program that looks for the bug")};
  ListOption<std::string> testArgs{*this, "test-arg",
                                   llvm::cl::desc("arguments of the program")};
};
} // namespace

void Reduce::runOnOperation() {
  ModuleOp module = getOperation();
  Tester tester(test, testArgs);
  auto showsBug = [&](ModuleOp candidate) {
    return tester.isInteresting(candidate).first == Tester::Interestingness::True;
  };
  if (!showsBug(module)) {
    module.emitError("'") << test << "' finds no bug in the module as it is";
    return signalPassFailure();
  }
  /// Tries one way to make one part smaller.
  auto isSmaller = [&](size_t index, unsigned way) {
    ScopedDiagnosticHandler quiet(&getContext(), [](Diagnostic &) { return success(); });
    OwningOpRef<ModuleOp> candidate = module.clone();
    if (failed(shrink(getParts(*candidate)[index], way)) || failed(verify(*candidate)) ||
        !showsBug(*candidate))
      return false;
    module.getBodyRegion().takeBody(candidate->getBodyRegion());
    return true;
  };
  for (bool hasShrunk = true; hasShrunk;) {
    hasShrunk = false;
    for (size_t index = 0; index < getParts(module).size(); ++index)
      for (unsigned way = 0;
           index < getParts(module).size() && way < countWays(getParts(module)[index]);
           ++way)
        if (isSmaller(index, way)) {
          hasShrunk = true;
          --way; // another part stands there now
        }
  }
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  DialectRegistry registry;
  registerMlir(registry);
  registerWeirDialects(registry);
  registerWeirPasses();
  PassRegistration<Reduce>();
  MLIRContext context(registry);
  return failed(mlirReduceMain(argc, argv, context));
}
