//===- WeirClusters.cpp - Tokens in clusters ------------------------------===//

#include "mlir/Dialect/Traits.h"
#include "mlir/IR/Builders.h"
#include "weir/Dialect/Weir/Weir.h"

using namespace mlir;
using namespace weir;

/// Does `type` hold floats and have `numInner` dimensions behind the leading ones?
static bool holdsFloats(RankedTensorType type, int64_t numInner) {
  return isa<FloatType>(type.getElementType()) && type.getRank() >= numInner;
}

static bool holdsIndices(RankedTensorType type) {
  return type.getElementType().isInteger(64) && type.getRank() >= 2;
}

static InFlightDiagnostic refuseIndices(Operation *op, RankedTensorType indices) {
  return op->emitOpError("takes indices [.., clusters, size] of i64, not ") << indices;
}

namespace {
/// The type of an operand, of which the last `numInner` dimensions do not broadcast.
struct Operand {
  RankedTensorType type;
  int64_t numInner;
  ArrayRef<int64_t> lead() const { return type.getShape().drop_back(numInner); }
};
} // namespace

/// Does `result` have the leading dimensions of its operands, broadcast, then `inner`?
static LogicalResult verifyResult(Operation *op, RankedTensorType result,
                                  ArrayRef<Operand> operands, ArrayRef<int64_t> inner,
                                  Type element) {
  SmallVector<int64_t> shape(operands.front().lead());
  for (const Operand &operand : operands.drop_front()) {
    SmallVector<int64_t> both;
    if (!OpTrait::util::getBroadcastedShape(shape, operand.lead(), both))
      return op->emitOpError("has leading dimensions that do not broadcast in ")
             << operands.front().type << " and " << operand.type;
    shape = std::move(both);
  }
  llvm::append_range(shape, inner);
  auto expected = RankedTensorType::get(shape, element);
  if (result != expected)
    return op->emitOpError("gives ") << result << ", expected " << expected;
  return success();
}

LogicalResult ClusterAffinityOp::verify() {
  RankedTensorType queries = getQueries().getType(), keys = getKeys().getType();
  RankedTensorType phi = getPhi().getType();
  if (!holdsFloats(queries, 2) || !holdsFloats(keys, 2) ||
      queries.getElementType() != keys.getElementType() ||
      queries.getShape().take_back(2) != keys.getShape().take_back(2))
    return emitOpError("takes similarities [.., tokens, clusters] in floats, not ") // C1
           << queries << " and " << keys;
  ArrayRef<int64_t> inner = queries.getShape().take_back(2);
  if (phi.getElementType() != queries.getElementType() || phi.getRank() < 2 ||
      phi.getShape().back() != 1 ||
      (phi.getShape().end()[-2] != inner[0] && phi.getShape().end()[-2] != 1))
    return emitOpError("takes phi [.., ") // C2
           << inner[0] << ", 1] of " << queries.getElementType() << ", not " << phi;
  return verifyResult(*this, getAffinity().getType(), {{queries, 2}, {keys, 2}, {phi, 2}},
                      inner,
                      queries.getElementType()); // C3
}

LogicalResult ChooseClustersOp::verify() {
  RankedTensorType affinity = getAffinity().getType();
  if (!holdsFloats(affinity, 2))
    return emitOpError("takes affinities [.., tokens, clusters] in floats, not ") // C1
           << affinity;
  int64_t tokens = affinity.getShape().end()[-2], size = getSize();
  if (size < 1 || size > tokens)
    return emitOpError("chooses clusters of ") // C2
           << size << " among " << tokens << " tokens";
  return verifyResult(*this, getIndices().getType(), {{affinity, 2}},
                      {affinity.getShape().back(), size},
                      IntegerType::get(getContext(), 64)); // C3
}

LogicalResult GatherTokensOp::verify() {
  RankedTensorType tokens = getTokens().getType(), indices = getIndices().getType();
  if (!holdsFloats(tokens, 2))
    return emitOpError("takes [.., tokens, features] in floats, not ") << tokens; // C1
  if (!holdsIndices(indices))
    return refuseIndices(*this, indices); // C2
  ArrayRef<int64_t> places = indices.getShape().take_back(2);
  return verifyResult(*this, getRows().getType(), {{tokens, 2}, {indices, 2}},
                      {places[0], places[1], tokens.getShape().back()},
                      tokens.getElementType()); // C3
}

LogicalResult ScatterAddTokensOp::verify() {
  RankedTensorType rows = getRows().getType(), indices = getIndices().getType();
  if (!holdsFloats(rows, 3))
    return emitOpError("takes [.., clusters, size, features] in floats, not ") // C1
           << rows;
  if (!holdsIndices(indices) ||
      indices.getShape().take_back(2) != rows.getShape().take_back(3).drop_back())
    return refuseIndices(*this, indices) << " for rows of " << rows; // C2
  int64_t tokens = getTokens();
  if (tokens < 1)
    return emitOpError("has ") << tokens << " tokens"; // C3
  return verifyResult(*this, getSums().getType(), {{rows, 3}, {indices, 2}},
                      {tokens, rows.getShape().back()}, rows.getElementType()); // C3
}

LogicalResult ClusterMembersOp::verify() {
  RankedTensorType indices = getIndices().getType(), members = getMembers().getType();
  if (!holdsIndices(indices))
    return refuseIndices(*this, indices); // C1
  int64_t tokens = getTokens();
  if (tokens < 1)
    return emitOpError("has ") << tokens << " tokens"; // C2
  if (!holdsFloats(members, 2))
    return emitOpError("gives ") << members << ", which holds no floats"; // C2
  return verifyResult(*this, members, {{indices, 2}},
                      {tokens, indices.getShape().end()[-2]},
                      members.getElementType()); // C2
}

/// Which tokens meet in a cluster depends on all of them.
static FlowTransfer mixTokens() {
  return FlowTransfer::whole("chooses clusters among all tokens");
}

/// Tokens stay apart: each axis but that of the clusters passes, aligned from the last.
FlowTransfer ClusterAffinityOp::transferTokenFlow(ArrayRef<TokenFlow> operands) {
  FlowTransfer transfer;
  int64_t rank = getAffinity().getType().getRank();
  for (auto [value, flow] : llvm::zip_equal(getOperands(), operands)) {
    auto &uses = transfer.uses.emplace_back();
    int64_t added = rank - cast<RankedTensorType>(value.getType()).getRank();
    for (TokenAxis axis : flow.axes) {
      TokenAxis read = axis;
      axis.dim += added;
      if (axis.dim == rank - 1)
        return FlowTransfer::whole("rates tokens that stand for clusters");
      if (!llvm::is_contained(transfer.axes, axis)) {
        if (llvm::any_of(transfer.axes,
                         [&](const TokenAxis &other) { return other.dim == axis.dim; }))
          return FlowTransfer::whole("reads different tokens of queries and keys");
        transfer.insertAxis(axis);
      }
      uses.push_back({read, RowMap::same(0)});
    }
  }
  for (auto [value, uses] : llvm::zip_equal(getOperands(), transfer.uses))
    for (AxisUse &use : uses) {
      TokenAxis axis = use.axis;
      axis.dim += rank - cast<RankedTensorType>(value.getType()).getRank();
      use.map = RowMap::same(llvm::find(transfer.axes, axis) - transfer.axes.begin());
    }
  return transfer;
}
FlowTransfer ChooseClustersOp::transferTokenFlow(ArrayRef<TokenFlow>) {
  return mixTokens();
}
FlowTransfer GatherTokensOp::transferTokenFlow(ArrayRef<TokenFlow>) {
  return mixTokens();
}
FlowTransfer ScatterAddTokensOp::transferTokenFlow(ArrayRef<TokenFlow>) {
  return mixTokens();
}
FlowTransfer ClusterMembersOp::transferTokenFlow(ArrayRef<TokenFlow>) {
  return mixTokens();
}
