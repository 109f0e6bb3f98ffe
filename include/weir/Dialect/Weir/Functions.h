//===- Functions.h - Operators of domain `weir` in ONNX files -------------===//
// Each is one op of the dialect, said in ONNX's manner; a file may bring a body of
// standard operators for other runtimes, which is not looked at.
//
//   weir.Dct(x) {axis = 1, keep = 16}  ==>  weir.dct %x {dim = 1} : .. ->
//   tensor<1x16x8xf32>

#ifndef WEIR_DIALECT_WEIR_FUNCTIONS_H
#define WEIR_DIALECT_WEIR_FUNCTIONS_H

#include "mlir/IR/Builders.h"

namespace weir {

/// True for the operators that ops of the dialect mean.
bool isWeirFunction(llvm::StringRef domain, llvm::StringRef name);

/// The element type of the result of such an operator.
mlir::Type elementOfWeirFunction(llvm::StringRef name, mlir::ValueRange operands);

/// The op that an operator on operands of static shape is. Fails, with an error, where
/// operands or attributes are not what it takes.
llvm::FailureOr<mlir::Value> createWeirFunction(mlir::OpBuilder &builder,
                                                mlir::Location location,
                                                llvm::StringRef name,
                                                mlir::ValueRange operands,
                                                mlir::DictionaryAttr attributes);

} // namespace weir

#endif // WEIR_DIALECT_WEIR_FUNCTIONS_H
