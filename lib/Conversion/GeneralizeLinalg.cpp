//===- GeneralizeLinalg.cpp - Spell other front ends' linalg as our own ---===//
// linalg.matmul ..        ==>  linalg.generic ..
// linalg.softmax          ==>  generics of max, e^(x - max), sum, quotient
// generic on i1           ==>  onnx.Cast to i8, generic on i8, onnx.Cast to i1
// arith.constant dense<>  ==>  onnx.Constant dense<>, where it is large
// Legal always; what convert-onnx-to-linalg makes has these forms already.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"

namespace weir {
#define GEN_PASS_DEF_GENERALIZELINALG
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

static bool isBool(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getElementType().isInteger(1);
}

namespace {
/// Does the op write an element into a destination that holds something, for each of its
/// operands' elements? Bufferization takes its name to do so in place.
static bool worksInPlace(linalg::LinalgOp op) {
  return op.getNumReductionLoops() == 0 &&
         llvm::all_of(op.getIndexingMapsArray(),
                      [](AffineMap map) { return map.isIdentity(); }) &&
         !op.getDpsInits().front().getDefiningOp<tensor::EmptyOp>();
}

/// Fills stay: they tell what a destination holds. Those of booleans do not.
struct NamedToGeneric : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op, PatternRewriter &rw) const override {
    bool isFill = isa<linalg::FillOp>(op) && !isBool(op->getResultTypes().front());
    if (isa<linalg::GenericOp>(op) || isFill || worksInPlace(op))
      return failure();
    return linalg::generalizeNamedOp(rw, op);
  }
};

struct DecomposeSoftmax : OpRewritePattern<linalg::SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::SoftmaxOp op,
                                PatternRewriter &rw) const override {
    FailureOr<SmallVector<Value>> parts = op.decomposeOperation(rw);
    if (failed(parts))
      return failure();
    rw.replaceOp(op, *parts);
    return success();
  }
};

/// Booleans are stored as bytes: the bodies of generics convert them.
struct StoreBooleans : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rw) const override {
    if (!llvm::any_of(op->getOperandTypes(), isBool))
      return failure();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(isBool(operand.getType()) ? toBytes(rw, operand) : operand);
    SmallVector<Type> types(llvm::map_range(op->getResultTypes(), bytesOf));
    auto made = cast<linalg::GenericOp>(clone(rw, op, types, operands));
    Block *body = made.getBlock();
    rw.setInsertionPointToStart(body);
    for (BlockArgument argument : body->getArguments())
      if (argument.getType().isInteger(1))
        readAsBool(rw, argument);
    Operation *yield = body->getTerminator();
    rw.setInsertionPoint(yield);
    for (OpOperand &result : yield->getOpOperands())
      if (result.get().getType().isInteger(1))
        result.set(arith::ExtUIOp::create(rw, op.getLoc(), rw.getI8Type(), result.get()));
    rw.setInsertionPointAfter(made);
    SmallVector<Value> results;
    for (auto [type, result] : llvm::zip(op->getResultTypes(), made->getResults()))
      results.push_back(
          isBool(type) ? onnx::CastOp::create(rw, op.getLoc(), result, 1, rw.getI1Type())
                             .getResult()
                       : result);
    rw.replaceOp(op, results);
    return success();
  }

private:
  static Type bytesOf(Type type) {
    return isBool(type) ? cast<RankedTensorType>(type).clone(
                              IntegerType::get(type.getContext(), 8))
                        : type;
  }
  /// What a destination held matters to no generic that has booleans in it.
  static Value toBytes(PatternRewriter &rw, Value value) {
    if (auto empty = value.getDefiningOp<tensor::EmptyOp>())
      return tensor::EmptyOp::create(rw, value.getLoc(), empty.getType().getShape(),
                                     rw.getI8Type());
    return onnx::CastOp::create(rw, value.getLoc(), value, 1, rw.getI8Type());
  }
  static void readAsBool(PatternRewriter &rw, BlockArgument argument) {
    argument.setType(rw.getI8Type());
    Location loc = argument.getLoc();
    Value zero = arith::ConstantIntOp::create(rw, loc, 0, 8);
    Value value =
        arith::CmpIOp::create(rw, loc, arith::CmpIPredicate::ne, argument, zero);
    argument.replaceAllUsesExcept(value, value.getDefiningOp());
  }
};

/// Weights: what is packed, shared and kept out of LLVM's text is an onnx.Constant.
struct ConstantToOnnx : OpRewritePattern<arith::ConstantOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op,
                                PatternRewriter &rw) const override {
    auto value = dyn_cast<ElementsAttr>(op.getValue());
    if (!value || value.isSplat() || !isa<RankedTensorType>(op.getType()))
      return failure();
    rw.replaceOpWithNewOp<onnx::ConstantOp>(op, value);
    return success();
  }
};

struct GeneralizeLinalg : weir::impl::GeneralizeLinalgBase<GeneralizeLinalg> {
  using GeneralizeLinalgBase::GeneralizeLinalgBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<NamedToGeneric, DecomposeSoftmax, StoreBooleans, ConstantToOnnx>(
        &getContext());
    GreedyRewriteConfig config;
    config.enableFolding(false);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
