//===- WidenFloats.cpp - Compute 16-bit floats in 32 bits -----------------===//
// onnx.Add %x, %w : f16  ==>  Cast to f16 (onnx.Add (Cast %x to f32), %w : f32)
// Legal always: f32 holds every value of f16 and bf16, so operators differ by nothing but
// the rounding of their results. What the model rounds itself, by a Cast, is rounded.

#include "weir/Transforms/WidenFloats.h"
#include "weir/Dialect/Onnx/Expand.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Weir/Functions.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_WIDENFLOATS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

static bool isNarrow(Type type) {
  auto tensor = dyn_cast<TensorType>(type);
  Type element = tensor ? tensor.getElementType() : type;
  return element.isF16() || element.isBF16();
}

/// `type` with f32 elements if they are narrow.
static Type widen(Type type) {
  if (!isNarrow(type))
    return type;
  auto wide = Float32Type::get(type.getContext());
  auto tensor = dyn_cast<TensorType>(type);
  return tensor ? Type(tensor.clone(wide)) : wide;
}

static Attribute widen(Attribute attribute) {
  if (auto type = dyn_cast<TypeAttr>(attribute))
    return TypeAttr::get(widen(type.getValue()));
  auto elements = dyn_cast<ElementsAttr>(attribute);
  if (!elements || !isNarrow(elements.getType()))
    return attribute;
  auto type = cast<RankedTensorType>(widen(elements.getType()));
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (dense && dense.isSplat()) {
    double value = dense.getSplatValue<APFloat>().convertToDouble();
    return DenseElementsAttr::get(type, static_cast<float>(value));
  }
  FailureOr<HostTensor> tensor = HostTensor::get(elements);
  if (failed(tensor))
    return attribute;
  return HostTensor::fromFloats(type, tensor->getFloats()).toAttr();
}

namespace {
class Widening {
public:
  explicit Widening(func::FuncOp function)
      : function(function), body(function.getBody().front()),
        builder(function.getContext()) {}

  Operation *findForeign();
  void run();

private:
  void widenArguments();
  void visit(Operation *op);
  void visitCast(onnx::CastOp op);
  void narrowOperands(Operation *op, TypeRange types);
  void widenResults(Operation *op);
  Value cast(Value value, Type element) {
    return onnx::CastOp::create(builder, value.getLoc(), value, 1, element);
  }
  Type typeOf(Value value) {
    Type narrow = narrowTypes.lookup(value);
    return narrow ? narrow : value.getType();
  }

  func::FuncOp function;
  Block &body;
  OpBuilder builder;
  /// Types in the model of the values that are wide now.
  llvm::DenseMap<Value, Type> narrowTypes;
};
} // namespace

static Type elementOf(Type type) { return cast<TensorType>(type).getElementType(); }

/// An op of another dialect on narrow values, whose rules nobody here knows.
Operation *Widening::findForeign() {
  for (Operation &op : body)
    if (!op.hasTrait<OpTrait::IsTerminator>() &&
        op.getName().getDialectNamespace() != "onnx" &&
        (llvm::any_of(op.getOperandTypes(), isNarrow) ||
         llvm::any_of(op.getResultTypes(), isNarrow)))
      return &op;
  return nullptr;
}

void Widening::widenArguments() {
  builder.setInsertionPointToStart(&body);
  for (BlockArgument argument : body.getArguments()) {
    if (!isNarrow(argument.getType()) || argument.use_empty())
      continue;
    Value wide = cast(argument, builder.getF32Type());
    argument.replaceAllUsesExcept(wide, wide.getDefiningOp());
    narrowTypes[wide] = argument.getType();
  }
}

/// A cast rounds where its operand, as it is now, is wider than what it makes.
void Widening::visitCast(onnx::CastOp op) {
  Type from = elementOf(typeOf(op.getInput())), to = op.getTo();
  if (!isNarrow(to))
    return;
  if (from == to) {
    op.replaceAllUsesWith(op.getInput());
    return;
  }
  builder.setInsertionPointAfter(op);
  Value wide = cast(op.getOutput(), builder.getF32Type());
  op.getOutput().replaceAllUsesExcept(wide, wide.getDefiningOp());
  narrowTypes[wide] = op.getOutput().getType();
}

/// Gives `op` its operands in the types that the model gives them.
void Widening::narrowOperands(Operation *op, TypeRange types) {
  builder.setInsertionPoint(op);
  for (auto [operand, type] : llvm::zip_equal(op->getOpOperands(), types))
    if (operand.get().getType() != type && isNarrow(type))
      operand.set(cast(operand.get(), elementOf(type)));
}

void Widening::widenResults(Operation *op) {
  for (Value result : op->getResults())
    if (isNarrow(result.getType())) {
      narrowTypes[result] = result.getType();
      result.setType(widen(result.getType()));
    }
}

void Widening::visit(Operation *op) {
  if (auto cast = dyn_cast<onnx::CastOp>(op))
    return visitCast(cast);
  if (op->hasTrait<OpTrait::IsTerminator>())
    return narrowOperands(op, function.getResultTypes());
  auto custom = dyn_cast<onnx::CustomOp>(op);
  bool isOurs =
      custom && isWeirFunction(custom.getDomainName(), custom.getFunctionName());
  if (onnx::isKnown(op) || isOurs) {
    for (NamedAttribute attribute : op->getAttrs())
      op->setAttr(attribute.getName(), widen(attribute.getValue()));
    return widenResults(op);
  }
  SmallVector<Type> types(
      llvm::map_range(op->getOperands(), [&](Value operand) { return typeOf(operand); }));
  narrowOperands(op, types);
  builder.setInsertionPointAfter(op);
  for (Value result : op->getResults())
    if (isNarrow(result.getType()) && !result.use_empty()) {
      Value wide = cast(result, builder.getF32Type());
      result.replaceAllUsesExcept(wide, wide.getDefiningOp());
      narrowTypes[wide] = result.getType();
    }
}

void Widening::run() {
  SmallVector<Operation *> ops;
  for (Operation &op : body)
    ops.push_back(&op);
  widenArguments();
  for (Operation *op : ops)
    visit(op);
  for (Operation *op : ops)
    if (auto cast = dyn_cast<onnx::CastOp>(op); cast && cast->use_empty())
      cast->erase();
}

void weir::widenFloats(func::FuncOp function) {
  Widening widening(function);
  if (Operation *foreign = widening.findForeign()) {
    (void)missed(foreign, "computes 16-bit floats in a dialect that is not onnx");
    return;
  }
  widening.run();
}

namespace {
struct WidenFloats : weir::impl::WidenFloatsBase<WidenFloats> {
  using WidenFloatsBase::WidenFloatsBase;
  void runOnOperation() override {
    if (!getOperation().isExternal())
      widenFloats(getOperation());
  }
};
} // namespace
