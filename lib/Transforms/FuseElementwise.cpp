//===- FuseElementwise.cpp - Join elementwise ops into one loop -----------===//
// linalg.generic(linalg.generic(x))  ==>  linalg.generic(x)
// Legal always; done where nothing is computed twice, and where a contraction still
// reads its operands along memory.

#include "Products.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

/// Does the op only copy, by another order or with repetition?
static bool onlyMoves(linalg::GenericOp op) {
  Block &body = *op.getBlock();
  return op.getNumDpsInputs() == 1 && op.getNumDpsInits() == 1 &&
         llvm::hasSingleElement(body) &&
         body.getTerminator()->getOperand(0) == body.getArgument(0);
}

/// The loop along which `map` moves by one in a tensor with these sizes; -1 for none.
static int unitLoop(AffineMap map, ArrayRef<int64_t> shape) {
  for (int i = map.getNumResults() - 1; i >= 0; --i) {
    if (shape[i] == 1)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(map.getResult(i));
    return dim ? dim.getPosition() : -1;
  }
  return -1;
}

static ArrayRef<int64_t> shapeOf(OpOperand &operand) {
  return cast<ShapedType>(operand.get().getType()).getShape();
}

/// After reading through the copy `producer`, do both operands of a contraction still
/// move along memory in one loop?
static bool staysContiguous(linalg::GenericOp producer, OpOperand &use) {
  auto consumer = cast<linalg::GenericOp>(use.getOwner());
  AffineMap outer = consumer.getMatchingIndexingMap(&use);
  OpOperand &source = *producer.getDpsInputOperand(0);
  AffineMap inner = producer.getMatchingIndexingMap(&source);
  int before = unitLoop(outer, shapeOf(use));
  int after = unitLoop(inner.compose(outer), shapeOf(source));
  if (before == after)
    return true;
  if (after < 0 ||
      consumer.getIteratorTypesArray()[after] != utils::IteratorType::reduction)
    return false;
  return llvm::all_of(consumer.getDpsInputOperands(), [&](OpOperand *other) {
    return other == &use ||
           unitLoop(consumer.getMatchingIndexingMap(other), shapeOf(*other)) == after;
  });
}

static bool shouldFuse(OpOperand *use) {
  auto producer = use->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(use->getOwner());
  if (!producer || !consumer)
    return false;
  if (producer->getBlock() != consumer->getBlock()) // made once, read in every iteration
    return false;
  bool moves = onlyMoves(producer);
  if (!moves && !producer->hasOneUse())
    return false;
  if (isContraction(consumer)) {
    if (!moves || staysContiguous(producer, *use))
      return moves;
    (void)missed(consumer, "reads a copy: the original does not lie along the product");
    return false;
  }
  if (moves)
    return true;
  // Each element is read once: nothing is computed again.
  AffineMap map = consumer.getMatchingIndexingMap(use);
  return map.isPermutation();
}

/// Is the value a change of shape between two elementwise ops? Both then take the shape
/// of more dimensions, and may join.
static bool joinsByShape(OpOperand *use) {
  auto isElementwise = [](Operation *op) {
    auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
    return generic && generic.getNumReductionLoops() == 0 && !onlyMoves(generic);
  };
  Operation *producer = use->get().getDefiningOp(), *consumer = use->getOwner();
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(consumer))
    return isElementwise(producer) && producer->hasOneUse() && expand->hasOneUse() &&
           isElementwise(*expand->user_begin());
  auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(producer);
  return collapse && isElementwise(consumer) && collapse->hasOneUse() &&
         isElementwise(collapse.getSrc().getDefiningOp()) &&
         collapse.getSrc().hasOneUse();
}

namespace {
struct FuseElementwise : weir::impl::FuseElementwiseBase<FuseElementwise> {
  using FuseElementwiseBase::FuseElementwiseBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, joinsByShape);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
