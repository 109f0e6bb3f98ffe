//===- Emit.h - Build linalg on tensors for one onnx op -------------------===//
// What all lowerings share: elements are stored as signless integers and booleans as
// i8, but computed as ONNX means them (i1; f16 and bf16 in f32). The bodies that the
// lowerings write see computed scalars only.

#ifndef WEIR_LIB_CONVERSION_ONNXTOLINALG_EMIT_H
#define WEIR_LIB_CONVERSION_ONNXTOLINALG_EMIT_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/Transforms/DialectConversion.h"

namespace weir::onnx {

/// A tensor in storage type, with the element type that ONNX gives it.
struct Tensor {
  mlir::Value value;
  mlir::Type element;

  llvm::ArrayRef<int64_t> shape() const {
    return mlir::cast<mlir::RankedTensorType>(value.getType()).getShape();
  }
  int64_t rank() const { return shape().size(); }
};

/// The type that computes `element`: f32 for f16 and bf16, signless for unsigned.
mlir::Type computedType(mlir::Type element);
/// The type that stores `element`: i8 for i1, signless for unsigned.
mlir::Type storedType(mlir::Type element);

/// Arithmetic on the scalars of a body, for floats, signed and unsigned integers.
class Scalars {
public:
  Scalars(mlir::OpBuilder &builder, mlir::Location loc, bool isUnsigned = false)
      : b(builder), loc(loc), isUnsigned(isUnsigned) {}

  mlir::Value constant(mlir::Type type, double value);
  /// A constant of the type of `like`.
  mlir::Value constant(mlir::Value like, double value) {
    return constant(like.getType(), value);
  }
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  /// Integers: truncating, 0 for a divisor of 0.
  mlir::Value div(mlir::Value x, mlir::Value y);
  /// Truncating remainder, of the sign of `x`; integers: 0 for a divisor of 0.
  mlir::Value rem(mlir::Value x, mlir::Value y);
  mlir::Value pow(mlir::Value x, mlir::Value y);
  /// NaN if either operand is.
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value neg(mlir::Value x);
  mlir::Value abs(mlir::Value x);
  mlir::Value exp(mlir::Value x);
  mlir::Value log(mlir::Value x);
  mlir::Value sqrt(mlir::Value x);
  mlir::Value tanh(mlir::Value x);
  mlir::Value erf(mlir::Value x);
  mlir::Value sigmoid(mlir::Value x);
  mlir::Value softplus(mlir::Value x);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value lessOrEqual(mlir::Value x, mlir::Value y);
  mlir::Value equal(mlir::Value x, mlir::Value y);
  /// True for NaN.
  mlir::Value notEqual(mlir::Value x, mlir::Value y);
  /// Converts between computed types; `isUnsigned` is about the operand.
  mlir::Value convert(mlir::Value x, mlir::Type to, bool toUnsigned);
  /// The position along a dimension of the iteration space.
  mlir::Value index(int64_t dim);

  mlir::OpBuilder &b;
  mlir::Location loc;
  bool isUnsigned;

private:
  mlir::Value guardDivisor(mlir::Value x, mlir::Value y, bool remainder);
};

using Body = llvm::function_ref<mlir::Value(Scalars &, mlir::ValueRange)>;
using Results = llvm::FailureOr<llvm::SmallVector<mlir::Value>>;
using IteratorKind = mlir::utils::IteratorType;

/// Builds what one op becomes.
class Emit {
public:
  Emit(mlir::ConversionPatternRewriter &rw, mlir::Operation *op)
      : rw(rw), loc(op->getLoc()), op(op) {}

  /// An operand of the op, converted.
  Tensor tensor(mlir::Value original) const;
  /// Notes on the op why it cannot be lowered, for the pass to report; always fails.
  llvm::LogicalResult refuse(const llvm::Twine &why) const;

  mlir::Value empty(llvm::ArrayRef<int64_t> shape, mlir::Type element);
  Tensor fill(llvm::ArrayRef<int64_t> shape, mlir::Type element, double value);
  /// A constant of the type of its value.
  Tensor constant(mlir::ElementsAttr value);

  /// Computes each element of `shape` from those of the operands, which broadcast.
  Tensor map(llvm::ArrayRef<int64_t> shape, mlir::Type element,
             llvm::ArrayRef<Tensor> operands, Body body);
  /// The same with an own indexing map for each operand.
  Tensor map(llvm::ArrayRef<int64_t> shape, mlir::Type element,
             llvm::ArrayRef<Tensor> operands, llvm::ArrayRef<mlir::AffineMap> maps,
             Body body);
  /// Folds the loops of `kinds` that reduce into the elements of `shape`; the last value
  /// that `body` sees is what has been accumulated so far, from `init` on.
  Tensor reduce(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                llvm::ArrayRef<Tensor> operands, llvm::ArrayRef<mlir::AffineMap> maps,
                mlir::AffineMap resultMap, llvm::ArrayRef<IteratorKind> kinds,
                double init, Body body);
  /// Folds the given dimensions of one tensor away.
  Tensor reduce(Tensor x, llvm::ArrayRef<int64_t> dims, mlir::Type element, double init,
                Body body);
  /// Sums products; an operator of the maps' loops. Floats narrower than f32 are
  /// accumulated in f32.
  Tensor contract(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<Tensor> operands,
                  llvm::ArrayRef<mlir::AffineMap> maps, mlir::AffineMap resultMap,
                  llvm::ArrayRef<IteratorKind> kinds);
  Tensor cast(Tensor x, mlir::Type element);

  /// The same elements in the same order.
  Tensor reshape(Tensor x, llvm::ArrayRef<int64_t> shape);
  /// Dimension i of the result is dimension perm[i].
  Tensor transpose(Tensor x, llvm::ArrayRef<int64_t> perm);
  Tensor broadcast(Tensor x, llvm::ArrayRef<int64_t> shape);
  Tensor slice(Tensor x, llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes,
               llvm::ArrayRef<int64_t> strides);
  Tensor insert(Tensor x, Tensor into, llvm::ArrayRef<int64_t> offsets);

  mlir::ConversionPatternRewriter &rw;
  mlir::Location loc;
  mlir::Operation *op;

private:
  Tensor generic(mlir::Value init, mlir::Type element, llvm::ArrayRef<Tensor> operands,
                 llvm::ArrayRef<mlir::AffineMap> maps, mlir::AffineMap resultMap,
                 llvm::ArrayRef<IteratorKind> kinds, bool accumulate, Body body);
};

/// The map that reads an operand of `from` where it broadcasts to `to`.
mlir::AffineMap broadcastMap(mlir::MLIRContext *context, llvm::ArrayRef<int64_t> from,
                             llvm::ArrayRef<int64_t> to);
/// The map of `rank` loops that keeps the given ones.
mlir::AffineMap keepLoops(mlir::MLIRContext *context, int64_t rank,
                          llvm::ArrayRef<int64_t> loops);

/// Softmax (or its logarithm) along `axis`, computed in f32 or wider.
Tensor softmax(Emit &emit, Tensor x, int64_t axis, bool logarithm = false);

/// A lowering is a function; the pattern around it does what is common.
template <typename OpT>
using LoweringFn = Results (*)(OpT, Emit &);

class Lowerings {
public:
  Lowerings(mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns)
      : converter(converter), patterns(patterns) {}
  template <typename OpT>
  void add(LoweringFn<OpT> fn);

private:
  mlir::TypeConverter &converter;
  mlir::RewritePatternSet &patterns;
};

void addElementwiseLowerings(Lowerings &lowerings);
void addContractionLowerings(Lowerings &lowerings);
void addShapeLowerings(Lowerings &lowerings);
void addIndexingLowerings(Lowerings &lowerings);
void addReductionLowerings(Lowerings &lowerings);
void addSelectionLowerings(Lowerings &lowerings);
void addNormalizationLowerings(Lowerings &lowerings);
void addQuantizationLowerings(Lowerings &lowerings);

namespace detail {
/// Are all tensors of the op static? (A lowering sees no others.)
bool hasStaticTypes(mlir::Operation *op);

template <typename OpT>
struct FnLowering : mlir::OpConversionPattern<OpT> {
  FnLowering(mlir::TypeConverter &converter, mlir::MLIRContext *context,
             LoweringFn<OpT> fn)
      : mlir::OpConversionPattern<OpT>(converter, context), fn(fn) {}
  llvm::LogicalResult
  matchAndRewrite(OpT op, typename OpT::Adaptor,
                  mlir::ConversionPatternRewriter &rw) const override {
    if (!hasStaticTypes(op))
      return llvm::failure();
    Emit emit(rw, op);
    Results results = fn(op, emit);
    if (failed(results))
      return llvm::failure();
    rw.replaceOp(op, *results);
    return llvm::success();
  }
  LoweringFn<OpT> fn;
};
} // namespace detail

template <typename OpT>
void Lowerings::add(LoweringFn<OpT> fn) {
  patterns.add<detail::FnLowering<OpT>>(converter, patterns.getContext(), fn);
}

} // namespace weir::onnx

#endif // WEIR_LIB_CONVERSION_ONNXTOLINALG_EMIT_H
