//===- StartSums.cpp - Start sums of products at what is added to them ----===//
// f(0 + sum_k x * w + b)  ==>  f(b + sum_k x * w)
// A bias or a residual is where the sums begin: the zeros that they began with, the
// adding and, where nothing else was done, a pass over the result are gone. Legal where
// the product has no other user; sums round in another order.

#include "EraseDeadOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_STARTSUMS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
/// A product and the op that adds to it.
struct AddedProduct {
  linalg::GenericOp product;
  Operation *reshape = nullptr; // between both, perhaps
  linalg::GenericOp user;
  unsigned operand;              // of `user`: the product
  SmallVector<unsigned> addends; // of `user`
  Value sum;                     // in the body of `user`: product and addends
};

struct StartSums : weir::impl::StartSumsBase<StartSums> {
  using StartSumsBase::StartSumsBase;
  void runOnOperation() override;
};
} // namespace

/// acc + x * y in f32, from zeros.
static bool isProduct(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() < 2 ||
      op.getNumDpsInits() != 1 || !op.getResult(0).hasOneUse())
    return false;
  auto zeros = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!zeros || !matchPattern(zeros.getInputs()[0], m_AnyZeroFloat()))
    return false;
  Block &body = *op.getBlock();
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || !sum.getType().isF32())
    return false;
  Value acc = body.getArguments().back();
  Value other = sum.getLhs() == acc ? sum.getRhs() : sum.getLhs();
  return (sum.getLhs() == acc || sum.getRhs() == acc) && acc.hasOneUse() &&
         other.getDefiningOp<arith::MulFOp>();
}

/// The only use of a product's result, perhaps behind a change of its shape.
static OpOperand &lastUse(linalg::GenericOp product, Operation *&reshape) {
  OpOperand *use = &*product.getResult(0).use_begin();
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(use->getOwner()) &&
      use->getOwner()->hasOneUse()) {
    reshape = use->getOwner();
    use = &*reshape->getResult(0).use_begin();
  }
  return *use;
}

/// Follows product + a + b + ... in the body, each an operand that is there already.
static void followSum(AddedProduct &added) {
  Block &body = *added.user.getBlock();
  added.sum = body.getArgument(added.operand);
  while (added.sum.hasOneUse()) {
    auto add = dyn_cast<arith::AddFOp>(*added.sum.getUsers().begin());
    if (!add)
      return;
    Value other = add.getLhs() == added.sum ? add.getRhs() : add.getLhs();
    auto addend = dyn_cast<BlockArgument>(other);
    if (!addend || addend.getOwner() != &body ||
        addend.getArgNumber() >= added.user.getNumDpsInputs())
      return;
    added.addends.push_back(addend.getArgNumber());
    added.sum = add;
  }
}

static std::optional<AddedProduct> matchAddedProduct(linalg::GenericOp product) {
  if (!isProduct(product))
    return std::nullopt;
  AddedProduct added;
  added.product = product;
  OpOperand &use = lastUse(product, added.reshape);
  added.user = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!added.user || added.user->getBlock() != product->getBlock() ||
      added.user.getNumReductionLoops() != 0 || added.user.getNumDpsInits() != 1 ||
      !added.user.isDpsInput(&use))
    return std::nullopt;
  added.operand = use.getOperandNumber();
  followSum(added);
  if (added.addends.empty())
    return std::nullopt;
  if (!added.user.getMatchingIndexingMap(&use).isIdentity()) {
    (void)missed(product, "starts at zeros: what is added to it lies in another order");
    return std::nullopt;
  }
  return added;
}

/// The sum of the addends, in the shape of the product's result.
static Value emitStart(OpBuilder &b, const AddedProduct &added) {
  linalg::GenericOp user = added.user;
  Location loc = user.getLoc();
  auto type = cast<RankedTensorType>(user->getOperand(added.operand).getType());
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (unsigned addend : added.addends) {
    inputs.push_back(user->getOperand(addend));
    maps.push_back(user.getMatchingIndexingMap(&user->getOpOperand(addend)));
  }
  maps.push_back(b.getMultiDimIdentityMap(type.getRank()));
  Value empty = tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  auto kinds = user.getIteratorTypesArray();
  Value start =
      linalg::GenericOp::create(b, loc, type, inputs, empty, maps, kinds,
                                [](OpBuilder &body, Location loc, ValueRange values) {
                                  Value sum = values[0];
                                  for (Value value : values.drop_back().drop_front())
                                    sum = arith::AddFOp::create(body, loc, sum, value);
                                  linalg::YieldOp::create(body, loc, sum);
                                })
          .getResult(0);
  Type shape = added.product->getResultTypes()[0];
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(added.reshape))
    return tensor::CollapseShapeOp::create(b, loc, shape, start,
                                           expand.getReassociationIndices());
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(added.reshape))
    return tensor::ExpandShapeOp::create(b, loc, shape, start,
                                         collapse.getReassociationIndices());
  return start;
}

/// `user` on the finished sum, without the operands that were only added.
static void dropAddends(OpBuilder &b, AddedProduct &added, Value product) {
  linalg::GenericOp user = added.user;
  Block &body = *user.getBlock();
  Value finished = body.getArgument(added.operand);
  added.sum.replaceAllUsesWith(finished);
  eraseDeadOps(body);
  if (body.getTerminator()->getOperand(0) == finished &&
      user.getIndexingMapsArray().back().isIdentity()) {
    user.getResult(0).replaceAllUsesWith(product);
    user.erase();
    return;
  }
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<Value> kept;
  for (OpOperand *input : user.getDpsInputOperands()) {
    BlockArgument value = user.getMatchingBlockArgument(input);
    if (value.use_empty())
      continue;
    inputs.push_back(input->getOperandNumber() == added.operand ? product : input->get());
    maps.push_back(user.getMatchingIndexingMap(input));
    kept.push_back(value);
  }
  kept.push_back(body.getArguments().back());
  maps.push_back(user.getIndexingMapsArray().back());
  auto smaller = linalg::GenericOp::create(
      b, user.getLoc(), user.getResultTypes(), inputs, user.getDpsInits(), maps,
      user.getIteratorTypesArray(), [&](OpBuilder &inner, Location, ValueRange values) {
        IRMapping mapping;
        mapping.map(kept, values);
        for (Operation &op : body)
          inner.clone(op, mapping);
      });
  user.getResult(0).replaceAllUsesWith(smaller.getResult(0));
  user.erase();
}

static void rewrite(AddedProduct &added) {
  OpBuilder b(added.user);
  linalg::GenericOp product = added.product;
  Value start = emitStart(b, added);
  // Behind the addends, which may come after it.
  auto moved = cast<linalg::GenericOp>(b.clone(*product));
  moved.getDpsInitsMutable().assign(start);
  Value result = moved.getResult(0);
  if (added.reshape) {
    IRMapping mapping;
    mapping.map(product.getResult(0), result);
    result = b.clone(*added.reshape, mapping)->getResult(0);
  }
  dropAddends(b, added, result);
  if (added.reshape)
    added.reshape->erase();
  product.erase();
}

void StartSums::runOnOperation() {
  SmallVector<linalg::GenericOp> ops;
  getOperation().walk([&](linalg::GenericOp op) { ops.push_back(op); });
  // From the last on: a product that is an addend of another is still there.
  for (linalg::GenericOp op : llvm::reverse(ops))
    if (std::optional<AddedProduct> added = matchAddedProduct(op))
      rewrite(*added);
}
