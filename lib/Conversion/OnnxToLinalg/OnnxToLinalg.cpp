//===- OnnxToLinalg.cpp - Lower onnx ops to linalg on tensors -------------===//
// onnx.Op (static shapes)  ==>  linalg.generic, slices and reshapes of tensors
// One function a op does the work (Elementwise.cpp, Contraction.cpp, ...); here are the
// storage types, and the words for what is left over.

#include "Emit.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/Refusal.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"

namespace weir {
#define GEN_PASS_DEF_CONVERTONNXTOLINALG
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// Tensors of booleans become tensors of i8, those of iN with a sign signless.
struct StorageTypes : TypeConverter {
  StorageTypes() {
    addConversion([](Type type) { return type; });
    addConversion([](TensorType type) -> Type {
      return type.clone(storedType(type.getElementType()));
    });
    auto cast = [](OpBuilder &b, Type to, ValueRange from, Location loc) -> Value {
      return UnrealizedConversionCastOp::create(b, loc, to, from).getResult(0);
    };
    addSourceMaterialization(cast);
    addTargetMaterialization(cast);
  }
};

/// The same bytes as another type; null for a value without bytes.
ElementsAttr retype(ElementsAttr value, RankedTensorType type) {
  FailureOr<HostTensor> from = HostTensor::get(value);
  if (failed(from))
    return nullptr;
  HostTensor to(type);
  llvm::copy(from->getBytes(), to.getMutableBytes().begin());
  return to.toAttr("weir");
}

/// Constants of `onnx`, and those of `arith` that are tensors (initial states).
template <typename OpT>
struct RetypeConstant : OpConversionPattern<OpT> {
  using OpConversionPattern<OpT>::OpConversionPattern;
  LogicalResult matchAndRewrite(OpT op, typename OpT::Adaptor,
                                ConversionPatternRewriter &rw) const override {
    auto value = dyn_cast<ElementsAttr>(op.getValue());
    Type type = this->getTypeConverter()->convertType(op->getResultTypes().front());
    ElementsAttr stored = value ? retype(value, cast<RankedTensorType>(type)) : nullptr;
    if (!stored)
      return failure();
    OperationState state(op.getLoc(), op->getName());
    state.addAttribute("value", stored);
    state.addTypes(type);
    rw.replaceOp(op, rw.create(state));
    return success();
  }
};

/// Ops of linalg and tensor that were there before keep their form in storage types.
struct RetypeStructured : ConversionPattern {
  RetypeStructured(TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &rw) const override {
    if (!isa<tensor::TensorDialect, linalg::LinalgDialect>(op->getDialect()) ||
        op->getNumRegions() != 0)
      return failure();
    OperationState state(op->getLoc(), op->getName(), operands, {}, op->getAttrs());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op->getResultTypes(), types)))
      return failure();
    state.addTypes(types);
    rw.replaceOp(op, rw.create(state));
    return success();
  }
};

struct ConvertOnnxToLinalg : weir::impl::ConvertOnnxToLinalgBase<ConvertOnnxToLinalg> {
  using ConvertOnnxToLinalgBase::ConvertOnnxToLinalgBase;
  void runOnOperation() override;
};
} // namespace

/// Why an op is still there, and what can be done.
static void explainLeftOver(Operation *op) {
  if (failed(onnx::refuseUnknown(op)))
    return;
  InFlightDiagnostic error = emitNodeError(op);
  if (auto reason = op->getAttrOfType<StringAttr>("weir.refused")) {
    error << reason.getValue();
    return;
  }
  error << "has a result of type " << op->getResultTypes().front()
        << ", whose shape is not known before the model runs";
  attachHelp(error, "fix the sizes of all inputs, and see what its shape depends on");
}

void ConvertOnnxToLinalg::runOnOperation() {
  MLIRContext *context = &getContext();
  StorageTypes types;
  RewritePatternSet patterns(context);
  Lowerings lowerings(types, patterns);
  addElementwiseLowerings(lowerings);
  addContractionLowerings(lowerings);
  addShapeLowerings(lowerings);
  addIndexingLowerings(lowerings);
  addReductionLowerings(lowerings);
  addSelectionLowerings(lowerings);
  addNormalizationLowerings(lowerings);
  addQuantizationLowerings(lowerings);
  patterns.add<RetypeConstant<onnx::ConstantOp>, RetypeConstant<arith::ConstantOp>>(
      types, context);
  patterns.add<RetypeStructured>(types, context);
  populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, types);
  populateReturnOpTypeConversionPattern(patterns, types);
  populateCallOpTypeConversionPattern(patterns, types);

  ConversionTarget target(*context);
  target.addLegalDialect<arith::ArithDialect, math::MathDialect>();
  scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, target);
  target.addDynamicallyLegalDialect<linalg::LinalgDialect, tensor::TensorDialect>(
      [&](Operation *op) { return types.isLegal(op); });
  target.addDynamicallyLegalOp<onnx::ConstantOp, arith::ConstantOp>(
      [&](Operation *op) { return types.isLegal(op); });
  target.addLegalOp<onnx::NoValueOp, UnrealizedConversionCastOp>();
  target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
    return types.isSignatureLegal(op.getFunctionType()) && types.isLegal(&op.getBody());
  });
  target.addDynamicallyLegalOp<func::ReturnOp, func::CallOp>(
      [&](Operation *op) { return types.isLegal(op); });
  ConversionConfig config;
  if (!fold)
    config.foldingMode = DialectConversionFoldingMode::Never;
  if (failed(applyPartialConversion(getOperation(), target, std::move(patterns), config)))
    return signalPassFailure();

  bool isComplete = true;
  getOperation().walk([&](Operation *op) {
    if (op->getName().getDialectNamespace() != "onnx" ||
        isa<onnx::ConstantOp, onnx::NoValueOp>(op))
      return;
    explainLeftOver(op);
    isComplete = false;
  });
  if (!isComplete)
    return signalPassFailure();
}
