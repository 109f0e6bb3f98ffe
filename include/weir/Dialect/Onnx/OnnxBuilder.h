//===- OnnxBuilder.h - Make chains of onnx ops at one place ---------------===//
// Folds as it goes: transposing a constant weight makes a constant. Result types are
// inferred from operands of static shape. Where they do not fit the op reports an error,
// `hasFailed()` from then on, and that value and all that is made of it are null:
//
//   Value y = make.add(make.matMul(x, w), b); // x: 4x8, w: 7x3
//   if (make.hasFailed())                     // "contracts 8 elements of A with 7 of B"
//     return failure();

#ifndef WEIR_DIALECT_ONNX_ONNXBUILDER_H
#define WEIR_DIALECT_ONNX_ONNXBUILDER_H

#include "mlir/IR/Builders.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"

namespace weir::onnx {

class OnnxBuilder {
public:
  OnnxBuilder(mlir::OpBuilder &builder, mlir::Location location)
      : builder(builder), location(location) {}

  /// The absent optional operand.
  mlir::Value none();
  /// Integers as a tensor of rank 1, as shapes and axes are.
  mlir::Value ints(llvm::ArrayRef<int64_t> values);
  /// A tensor of rank 0.
  mlir::Value scalar(double value, mlir::Type element);
  mlir::Value constant(mlir::ElementsAttr value);

  /// `value` itself where it has the shape already.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// `value` itself for the identity.
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> perm);
  /// Swaps the last two dimensions.
  mlir::Value transposeMatrix(mlir::Value value);
  /// Positions [start, end) of one dimension; `value` itself for all of them.
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t start, int64_t end);
  mlir::Value cast(mlir::Value value, mlir::Type element);

  /// An op of these operands, with default attributes: its result.
  template <typename Op, typename... Args>
  mlir::Value make(Args &&...args) {
    return makeAll<Op>(1, std::forward<Args>(args)...).front();
  }
  /// All results of an op that has `numResults`; null for those that are optional.
  template <typename Op, typename... Args>
  llvm::SmallVector<mlir::Value> makeAll(unsigned numResults, Args &&...args) {
    if ((isNull(args) || ...))
      return llvm::SmallVector<mlir::Value>(numResults);
    mlir::OperationState state(location, Op::getOperationName());
    // Placeholders: inference needs the properties that `build` makes.
    llvm::SmallVector<mlir::Type> types(numResults, builder.getNoneType());
    Op::build(builder, state, mlir::TypeRange(types), std::forward<Args>(args)...);
    return insert(state);
  }
  mlir::Value matMul(mlir::Value a, mlir::Value b) { return make<MatMulOp>(a, b); }
  mlir::Value add(mlir::Value a, mlir::Value b) { return make<AddOp>(a, b); }
  mlir::Value sub(mlir::Value a, mlir::Value b) { return make<SubOp>(a, b); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return make<MulOp>(a, b); }
  mlir::Value div(mlir::Value a, mlir::Value b) { return make<DivOp>(a, b); }

  bool hasFailed() const { return isBroken; }

private:
  template <typename T>
  static bool isNull(const T &argument) {
    if constexpr (std::is_convertible_v<T, mlir::Value>)
      return !mlir::Value(argument);
    else if constexpr (std::is_convertible_v<T, mlir::ValueRange>)
      return llvm::is_contained(mlir::ValueRange(argument), mlir::Value());
    else
      return false;
  }
  llvm::SmallVector<mlir::Value> insert(const mlir::OperationState &state);

  mlir::OpBuilder &builder;
  mlir::Location location;
  bool isBroken = false;
};

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_ONNXBUILDER_H
