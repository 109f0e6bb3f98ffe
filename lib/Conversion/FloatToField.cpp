//===- FloatToField.cpp - Compute with residues instead of floats ---------===//
// arith.addf %x, %y : f32  ==>  llvm.call @weir_field_add(%x, %y) : (i64, i64) -> i64
// Legal for code that is to be proved, not run: see weir/Support/FieldNumber.h.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/FieldNumber.h"
#include "weir/Support/HostTensor.h"

namespace weir {
#define GEN_PASS_DEF_CONVERTFLOATTOFIELD
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

static bool isFloat(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

/// The type that holds residues of a float, or of a tensor of floats.
static Type toField(Type type) {
  if (!isFloat(type))
    return type;
  Type number = IntegerType::get(type.getContext(), 64);
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? Type(shaped.clone(number)) : number;
}

static FailureOr<ElementsAttr> toField(ElementsAttr value) {
  FailureOr<HostTensor> floats = HostTensor::get(value);
  if (failed(floats))
    return failure();
  HostTensor residues(cast<RankedTensorType>(toField(floats->getType())));
  for (int64_t i = 0, e = floats->getNumElements(); i < e; ++i)
    residues.setInt(i, FieldNumber::fromFloat(floats->getFloat(i)).getBits());
  return residues.toAttr("residues");
}

namespace {
struct ConvertFloatToField : weir::impl::ConvertFloatToFieldBase<ConvertFloatToField> {
  using ConvertFloatToFieldBase::ConvertFloatToFieldBase;
  void runOnOperation() override;

private:
  Value call(OpBuilder &b, Location loc, StringRef symbol, ValueRange operands);
  Value integer(OpBuilder &b, Location loc, int64_t value) {
    return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
  }
  Value compare(OpBuilder &b, arith::CmpFOp op);
  Value toNumber(OpBuilder &b, Location loc, Value value, bool isSigned);
  Value evaluate(OpBuilder &b, Operation *op);
  LogicalResult convertConstant(Operation *op);
  LogicalResult convertOp(Operation *op);
  void reseedSums(linalg::GenericOp op);
};
} // namespace

Value ConvertFloatToField::call(OpBuilder &b, Location loc, StringRef symbol,
                                ValueRange operands) {
  ModuleOp module = getOperation();
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(symbol);
  if (!function) {
    OpBuilder atTop = OpBuilder::atBlockBegin(module.getBody());
    SmallVector<Type> types(operands.size(), b.getI64Type());
    function =
        LLVM::LLVMFuncOp::create(atTop, module.getLoc(), symbol,
                                 LLVM::LLVMFunctionType::get(b.getI64Type(), types));
  }
  return LLVM::CallOp::create(b, loc, function, operands).getResult();
}

/// Numbers of a field have no NaN, so ordered and unordered comparisons are alike.
Value ConvertFloatToField::compare(OpBuilder &b, arith::CmpFOp op) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  auto fixed = [&](bool value) {
    return arith::ConstantOp::create(b, op.getLoc(), b.getBoolAttr(value));
  };
  auto ordered = [&](I predicate) -> Value {
    Value order = call(b, op.getLoc(), "weir_field_compare", op->getOperands());
    return arith::CmpIOp::create(b, op.getLoc(), predicate, order,
                                 integer(b, op.getLoc(), 0));
  };
  switch (op.getPredicate()) {
  case F::AlwaysFalse:
  case F::UNO:
    return fixed(false);
  case F::AlwaysTrue:
  case F::ORD:
    return fixed(true);
  case F::OEQ:
  case F::UEQ:
    return ordered(I::eq);
  case F::ONE:
  case F::UNE:
    return ordered(I::ne);
  case F::OLT:
  case F::ULT:
    return ordered(I::slt);
  case F::OLE:
  case F::ULE:
    return ordered(I::sle);
  case F::OGT:
  case F::UGT:
    return ordered(I::sgt);
  case F::OGE:
  case F::UGE:
    return ordered(I::sge);
  }
  llvm_unreachable("all predicates are listed");
}

Value ConvertFloatToField::toNumber(OpBuilder &b, Location loc, Value value,
                                    bool isSigned) {
  if (value.getType().getIntOrFloatBitWidth() < 64)
    value = isSigned ? arith::ExtSIOp::create(b, loc, b.getI64Type(), value).getResult()
                     : arith::ExtUIOp::create(b, loc, b.getI64Type(), value).getResult();
  return call(b, loc, "weir_field_from_int", value);
}

static StringRef getArithmeticSymbol(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case([](arith::AddFOp) { return "weir_field_add"; })
      .Case([](arith::SubFOp) { return "weir_field_sub"; })
      .Case([](arith::MulFOp) { return "weir_field_mul"; })
      .Case([](arith::DivFOp) { return "weir_field_div"; })
      .Case([](arith::NegFOp) { return "weir_field_neg"; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>([](auto) { return "weir_field_max"; })
      .Case<arith::MinimumFOp, arith::MinNumFOp>([](auto) { return "weir_field_min"; })
      .Case([](math::ExpOp) { return "weir_field_exp"; })
      .Default(StringRef());
}

/// A random function of all operands, a different one for each operator.
static uint64_t getTag(Operation *op) {
  uint64_t tag = 0xcbf29ce484222325; // FNV-1a
  for (char c : op->getName().getStringRef())
    tag = (tag ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return tag;
}

/// What a scalar float op becomes; null where there is nothing.
Value ConvertFloatToField::evaluate(OpBuilder &b, Operation *op) {
  Location loc = op->getLoc();
  if (StringRef symbol = getArithmeticSymbol(op); !symbol.empty())
    return call(b, loc, symbol, op->getOperands());
  if (auto fma = dyn_cast<math::FmaOp>(op)) {
    Value product = call(b, loc, "weir_field_mul", {fma.getA(), fma.getB()});
    return call(b, loc, "weir_field_add", {product, fma.getC()});
  }
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return op->getOperand(0);
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(op))
    return toNumber(b, loc, op->getOperand(0), isa<arith::SIToFPOp>(op));
  if (!isa_and_nonnull<math::MathDialect>(op->getDialect()))
    return nullptr;
  Value tag = integer(b, loc, getTag(op));
  Value seed = op->getOperand(0);
  for (Value other : op->getOperands().drop_front()) {
    if (!other.getType().isInteger(64))
      return nullptr;
    seed = call(b, loc, "weir_field_add",
                {call(b, loc, "weir_field_random", {tag, seed}), other});
  }
  return call(b, loc, "weir_field_random", {tag, seed});
}

LogicalResult ConvertFloatToField::convertConstant(Operation *op) {
  Type type = op->getResult(0).getType();
  Attribute value = op->getAttr("value");
  if (auto number = dyn_cast_or_null<FloatAttr>(value)) {
    auto bits = FieldNumber::fromFloat(number.getValueAsDouble()).getBits();
    op->setAttr("value", IntegerAttr::get(toField(type), bits));
    return success();
  }
  auto elements = dyn_cast_or_null<ElementsAttr>(value);
  FailureOr<ElementsAttr> residues = failure();
  if (elements)
    residues = toField(elements);
  if (failed(residues))
    return op->emitOpError("holds floats in a way that is not known");
  op->setAttr("value", *residues);
  return success();
}

LogicalResult ConvertFloatToField::convertOp(Operation *op) {
  if (op->hasTrait<OpTrait::ConstantLike>())
    return convertConstant(op);
  OpBuilder b(op);
  auto comparison = dyn_cast<arith::CmpFOp>(op);
  Value number = isa<ShapedType>(op->getResult(0).getType()) ? Value()
                 : comparison                                ? compare(b, comparison)
                                                             : evaluate(b, op);
  if (!number)
    return op->emitOpError("has no counterpart in a finite field");
  op->getResult(0).replaceAllUsesWith(number);
  op->erase();
  return success();
}

/// A sum has no residue modulo q that could be known: exponentials may be among its
/// terms, in one order here and as one quotient there.
void ConvertFloatToField::reseedSums(linalg::GenericOp op) {
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op);
  for (Value sum : op->getResults()) {
    auto type = cast<RankedTensorType>(sum.getType());
    if (!type.getElementType().isInteger(64))
      continue;
    AffineMap map = b.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::parallel);
    Value empty =
        tensor::EmptyOp::create(b, op.getLoc(), type.getShape(), b.getI64Type());
    auto reseed = linalg::GenericOp::create(
        b, op.getLoc(), TypeRange(type), sum, empty, ArrayRef<AffineMap>{map, map}, loops,
        [&](OpBuilder &inner, Location loc, ValueRange values) {
          linalg::YieldOp::create(inner, loc,
                                  call(inner, loc, "weir_field_reseed", values[0]));
        });
    sum.replaceAllUsesExcept(reseed.getResult(0), reseed);
  }
}

static bool computesFloats(Operation *op) {
  bool isComputation =
      isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
      isa<onnx::ConstantOp>(op);
  return isComputation && !isa<arith::SelectOp>(op) &&
         (llvm::any_of(op->getOperandTypes(), isFloat) ||
          llvm::any_of(op->getResultTypes(), isFloat));
}

static bool reducesFloats(Operation *op) {
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  return generic && generic.getNumReductionLoops() > 0 &&
         llvm::any_of(generic->getResultTypes(), isFloat);
}

/// Is one number after the other added to each entry of a sum? Then they are more terms:
/// a product and its bias may be a sum of two products elsewhere.
static bool extendsSum(Operation *op) {
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!generic || generic.getNumReductionLoops() > 0 ||
      !generic.getBody()->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>())
    return false;
  return llvm::any_of(generic.getInputs(), [](Value value) {
    while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
        value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    return reducesFloats(value.getDefiningOp()) || extendsSum(value.getDefiningOp());
  });
}

static bool sumsFloats(Operation *op) { return reducesFloats(op) || extendsSum(op); }

static void convertTypes(Operation *op) {
  for (Value result : op->getResults())
    result.setType(toField(result.getType()));
  for (Region &region : op->getRegions())
    for (BlockArgument argument : region.getArguments())
      argument.setType(toField(argument.getType()));
  auto function = dyn_cast<func::FuncOp>(op);
  if (!function)
    return;
  auto all = [](ArrayRef<Type> types) {
    return llvm::map_to_vector(types, [](Type type) { return toField(type); });
  };
  FunctionType type = function.getFunctionType();
  function.setType(
      FunctionType::get(op->getContext(), all(type.getInputs()), all(type.getResults())));
}

void ConvertFloatToField::runOnOperation() {
  // Named ops have bodies of floats that nobody may change.
  IRRewriter rewriter(&getContext());
  getOperation().walk([&](linalg::LinalgOp op) {
    rewriter.setInsertionPoint(op);
    if (!isa<linalg::GenericOp>(op))
      (void)linalg::generalizeNamedOp(rewriter, op);
  });
  SmallVector<Operation *> computations;
  SmallVector<linalg::GenericOp> sums;
  getOperation().walk([&](Operation *op) {
    if (computesFloats(op))
      computations.push_back(op);
    if (sumsFloats(op))
      sums.push_back(cast<linalg::GenericOp>(op));
  });
  getOperation().walk(convertTypes);
  for (Operation *op : computations)
    if (failed(convertOp(op)))
      return signalPassFailure();
  for (linalg::GenericOp sum : sums)
    reseedSums(sum);
}
