//===- Attention.cpp - Lower attentions to loops over strips of queries ---===//
// weir.attention f q, k, v bias b
//   ==>  for each leading index: panels of k, panels of v
//          for each strip of queries: s = f(scale q k^T + b), result[strip] = s v
// The scores of one strip are all that is ever held: memory is linear in the tokens. Of
// softmax the sums divide the result, which has fewer entries than the scores. Operands
// that are transposes are read where they lie, and the result is written in the order
// that a transpose of it wants.

#include "Attention.h"
#include "../Lowerings.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::attention;

/// Scores of a strip, about: half a megabyte of f32, which stays in the second cache.
static constexpr int64_t stripScores = 1 << 17;
/// Queries of a strip: enough to fill the registers of a product, no more than helps.
static constexpr int64_t fewestQueries = 8, mostQueries = 64;

/// Runs `body` `count` times on a value that it replaces, each time another part of it.
Value Loops::loop(int64_t count, Value result, Step body) {
  OpBuilder &b = ops.b;
  if (count == 1)
    return body(ops.index(0), result);
  auto each = scf::ForOp::create(b, ops.loc, ops.index(0), ops.index(count), ops.index(1),
                                 result);
  each->setAttr("weir.parallel", b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(each.getBody());
  Value next = body(each.getInductionVar(), each.getRegionIterArg(0));
  scf::YieldOp::create(b, ops.loc, next);
  return each.getResult(0);
}

/// Queries of a strip: a number that divides all of them if there is a large one, so that
/// strips are alike.
static int64_t sizeOfStrip(int64_t queries, int64_t most) {
  for (int64_t size = most; size > most / 2; --size)
    if (queries % size == 0)
      return size;
  return llvm::divideCeil(queries, llvm::divideCeil(queries, most));
}

Value Loops::overStrips(Value result) {
  int64_t queries = op.numQueries();
  int64_t most = std::clamp(stripScores / op.numKeys(), fewestQueries, mostQueries);
  int64_t size = sizeOfStrip(queries, most);
  keyPanels = packRows(ops, matrix(k, nullptr, 0));
  valuePanels = packColumns(ops, matrix(v, nullptr, 0));
  if (int64_t count = queries / size)
    result = loop(count, result, [&](Value i, Value result) {
      Value row = ops.b.createOrFold<arith::MulIOp>(ops.loc, i, ops.index(size));
      return strip(row, size, result);
    });
  int64_t rest = queries % size;
  return rest ? strip(ops.index(queries - rest), rest, result) : result;
}

Value Loops::overLeading(size_t dim, Value result) {
  if (dim == leading.size())
    return overStrips(result);
  int64_t size = typeOf(op.getResult()).getDimSize(dim);
  return loop(size, result, [&](Value i, Value result) {
    leading[dim] = size == 1 ? Value() : i;
    return overLeading(dim + 1, result);
  });
}

Loops::Loops(AttentionOp op, OpBuilder &b)
    : op(op), ops(b, op.getLoc(), typeOf(op.getQ()).getElementType()), q(op.getQ()),
      k(op.getK()), v(op.getV()), leading(typeOf(op.getResult()).getRank() - 2) {}

Value Loops::build(ArrayRef<int64_t> order) {
  this->order.assign(order.begin(), order.end());
  SmallVector<int64_t> shape;
  for (int64_t dim : order)
    shape.push_back(typeOf(op.getResult()).getDimSize(dim));
  return overLeading(0, ops.empty(shape));
}

/// The transpose that alone reads the result and keeps the features of a query together.
static onnx::TransposeOp findTransposed(AttentionOp op) {
  if (!op->hasOneUse())
    return nullptr;
  auto transpose = dyn_cast<onnx::TransposeOp>(*op->getUsers().begin());
  if (!transpose || !transpose.getPermAttr())
    return nullptr;
  int64_t features = typeOf(op.getResult()).getRank() - 1;
  auto last = cast<IntegerAttr>(transpose.getPermAttr().getValue().back()).getInt();
  return last == features ? transpose : nullptr;
}

/// Fewer queries than fill a product do not pay for laying out keys and values; but
/// those of clusters are gathered one cluster at a time.
static Value build(AttentionOp op, OpBuilder &b, ArrayRef<int64_t> order) {
  bool isCluster = Operand(op.getK()).tensor.getDefiningOp<GatherTokensOp>() != nullptr;
  return op.numQueries() < fewestQueries && !isCluster ? lowerFewQueries(op, b, order)
                                                       : Loops(op, b).build(order);
}

static void lower(AttentionOp op) {
  OpBuilder b(op);
  if (onnx::TransposeOp transpose = findTransposed(op)) {
    SmallVector<int64_t> order;
    for (auto dim : transpose.getPermAttr().getAsRange<IntegerAttr>())
      order.push_back(dim.getInt());
    transpose.replaceAllUsesWith(build(op, b, order));
    transpose.erase();
  } else {
    auto order = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(op.getResult()).getRank()));
    op.replaceAllUsesWith(build(op, b, order));
  }
  op.erase();
}

void weir::lowerAttentions(Operation *root) {
  SmallVector<AttentionOp> attentions;
  root->walk([&](AttentionOp op) { attentions.push_back(op); });
  llvm::for_each(attentions, lower);
}
