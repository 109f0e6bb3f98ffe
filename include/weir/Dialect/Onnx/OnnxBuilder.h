//===- OnnxBuilder.h - Make chains of onnx ops at one place ---------------===//
// Folds as it goes: transposing a constant weight makes a constant. Result types are
// inferred; operands must have static shapes that fit.

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

  /// An op of these operands, with default attributes, whose one result is inferred.
  template <typename Op, typename... Args>
  mlir::Value make(Args &&...args) {
    return builder.createOrFold<Op>(location, std::forward<Args>(args)...);
  }
  mlir::Value matMul(mlir::Value a, mlir::Value b) { return make<MatMulOp>(a, b); }
  mlir::Value add(mlir::Value a, mlir::Value b) { return make<AddOp>(a, b); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return make<MulOp>(a, b); }

private:
  mlir::OpBuilder &builder;
  mlir::Location location;
};

} // namespace weir::onnx

#endif // WEIR_DIALECT_ONNX_ONNXBUILDER_H
