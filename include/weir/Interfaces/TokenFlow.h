//===- TokenFlow.h - Facts about values and how ops carry them ------------===//
// The types that TokenFlowOpInterface speaks: the facts of one value, the way a result's
// rows depend on an operand's rows, and the request to build an op on some rows.

#ifndef WEIR_INTERFACES_TOKENFLOW_H
#define WEIR_INTERFACES_TOKENFLOW_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "weir/Interfaces/Enums.h"
#include "weir/Interfaces/TokenAxis.h"
#include <optional>

namespace weir {

/// What is known of one value.
///
/// Two independent facts: a value is *still* when no step changes it, and it *slides*
/// when a step only moves its tokens. A weight is both, a token stream slides but is
/// not still, a table tied to window slots is still but does not slide, and the result
/// of attention over the whole window is neither (it is *full*).
struct TokenFlow {
  /// No stream input reaches it.
  bool isStill = false;
  /// Sorted by dimension; at most two (query x key).
  llvm::SmallVector<TokenAxis, 2> axes;
  /// One pair an axis where the value slides; empty where it does not.
  llvm::SmallVector<Margins, 2> margins;
  /// It slides up to the rounding of a rotary table, not bit for bit.
  bool isRounded = false;
  /// Of a query x key value: keys outside it cannot win any weight.
  std::optional<Band> band;
  /// Why it does not slide, inherited from the first operand that did not.
  std::string reason;
  /// The operation that broke sliding.
  mlir::Operation *culprit = nullptr;

  bool slides() const { return !axes.empty() && margins.size() == axes.size(); }
  /// Index of the axis in dimension `dim`, or none.
  std::optional<unsigned> axisInDim(int64_t dim) const;
  /// Index of the axis that a use reads as `axis`: itself, or refined.
  std::optional<unsigned> axisReadAs(const TokenAxis &axis) const;
  std::string str() const;
};

/// How the rows of one operand axis depend on the rows of the result.
class RowMap {
public:
  enum class Kind {
    Same,      ///< result row j reads operand row j of a result axis
    Offset,    ///< result row j reads operand row j + offset
    Group,     ///< result row j reads operand rows [j * factor, (j + 1) * factor)
    Window,    ///< result row j reads rows j * stride - padBefore + k * dilation
    All,       ///< every result row reads all operand rows, in any order
    Normalize, ///< as Same, but each result row also depends on all rows of its axis
    Pick       ///< the result reads a fixed list of rows and has no such axis
  };
  struct WindowShape {
    int64_t stride = 1, padBefore = 0, kernel = 1, dilation = 1;
    int64_t firstRow(int64_t resultRow) const { return resultRow * stride - padBefore; }
    int64_t lastRow(int64_t resultRow) const {
      return firstRow(resultRow) + (kernel - 1) * dilation;
    }
  };
  /// A band that limits All and Normalize, against the rows of result axis `query`.
  struct QueryBand {
    unsigned query;
    Band band;
  };

  static RowMap same(unsigned resultAxis) { return RowMap(Kind::Same, resultAxis); }
  static RowMap offset(unsigned resultAxis, int64_t offset);
  static RowMap group(unsigned resultAxis, int64_t factor);
  static RowMap window(unsigned resultAxis, WindowShape shape);
  static RowMap all(std::optional<QueryBand> band = std::nullopt);
  static RowMap normalize(unsigned resultAxis,
                          std::optional<QueryBand> band = std::nullopt);
  static RowMap pick(llvm::ArrayRef<int64_t> rows);

  Kind getKind() const { return kind; }
  /// For all kinds but All and Pick.
  unsigned getResultAxis() const { return resultAxis; }
  int64_t getAmount() const { return amount; }
  const WindowShape &getWindow() const { return windowShape; }
  const std::optional<QueryBand> &getBand() const { return queryBand; }

  /// The operand rows that the given rows of the result need; `axis` is the operand's.
  Rows operandRows(const TokenAxis &axis, llvm::ArrayRef<TokenAxis> resultAxes,
                   llvm::ArrayRef<Rows> resultRegion) const;
  /// The result's margins, along the axis that this map constrains, of an operand that
  /// slides with `margins` along `axis`; none when the result does not slide.
  std::optional<Margins> carry(const TokenAxis &axis, Margins margins,
                               llvm::ArrayRef<TokenAxis> resultAxes) const;
  /// Result axis whose margins `carry` speaks of.
  std::optional<unsigned> constrainedAxis() const;
  /// The same map once the result has one more axis, which is number `added`.
  RowMap withAxisAdded(unsigned added) const;

private:
  explicit RowMap(Kind kind, unsigned resultAxis = 0)
      : kind(kind), resultAxis(resultAxis) {}
  Rows windowRows(const TokenAxis &axis, llvm::ArrayRef<int64_t> rows) const;
  Rows bandRows(const TokenAxis &axis, llvm::ArrayRef<TokenAxis> resultAxes,
                llvm::ArrayRef<Rows> resultRegion) const;
  std::optional<Margins> carryWindow(const TokenAxis &axis, Margins margins,
                                     const TokenAxis &result) const;

  Kind kind;
  unsigned resultAxis;
  int64_t amount = 0;
  llvm::SmallVector<int64_t, 2> picked;
  WindowShape windowShape;
  std::optional<QueryBand> queryBand;
};

/// One token axis as an operand carries it, and how the result reads it.
struct AxisUse {
  TokenAxis axis;
  RowMap map;
};

/// How the result of an op is linear in its operands, without a constant term. What adds
/// or multiplies does so entry by entry, broadcasting from the last dimension.
enum class Linearity {
  None,       ///< it is not, or nobody has said
  Moves,      ///< every entry of the result is one of an operand
  Adds,       ///< the sum of the operands
  Subtracts,  ///< operand 0 less operand 1
  Negates,    ///< less operand 0
  Multiplies, ///< operand 0 times operand 1
  Divides     ///< operand 0 by operand 1
};

/// What an op makes of its operands' token axes.
struct FlowTransfer {
  /// Axes of the first result, sorted by dimension.
  llvm::SmallVector<TokenAxis, 2> axes;
  /// For each operand, the axes that it carries *at this use*; a constant has none of
  /// its own and gets those of the values it meets.
  llvm::SmallVector<llvm::SmallVector<AxisUse, 2>, 4> uses;
  std::optional<Band> band;
  Linearity linearity = Linearity::None;
  /// Moves data only: never worth a ring of its own.
  bool isView = false;
  /// Adds its operands: a constant that varies along the tokens is a position table.
  bool isAdditive = false;
  /// Needs all operands whole, in window order: recomputed from rings each step.
  bool isWhole = false;
  /// All results have the axes of the first, and their rows come from the same rows.
  bool sharesAxes = false;
  /// Weights of operand 0 along the axis that its map normalizes: w = e^s / sum e^s.
  bool isSoftmax = false;
  /// y[.., i, d] = sum over j of a[.., i, j] b[.., j, d], other dimensions broadcasting.
  bool isMatrixProduct = false;
  /// Queries, tokens of the result, meet keys inside of the op.
  bool meetsKeys = false;
  /// What tokens that have not come must read as where result rows read other tokens than
  /// their own.
  AbsentToken absent = AbsentToken::Unknown;
  /// Why `isWhole`, or why the result does not slide.
  std::string reason;

  /// Gives the result one more axis, in a dimension that has none; returns its number.
  unsigned insertAxis(const TokenAxis &axis);

  static FlowTransfer whole(std::string reason) {
    FlowTransfer transfer;
    transfer.isWhole = true;
    transfer.reason = std::move(reason);
    return transfer;
  }
};

/// An axis that an operand should carry, since a user of the result sees it there.
struct AxisWant {
  unsigned operand;
  TokenAxis axis; ///< as it would stand in the operand
};

/// A request to build an op so that it computes only some rows of its result.
struct RowsRequest {
  /// Already restricted to the rows that the transfer function asked for; null where it
  /// asked for none.
  llvm::ArrayRef<mlir::Value> operands;
  /// The result's type, restricted to `region`.
  mlir::RankedTensorType resultType;
  llvm::ArrayRef<TokenAxis> axes;
  llvm::ArrayRef<Rows> region;
  const FlowTransfer &transfer;
};

/// Clones `op` with the operands of the request and its result type.
mlir::FailureOr<mlir::Value> cloneOnRows(mlir::Operation *op, mlir::OpBuilder &builder,
                                         const RowsRequest &request);

/// The name of the model's node that became `op`: its location's name, else the op's.
std::string getNodeName(mlir::Operation *op);

} // namespace weir

#endif // WEIR_INTERFACES_TOKENFLOW_H
