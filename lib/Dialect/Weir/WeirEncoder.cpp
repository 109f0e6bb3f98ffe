//===- WeirEncoder.cpp - What an encoder computes, in one piece -----------===//

#include "mlir/Dialect/Traits.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;

RankedTensorType AttentionOp::getScoresType() {
  SmallVector<int64_t> shape(typeOf(getResult()).getShape());
  shape.back() = numKeys();
  return typeOf(getResult()).clone(shape);
}

/// The leading dimensions of all operands, broadcast; false where they do not fit.
static bool broadcastLeading(AttentionOp op, SmallVectorImpl<int64_t> &leading) {
  for (Value operand : op->getOperands()) {
    ArrayRef<int64_t> shape = typeOf(operand).getShape();
    SmallVector<int64_t> both;
    if (!OpTrait::util::getBroadcastedShape(
            leading, shape.drop_back(std::min<size_t>(2, shape.size())), both))
      return false;
    leading.assign(both);
  }
  return true;
}

LogicalResult AttentionOp::verify() {
  Type element = typeOf(getQ()).getElementType();
  if (!element.isF32() && !element.isF64())
    return emitOpError("computes ") << element << ", which is neither f32 nor f64"; // C1
  for (Value value : {getQ(), getK(), getV(), getBias(), getResult()}) {
    if (value && typeOf(value).getElementType() != element)
      return emitOpError("mixes ")
             << element << " and " << typeOf(value).getElementType(); // C1
    if (value && value != getBias() && typeOf(value).getRank() < 2)
      return emitOpError("has rows without features: ") << value.getType(); // C1
  }
  int64_t features = typeOf(getK()).getShape().back();
  if (features != numFeatures())
    return emitOpError("has queries of ")
           << numFeatures() << " features and keys of " << features; // C2
  int64_t values = *std::next(typeOf(getV()).getShape().rbegin());
  if (values != numKeys())
    return emitOpError("has ") << numKeys() << " keys and " << values << " values"; // C2
  SmallVector<int64_t> expected;
  if (!broadcastLeading(*this, expected))
    return emitOpError("has operands whose leading dimensions do not broadcast"); // C3
  expected.append({numQueries(), numValueFeatures()});
  if (typeOf(getResult()).getShape() != ArrayRef<int64_t>(expected))
    return emitOpError("gives ") << getResult().getType() << ", expected "
                                 << typeOf(getResult()).clone(expected); // C3
  if (!getBias())
    return success();
  SmallVector<int64_t> both;
  ArrayRef<int64_t> scores = getScoresType().getShape();
  if (!OpTrait::util::getBroadcastedShape(typeOf(getBias()).getShape(), scores, both) ||
      ArrayRef<int64_t>(both) != scores)
    return emitOpError("has a bias of ")
           << getBias().getType() << " for scores of " << getScoresType(); // C4
  return success();
}

namespace {
/// Puts the operands' token axes in terms of the result's dimensions, where the keys
/// have one of their own behind the last.
class AttentionAxes {
public:
  explicit AttentionAxes(AttentionOp op)
      : op(op), rank(typeOf(op.getResult()).getRank()) {}

  /// False where axes do not line up, or features are tokens.
  bool collect(ArrayRef<TokenFlow> operands) {
    for (auto [operand, flow] : llvm::zip_equal(op->getOpOperands(), operands))
      for (const TokenAxis &axis : flow.axes) {
        std::optional<int64_t> dim = resultDim(operand, axis.dim);
        if (!dim || !add(*dim == rank ? keys : axes, axis.inDim(*dim)))
          return false;
      }
    llvm::sort(axes);
    return keys.size() < 2 && axes.size() < 3;
  }

  FlowTransfer transfer() {
    FlowTransfer made;
    made.axes.assign(axes.begin(), axes.end());
    for (OpOperand &operand : op->getOpOperands()) {
      auto &uses = made.uses.emplace_back();
      for (auto [dim, size] : llvm::enumerate(typeOf(operand.get()).getShape())) {
        std::optional<int64_t> at = resultDim(operand, dim);
        if (!at || size == 1)
          continue;
        const auto *axis =
            llvm::find_if(axes, [&](const TokenAxis &axis) { return axis.dim == *at; });
        if (axis != axes.end())
          uses.push_back({axis->inDim(dim), RowMap::same(axis - axes.begin())});
        else if (*at == rank && !keys.empty())
          uses.push_back({keys.front().inDim(dim), RowMap::all()});
      }
    }
    bool hasQueries =
        llvm::any_of(axes, [&](const TokenAxis &axis) { return axis.dim == rank - 2; });
    made.meetsKeys = hasQueries && !keys.empty();
    if (!keys.empty())
      made.reason = "attends to all tokens";
    return made;
  }

private:
  /// Where dimension `dim` of an operand stands in the result; `rank` for keys, none for
  /// features.
  std::optional<int64_t> resultDim(OpOperand &operand, int64_t dim) {
    enum { Queries, Keys, Values, Bias };
    int64_t fromEnd = typeOf(operand.get()).getRank() - dim;
    unsigned number = operand.getOperandNumber();
    if (fromEnd > 2)
      return rank - fromEnd;
    if (fromEnd == 1)
      return number == Bias ? std::optional<int64_t>(rank) : std::nullopt;
    return number == Bias || number == Queries ? rank - 2 : rank;
  }

  static bool add(SmallVectorImpl<TokenAxis> &axes, const TokenAxis &axis) {
    for (TokenAxis &other : axes) {
      if (other.dim != axis.dim)
        continue;
      std::optional<TokenAxis> finer = finerAxis(axis, other);
      other = finer.value_or(other);
      return finer.has_value();
    }
    axes.push_back(axis);
    return true;
  }

  AttentionOp op;
  int64_t rank;
  SmallVector<TokenAxis> axes, keys;
};
} // namespace

FlowTransfer AttentionOp::transferTokenFlow(ArrayRef<TokenFlow> operands) {
  AttentionAxes axes(*this);
  if (!axes.collect(operands))
    return FlowTransfer::whole("the token axes of the operands do not line up");
  return axes.transfer();
}

int64_t AttentionOp::countMacs(ArrayRef<Type> operands, Type result) {
  auto values = cast<RankedTensorType>(result);
  int64_t rows = values.getNumElements() / values.getShape().back();
  auto keys = cast<RankedTensorType>(operands[1]);
  int64_t numKeys = keys.getDimSize(keys.getRank() - 2);
  return rows * numKeys * (keys.getShape().back() + values.getShape().back());
}
