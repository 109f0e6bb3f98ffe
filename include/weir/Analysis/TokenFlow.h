//===- TokenFlow.h - Which values slide, and why the others do not --------===//
// A forward pass over a function: the token axes of its inputs run through every op by
// the op's own transfer function. Where a user sees an axis that a value does not carry
// (indices or a mask had it all along), the ops before it are asked to adopt the axis,
// and the pass runs again. Names no dialect and changes no IR.

#ifndef WEIR_ANALYSIS_TOKENFLOW_H
#define WEIR_ANALYSIS_TOKENFLOW_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Interfaces/TokenFlowOpInterface.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>

namespace weir {

/// A constant that varies along the tokens of the value that it is added to.
struct PositionTable {
  mlir::OpOperand *use;
  TokenAxis axis; ///< as it stands in the table
};

class LinearForms;

class TokenFlowAnalysis {
public:
  struct Options {
    /// Position tables follow their tokens (row = stream time mod tokens) and so slide.
    bool recyclePositions = false;
    /// Nothing slides that does so up to rounding only.
    bool isExact = false;
    /// Values are those on the whole stream so far, not on its last window: rows of which
    /// a band has lost some tokens stay what they were, and left margins are 0.
    bool keepsPast = false;
  };
  /// `argumentAxes` has one entry an argument of `function`; none for a still one.
  TokenFlowAnalysis(mlir::func::FuncOp function,
                    llvm::ArrayRef<std::optional<TokenAxis>> argumentAxes,
                    Options options);
  ~TokenFlowAnalysis();

  const TokenFlow &getFlow(mlir::Value value) const;
  /// Null for ops that nothing streams through.
  const FlowTransfer *getTransfer(mlir::Operation *op) const;
  llvm::ArrayRef<PositionTable> getPositionTables() const { return tables; }
  bool isRecycled(mlir::OpOperand &use) const {
    return options.recyclePositions && isPositionTable(use);
  }
  /// Softmaxes over a token axis and attentions in one op, which tell a right choice of
  /// input axes from a wrong one: values with two axes exist only where queries met keys.
  unsigned countTokenSoftmaxes() const { return numTokenSoftmaxes; }
  /// Uses that see a token axis which the value itself does not carry: a wrong axis of a
  /// second input makes some.
  unsigned countMisaligned() const { return numMisaligned; }
  unsigned countSliding() const;

private:
  void run(mlir::func::FuncOp function,
           llvm::ArrayRef<std::optional<TokenAxis>> argumentAxes);
  void want(mlir::Value value, const TokenAxis &axis);
  bool spreadWants();
  void visit(mlir::Operation *op);
  llvm::SmallVector<AxisWant> adoptAxis(mlir::Operation *op, const TokenAxis &axis,
                                        FlowTransfer &transfer);
  bool joinOperands(mlir::Operation *op, const FlowTransfer &transfer, TokenFlow &flow);
  void join(mlir::Operation *op, const FlowTransfer &transfer, TokenFlow &flow);
  bool joinOperand(mlir::OpOperand &operand, llvm::ArrayRef<AxisUse> uses,
                   const FlowTransfer &transfer, TokenFlow &flow);
  bool joinConstant(mlir::OpOperand &operand, llvm::ArrayRef<AxisUse> uses,
                    const FlowTransfer &transfer, TokenFlow &flow);
  bool isPositionTable(mlir::OpOperand &use) const;

  Options options;
  /// That of the first streamed argument.
  std::optional<TokenAxis> streamed;
  llvm::DenseMap<mlir::Value, TokenFlow> flows;
  llvm::DenseMap<mlir::Operation *, FlowTransfer> transfers;
  llvm::SmallVector<PositionTable> tables;
  /// Axes that users see in a value and that it does not carry by itself.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<TokenAxis, 1>> wants;
  llvm::SmallVector<std::pair<mlir::Value, TokenAxis>> newWants;
  std::unique_ptr<LinearForms> forms;
  unsigned numTokenSoftmaxes = 0;
  unsigned numMisaligned = 0;
};

/// Is C[rows] == C[rows moved by the chunk], bit for bit, along all `axes` at once? A
/// tolerance would let a small position table through.
bool slidesBitwise(mlir::ElementsAttr constant, llvm::ArrayRef<TokenAxis> axes);

/// Do all tokens of the constant hold the same bits along `axis`?
bool isUniform(mlir::ElementsAttr constant, const TokenAxis &axis);

/// The constant restricted to `positions` of the rows of `axis`.
mlir::ElementsAttr selectRows(mlir::ElementsAttr constant, const TokenAxis &axis,
                              llvm::ArrayRef<int64_t> positions);

} // namespace weir

#endif // WEIR_ANALYSIS_TOKENFLOW_H
