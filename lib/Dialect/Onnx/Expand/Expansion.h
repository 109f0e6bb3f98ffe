//===- Expansion.h - What all operators that are spelled out share --------===//
// An operator is a row of a table and a function. The function sees operands of static
// shape, checks what it reads of them, and makes the results; null stands for an optional
// one that nobody reads. What the ops that it makes check themselves needs no check of
// its own.

#ifndef WEIR_LIB_DIALECT_ONNX_EXPAND_EXPANSION_H
#define WEIR_LIB_DIALECT_ONNX_EXPAND_EXPANSION_H

#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"
#include "llvm/Support/FormatVariadic.h"
#include <array>

namespace weir::onnx {

/// A constant that an expansion makes of a size in the file has at most that many
/// elements, a mask of 2048 x 2048: folds take it for one that the file brought.
constexpr int64_t maxMadeElements = int64_t(1) << 22;

/// One op while it is spelled out.
class Expansion : public OnnxBuilder {
public:
  Expansion(mlir::OpBuilder &builder, mlir::Operation *op)
      : OnnxBuilder(builder, op->getLoc()), op(op) {}

  bool has(unsigned operand) const {
    return operand < op->getNumOperands() && !isNone(op->getOperand(operand));
  }
  /// An operand; `none` where it is absent.
  mlir::Value operator[](unsigned operand) {
    return has(operand) ? op->getOperand(operand) : none();
  }
  llvm::ArrayRef<int64_t> shape(unsigned operand) const {
    return *getStaticShape(op->getOperand(operand));
  }
  mlir::Type element(unsigned operand = 0) const {
    return getElementType(op->getOperand(operand));
  }
  /// The numbers of a constant operand.
  std::optional<HostTensor> constantOf(unsigned operand) const;
  bool isRead(unsigned result) const {
    return result < op->getNumResults() && !op->getResult(result).use_empty();
  }

  bool hasAttr(llvm::StringRef name) const { return op->hasAttr(name); }
  /// Attributes, `otherwise` where they are absent. One of another kind is an error that
  /// `expand` reports.
  int64_t getInt(llvm::StringRef name, int64_t otherwise);
  double getFloat(llvm::StringRef name, double otherwise);
  llvm::StringRef getString(llvm::StringRef name, llvm::StringRef otherwise);
  std::optional<Shape> getIntArray(llvm::StringRef name);
  std::optional<llvm::SmallVector<double>> getFloatArray(llvm::StringRef name);
  mlir::Attribute getAttr(llvm::StringRef name) const { return op->getAttr(name); }
  llvm::StringRef badAttribute() const { return bad; }

  /// Reports why the op cannot be spelled out; always fails.
  template <typename... Ts>
  llvm::LogicalResult refuse(const char *format, Ts &&...values) const {
    return emitNodeError(op) << llvm::formatv(format, std::forward<Ts>(values)...).str();
  }
  template <typename... Ts>
  llvm::LogicalResult refuseWithHelp(llvm::StringRef help, const char *format,
                                     Ts &&...values) const {
    mlir::InFlightDiagnostic error =
        emitNodeError(op) << llvm::formatv(format, std::forward<Ts>(values)...).str();
    attachHelp(error, help);
    return error;
  }
  /// Fails unless the operand has this rank.
  llvm::LogicalResult wantRank(unsigned operand, llvm::StringRef name, size_t rank) const;

  /// A tensor of these numbers, floats or integers as `element` is.
  mlir::Value numbers(llvm::ArrayRef<double> values, llvm::ArrayRef<int64_t> shape,
                      mlir::Type element);
  /// 0, 1, ... of `element` along dimension `dim` of `rank`, sizes of 1 elsewhere.
  mlir::Value positions(int64_t size, int64_t dim, int64_t rank, mlir::Type element);
  mlir::Type numberType() const { return mlir::Float32Type::get(op->getContext()); }
  mlir::Value zero(mlir::Type element) { return scalar(0, element); }
  /// Reductions that keep their dimensions, or not.
  template <typename Op>
  mlir::Value reduce(mlir::Value x, llvm::ArrayRef<int64_t> axes, bool keep = true) {
    return make<Op>(x, ints(axes), int64_t(keep), int64_t(0));
  }
  /// `scale` and `bias` may be `none`.
  mlir::Value layerNorm(mlir::Value x, mlir::Value scale, mlir::Value bias,
                        double epsilon);
  mlir::Value rmsNorm(mlir::Value x, mlir::Value scale, double epsilon,
                      int64_t axis = -1);

private:
  template <typename AttrT>
  AttrT getAttrOf(llvm::StringRef name);
  template <typename AttrT>
  mlir::ArrayAttr getArrayOf(llvm::StringRef name);

  mlir::Operation *op;
  std::string bad;
};

using Results = llvm::FailureOr<llvm::SmallVector<mlir::Value>>;

/// Elements that count, where others are like those of an operand.
inline constexpr int anIndex = -1;
/// Elements that measure.
inline constexpr int aNumber = -2;

/// An operator that is spelled out.
struct ExpandedOperator {
  llvm::StringRef domain, name;
  unsigned leastOperands, mostOperands, mostResults;
  Results (*expand)(Expansion &);
  /// The operands whose element types the results have.
  std::array<int, 4> like = {0, 0, 0, 0};
};

llvm::ArrayRef<ExpandedOperator> expandedActivations();
llvm::ArrayRef<ExpandedOperator> expandedNorms();
llvm::ArrayRef<ExpandedOperator> expandedProducts();
llvm::ArrayRef<ExpandedOperator> expandedAttentions();
llvm::ArrayRef<ExpandedOperator> expandedEmbeddings();
llvm::ArrayRef<ExpandedOperator> expandedMoves();
llvm::ArrayRef<ExpandedOperator> expandedResizes();
llvm::ArrayRef<ExpandedOperator> expandedSignals();

inline constexpr llvm::StringLiteral microsoft = "com.microsoft";

/// One result.
inline Results one(mlir::Value value) { return llvm::SmallVector<mlir::Value>{value}; }

} // namespace weir::onnx

#endif // WEIR_LIB_DIALECT_ONNX_EXPAND_EXPANSION_H
