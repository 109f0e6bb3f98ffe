//===- Attention.h - What lowering an updated attention works with --------===//

#ifndef WEIR_LIB_CONVERSION_WEIRTOLINALG_RETROACTIVE_ATTENTION_H
#define WEIR_LIB_CONVERSION_WEIRTOLINALG_RETROACTIVE_ATTENTION_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/PatternMatch.h"
#include "weir/Dialect/Weir/Weir.h"

namespace weir::retroactive {

/// Scalar arithmetic of one float type, for bodies.
struct Floats {
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type type;

  mlir::Value constant(double value);
  mlir::Value integer(int64_t value);
  mlir::Value lowest();
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value abs(mlir::Value x);
  mlir::Value is(mlir::arith::CmpFPredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value isMasked(mlir::Value x);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value either(mlir::Value x, mlir::Value y);
  mlir::Value negate(mlir::Value x);
  /// e^(x - y), and 0 where x is masked; y is masked only where all scores are.
  mlir::Value weight(mlir::Value x, mlir::Value y);
};

/// The op, and builders on its types. `states` are those of the moment.
class Attention {
public:
  using Part = RetroactiveAttentionOp;
  using Body =
      llvm::function_ref<llvm::SmallVector<mlir::Value>(Floats &, mlir::ValueRange)>;
  using IteratorType = mlir::utils::IteratorType;

  Attention(RetroactiveAttentionOp op, mlir::RewriterBase &rw)
      : op(op), rw(rw), loc(op.getLoc()), states(op.getStates()),
        rowsType(mlir::cast<mlir::RankedTensorType>(states[Part::Reference].getType())),
        weightedType(
            mlir::cast<mlir::RankedTensorType>(states[Part::Weighted].getType())),
        queries(op.getQueries().toAxis()), keys(op.getKeys().toAxis()) {}

  bool has(RetroactiveForm form) { return op.getForm() == form; }
  /// Half a unit in the last place of 1.
  double unit() { return rowsType.getElementType().isF32() ? 0x1p-24 : 0x1p-53; }
  /// Dimensions of [.., queries].
  unsigned rank() { return rowsType.getRank(); }

  mlir::Value index(int64_t value);
  mlir::Value integer(int64_t value);
  mlir::Value empty(mlir::RankedTensorType type);
  mlir::Value fill(mlir::RankedTensorType type, double value);

  /// The map of `loops` loops that keeps the first `count`.
  mlir::AffineMap leading(unsigned loops, unsigned count);
  /// Reads `value`, which broadcasts from the right to the first dimensions of the loops.
  mlir::AffineMap broadcast(mlir::Value value, unsigned loops,
                            llvm::ArrayRef<int64_t> shape);
  llvm::SmallVector<mlir::Value> generic(llvm::ArrayRef<mlir::Value> ins,
                                         llvm::ArrayRef<mlir::AffineMap> inMaps,
                                         llvm::ArrayRef<mlir::Value> outs,
                                         llvm::ArrayRef<mlir::AffineMap> outMaps,
                                         llvm::ArrayRef<IteratorType> kinds, Body body);
  /// One entry of dimension `dim`, with or without that dimension.
  mlir::Value slice(mlir::Value value, int64_t dim, mlir::OpFoldResult at, bool drop);
  mlir::Value insert(mlir::Value row, mlir::Value into, int64_t dim, mlir::Value at);

  /// Slots that the tokens of an axis have moved on by.
  mlir::Value shiftOf(const TokenAxis &axis);
  /// Is the query in `slot` new in this step, or no token?
  mlir::Value isNew(mlir::OpBuilder &b, mlir::Value slot, mlir::Value shift);

  RetroactiveAttentionOp op;
  mlir::RewriterBase &rw;
  mlir::Location loc;
  llvm::SmallVector<mlir::Value> states;
  mlir::RankedTensorType rowsType, weightedType;
  TokenAxis queries, keys;
};

/// One key leaves and one enters: new states of all rows.
void updateColumn(Attention &attention, int64_t column);

/// The states of the query in `slot`, from all keys; null for the count.
llvm::SmallVector<mlir::Value> buildRow(Attention &attention, mlir::Value slot);

} // namespace weir::retroactive

#endif // WEIR_LIB_CONVERSION_WEIRTOLINALG_RETROACTIVE_ATTENTION_H
