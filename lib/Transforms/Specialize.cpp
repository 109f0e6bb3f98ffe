//===- Specialize.cpp - Fix the sizes of a model --------------------------===//
// tensor<?x8xf32>, Shape, Gather, Reshape ...  ==>  tensor<64x8xf32>, constants
// Legal always: it is the same model, asked for inputs of one size only.

#include "weir/Transforms/Specialize.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_SPECIALIZE
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

/// Infers the result types of `op` again; a static type is never given up.
static LogicalResult refineTypes(Operation *op) {
  SmallVector<Type> inferred;
  if (failed(onnx::inferResultTypes(op, inferred)))
    return failure();
  for (auto [result, type] : llvm::zip(op->getResults(), inferred)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if ((tensor && tensor.hasStaticShape()) || isa<NoneType>(type))
      result.setType(type);
  }
  return success();
}

/// Replaces `op` by what it folds to, if it does.
static void fold(Operation *op, OpBuilder &builder) {
  SmallVector<Attribute> operands(op->getNumOperands());
  for (auto [operand, attr] : llvm::zip(op->getOperands(), operands))
    matchPattern(operand, m_Constant(&attr));
  SmallVector<OpFoldResult> folded;
  if (op->hasTrait<OpTrait::ConstantLike>() || failed(op->fold(operands, folded)) ||
      folded.size() != op->getNumResults())
    return;
  SmallVector<Value> values;
  SmallVector<Operation *> constants;
  builder.setInsertionPoint(op);
  for (auto [result, replacement] : llvm::zip(op->getResults(), folded)) {
    if (auto value = dyn_cast<Value>(replacement)) {
      values.push_back(value);
      continue;
    }
    constants.push_back(op->getDialect()->materializeConstant(
        builder, cast<Attribute>(replacement), result.getType(), op->getLoc()));
    if (!constants.back())
      break;
    values.push_back(constants.back()->getResult(0));
  }
  if (values.size() == op->getNumResults())
    return op->replaceAllUsesWith(values);
  for (Operation *constant : constants)
    if (constant)
      constant->erase();
}

static void removeDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

LogicalResult weir::specialize(func::FuncOp function,
                               ArrayRef<SmallVector<int64_t>> inputShapes) {
  Block &body = function.front();
  for (auto [argument, shape] : llvm::zip_equal(body.getArguments(), inputShapes))
    argument.setType(RankedTensorType::get(shape, onnx::getElementType(argument)));
  OpBuilder builder(function.getContext());
  for (Operation &op : llvm::make_early_inc_range(body)) {
    if (failed(refineTypes(&op)))
      return failure();
    fold(&op, builder);
  }
  removeDeadOps(body);
  function.setType(FunctionType::get(function.getContext(), body.getArgumentTypes(),
                                     body.getTerminator()->getOperandTypes()));
  return success();
}

LogicalResult weir::specialize(func::FuncOp function, const Specialization &options) {
  FailureOr<SmallVector<SmallVector<int64_t>>> bound = bindDims(function, options.dims);
  if (failed(bound))
    return failure();
  for (auto [argument, shape] : llvm::zip_equal(function.getArguments(), *bound))
    argument.setType(RankedTensorType::get(shape, onnx::getElementType(argument)));
  if (failed(fixInputs(function, options.fixed)))
    return failure();
  SmallVector<SmallVector<int64_t>> shapes;
  for (Type type : function.front().getArgumentTypes())
    shapes.emplace_back(cast<RankedTensorType>(type).getShape());
  if (failed(specialize(function, shapes)))
    return failure();
  if (!options.noPadding)
    return success();
  assumeNoPadding(function); // what is compared has its shape now
  return specialize(function, shapes);
}

static bool isStatic(Value value) {
  auto type = dyn_cast<ShapedType>(value.getType());
  return !type || type.hasStaticShape();
}

/// Says what about `op` hides the shape of its results.
static std::string whyUnknown(Operation *op) {
  if (!op->isRegistered() || isa<onnx::CustomOp>(op))
    return llvm::formatv("operator '{0}' is not known", op->getName().stripDialect())
        .str();
  for (Value operand : op->getOperands())
    if (operand.getDefiningOp() && !matchPattern(operand, m_Constant()))
      if (auto type = dyn_cast<RankedTensorType>(operand.getType()))
        if (type.getRank() <= 1 && type.getElementType().isInteger(64))
          return llvm::formatv("its size is computed from data by '{0}'",
                               operand.getDefiningOp()->getName().stripDialect())
              .str();
  return "its size depends on data";
}

SmallVector<UnknownShape> weir::findUnknownShapes(func::FuncOp function) {
  SmallVector<UnknownShape> unknown;
  for (Operation &op : function.front())
    if (!llvm::all_of(op.getResults(), isStatic) &&
        llvm::all_of(op.getOperands(), isStatic))
      unknown.push_back({&op, whyUnknown(&op)});
  return unknown;
}

namespace {
struct Specialize : weir::impl::SpecializeBase<Specialize> {
  using SpecializeBase::SpecializeBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    FailureOr<SmallVector<FixedInput>> inputs =
        findFixedInputs(function, llvm::to_vector(fixed));
    if (failed(inputs) ||
        failed(specialize(function,
                          Specialization{llvm::to_vector(dims), *inputs, noPadding})))
      signalPassFailure();
  }
};
} // namespace
