//===- LowerToCpu.cpp - From step functions to the LLVM dialect -----------===//

#include "weir/Pipelines/LowerToCpu.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/AllInterfaces.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include "weir/Transforms/Passes.h"

using namespace mlir;
using namespace weir;

LogicalResult weir::checkCompilable(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>()) {
    SmallVector<Type> types(function.getArgumentTypes());
    llvm::append_range(types, function.getResultTypes());
    for (Type type : types) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || !tensor.hasStaticShape() ||
          HostTensor::elementBytes(tensor.getElementType()) == 0)
        return function.emitError("@")
               << function.getName() << " has a value of type " << type
               << "; only tensors of numbers and of static shape can be compiled";
    }
  }
  return success();
}

void weir::buildStatesPipeline(OpPassManager &pm) {
  pm.addPass(createGeneralizeLinalg());
  pm.addNestedPass<func::FuncOp>(createFuseAttention());
  pm.addPass(createInterleaveHeads());
}

void weir::buildPackPipeline(OpPassManager &pm) {
  buildStatesPipeline(pm);
  pm.addNestedPass<func::FuncOp>(createConvertTokenMapsToOnnx());
  pm.addNestedPass<func::FuncOp>(createConvertClustersToOnnx({/*onlyAffinity=*/true}));
  pm.addPass(createConvertWeirToLinalg());
  pm.addPass(createConvertOnnxToLinalg());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createFuseElementwise());
  pm.addNestedPass<func::FuncOp>(createStartSums());
  pm.addPass(createPackWeights());
}

void weir::buildBufferizePipeline(OpPassManager &pm, InPlace inPlace,
                                  Temporaries temporaries) {
  buildPackPipeline(pm);
  pm.addPass(createNarrowWeights());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createConvertOnnxConstants());
  // No CSE from here to bufferization: it would share what was unshared.
  pm.addNestedPass<func::FuncOp>(createTieState({inPlace == InPlace::Copied}));
  if (inPlace == InPlace::Tight) {
    pm.addPass(bufferization::createEmptyTensorEliminationPass());
    pm.addNestedPass<func::FuncOp>(createTieState());
  }
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createCanonicalizerPass()); // removes copies of a buffer to itself
  pm.addNestedPass<func::FuncOp>(createSettleState());
  if (temporaries == Temporaries::Planned)
    pm.addNestedPass<func::FuncOp>(createPlanScratch());
}

void weir::buildPlanPipeline(OpPassManager &pm, const TeamOptions &team) {
  if (team.threads > 1)
    pm.addPass(createDistributeWork({team.threads, team.minWork}));
  pm.addNestedPass<func::FuncOp>(createPlanScratch());
}

LogicalResult weir::bufferizeModule(OwningOpRef<ModuleOp> &module,
                                    Temporaries temporaries) {
  MLIRContext *context = module->getContext();
  for (InPlace inPlace : {InPlace::Tight, InPlace::Loose, InPlace::Copied}) {
    std::vector<Diagnostic> messages;
    OwningOpRef<ModuleOp> attempt = module->clone();
    bool done;
    {
      ScopedDiagnosticHandler keep(
          context, [&](Diagnostic &message) { messages.push_back(std::move(message)); });
      PassManager pm(context);
      buildBufferizePipeline(pm, inPlace, temporaries);
      done = succeeded(pm.run(*attempt));
    }
    if (!done && inPlace != InPlace::Copied)
      continue;
    for (Diagnostic &message : messages)
      context->getDiagEngine().emit(std::move(message));
    module = std::move(attempt);
    return success(done);
  }
  llvm_unreachable("the last way ends the loop");
}

void weir::buildToCpuPipeline(OpPassManager &pm, VectorUnit vectors) {
  pm.addPass(createShareKernels());
  pm.addNestedPass<func::FuncOp>(
      createConvertLinalgToVector({vectors.lanes, vectors.registers, vectors.dot}));
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  pm.addPass(createExpandMath());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass()); // unrolls vectors
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  ConvertFuncToLLVMPassOptions bare;
  bare.useBarePtrCallConv = true;
  pm.addPass(createConvertFuncToLLVMPass(bare));
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void weir::registerCpuDialects(DialectRegistry &registry) {
  registry.insert<onnx::OnnxDialect, WeirDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerAllDialectInterfaceImplementations(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  vector::registerBufferizableOpInterfaceExternalModels(registry);
}

namespace {
struct BufferizeOptions : PassPipelineOptions<BufferizeOptions> {
  Option<InPlace> inPlace{
      *this, "in-place", llvm::cl::desc("how states get into place"),
      llvm::cl::init(InPlace::Tight),
      llvm::cl::values(
          clEnumValN(InPlace::Tight, "tight", "producers write into their destination"),
          clEnumValN(InPlace::Loose, "loose", "they need not"),
          clEnumValN(InPlace::Copied, "copied", "each state is read from a copy"))};
};

struct ToCpuOptions : PassPipelineOptions<ToCpuOptions> {
  Option<int64_t> lanes{*this, "lanes",
                        llvm::cl::desc("f32 elements of a vector register"),
                        llvm::cl::init(8)};
  Option<int64_t> registers{*this, "registers", llvm::cl::desc("vector registers"),
                            llvm::cl::init(16)};
  Option<ByteDot> dot{*this, "dot", llvm::cl::desc("the dot product of bytes"),
                      llvm::cl::init(ByteDot::None),
                      llvm::cl::values(clEnumValN(ByteDot::None, "none", ""),
                                       clEnumValN(ByteDot::Avx, "avx", ""),
                                       clEnumValN(ByteDot::Avx512, "avx512", ""),
                                       clEnumValN(ByteDot::Neon, "neon", ""))};
};
} // namespace

void weir::registerCpuPipelines() {
  PassPipelineRegistration<BufferizeOptions>(
      "weir-bufferize", "Lower onnx and weir ops to memrefs, states in place",
      [](OpPassManager &pm, const BufferizeOptions &options) {
        buildBufferizePipeline(pm, options.inPlace);
      });
  PassPipelineRegistration<ToCpuOptions>(
      "weir-to-cpu", "Lower memrefs to vector loops and the LLVM dialect",
      [](OpPassManager &pm, const ToCpuOptions &options) {
        buildToCpuPipeline(pm, {options.lanes, options.registers, options.dot});
      });
}
