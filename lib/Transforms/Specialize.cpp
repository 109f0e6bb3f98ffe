//===- Specialize.cpp - Fix the sizes of a model --------------------------===//
// tensor<?x8xf32>, Shape, Gather, Reshape ...  ==>  tensor<64x8xf32>, constants
// Legal always: it is the same model, asked for inputs of one size only. Operators that
// others spell out, or that ops of weir are, are replaced as soon as the shapes of their
// operands are known.

#include "weir/Transforms/Specialize.h"
#include "EraseDeadOps.h"
#include "weir/Dialect/Onnx/Expand.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Limits.h"
#include "weir/Dialect/Weir/Functions.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"
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

static bool isStatic(Value value) {
  auto type = dyn_cast<ShapedType>(value.getType());
  return !type || type.hasStaticShape();
}

static bool isBranching(Operation *op) {
  return op->getName().getStringRef() == "onnx.If" && op->getNumRegions() == 2;
}

/// Puts the branch that a constant condition chooses in the place of an If, and gives its
/// first op. Others are left alone, behind an unknown operator, or refused.
static FailureOr<Operation *> takeBranch(Operation *op) {
  std::optional<SmallVector<int64_t>> chosen = getConstantInts(op->getOperand(0));
  if (!chosen || chosen->size() != 1) {
    if (!isStatic(op->getOperand(0)))
      return op->getNextNode();
    InFlightDiagnostic error = emitNodeError(op)
                               << "branches on a value that is computed at run time";
    attachHelp(error, "export the model with fixed shapes, or simplify it, so that the "
                      "condition becomes a constant");
    return error;
  }
  Block &branch = op->getRegion(chosen->front() ? 0 : 1).front();
  Operation *yield = &branch.back(), *before = op->getPrevNode();
  op->getBlock()->getOperations().splice(op->getIterator(), branch.getOperations(),
                                         branch.begin(), yield->getIterator());
  op->replaceAllUsesWith(yield->getOperands());
  Block *block = op->getBlock();
  op->erase();
  return before ? before->getNextNode() : &block->front();
}

/// An operator of domain `weir` on operands whose shapes are known.
static onnx::CustomOp asWeirFunction(Operation *op) {
  auto custom = dyn_cast<onnx::CustomOp>(op);
  bool isFunction = custom &&
                    isWeirFunction(custom.getDomainName(), custom.getFunctionName()) &&
                    llvm::all_of(op->getOperands(), isStatic);
  return isFunction ? custom : nullptr;
}

/// onnx.Custom of domain `weir`  ==>  the op of the dialect
static LogicalResult replaceFunction(onnx::CustomOp op, OpBuilder &builder) {
  builder.setInsertionPoint(op);
  NamedAttrList attributes;
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    attributes.append(attribute);
  if (op->getNumResults() != 1)
    return emitNodeError(op) << "has " << op->getNumResults()
                             << " outputs, but returns 1";
  FailureOr<Value> made =
      createWeirFunction(builder, op.getLoc(), op.getFunctionName(), op->getOperands(),
                         attributes.getDictionary(op.getContext()));
  if (failed(made))
    return failure();
  op->replaceAllUsesWith(ValueRange{*made});
  op->erase();
  return success();
}

LogicalResult weir::specialize(func::FuncOp function,
                               ArrayRef<SmallVector<int64_t>> inputShapes) {
  Block &body = function.front();
  for (const SmallVector<int64_t> &shape : inputShapes)
    if (std::string why = onnx::whyUnbearable(shape); !why.empty())
      return function.emitError("an input has ") << why;
  for (auto [argument, shape] : llvm::zip_equal(body.getArguments(), inputShapes))
    argument.setType(RankedTensorType::get(shape, onnx::getElementType(argument)));
  OpBuilder builder(function.getContext());
  for (Operation *op = &body.front(), *next; op; op = next) {
    next = op->getNextNode();
    if (isBranching(op)) {
      FailureOr<Operation *> first = takeBranch(op);
      if (failed(first))
        return failure();
      next = *first;
    } else if (onnx::isExpanded(op) && llvm::all_of(op->getOperands(), isStatic)) {
      if (failed(onnx::expand(op, builder)))
        return failure();
    } else if (onnx::CustomOp call = asWeirFunction(op)) {
      if (failed(replaceFunction(call, builder)))
        return failure();
    } else if (failed(refineTypes(op))) {
      return failure();
    } else {
      fold(op, builder);
    }
  }
  eraseDeadOps(body);
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

/// Says what about `op` hides the shape of its results.
static std::string whyUnknown(Operation *op) {
  if (!onnx::isKnown(op))
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
