//===- ReassociateProducts.cpp - Multiply a chain in the cheapest order ---===//
// Y = X Z with a fixed map M along a dimension of X or Z (a constant matrix, a
// transform):
//
//   (M X) Z = M (X Z)      X (Z M) = (X Z) M      (X M) Z = X (M Z)
//
// in either direction, through transposes. Legal always: it is one product of matrices in
// another order of summation. Done where it takes fewer multiply-accumulates and nothing
// else reads what then is not made.

#include "weir/Transforms/ReassociateProducts.h"
#include "EraseDeadOps.h"
#include "FixedMap.h"
#include "weir/Support/Remarks.h"
#include "weir/Transforms/AbsorbProjections.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_REASSOCIATEPRODUCTS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static RankedTensorType typeOf(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

static bool isMatrix(Value value) {
  RankedTensorType type = typeOf(value);
  return type && type.hasStaticShape() && type.getRank() >= 2;
}

static int64_t countProduct(int64_t resultElements, Value left) {
  return resultElements * typeOf(left).getShape().back();
}

namespace {
/// What stands in for a value, and what it costs against what it replaces.
struct Rewrite {
  int64_t macsBefore = 0, macsAfter = 0;
  std::function<Value(OnnxBuilder &, OpBuilder &)> build;

  bool isWorth() const { return build && macsAfter < macsBefore; }
};

class Reassociation {
public:
  explicit Reassociation(func::FuncOp function) : function(function) {}
  int64_t run();

private:
  Rewrite find(Operation *op);
  Rewrite moveOut(MatMulOp product);
  Rewrite moveAcross(MatMulOp product);
  Rewrite moveIn(Operation *op);

  func::FuncOp function;
};
} // namespace

/// (M X) Z ==> M (X Z), X (Z M) ==> (X Z) M
Rewrite Reassociation::moveOut(MatMulOp product) {
  for (unsigned side : {0u, 1u}) {
    std::optional<FixedMap> map = FixedMap::match(product->getOperand(side));
    int64_t fromEnd = side == 0 ? 2 : 1; // the dimension that the result has too
    if (!map || map->getDimFromEnd() != fromEnd)
      continue;
    RankedTensorType type = typeOf(product.getResult());
    int64_t dim = type.getRank() - fromEnd, size = type.getNumElements();
    int64_t inner = size / map->sizeTo() * map->sizeFrom();
    Rewrite rewrite;
    rewrite.macsBefore = map->countMacs() + countProduct(size, product.getA());
    rewrite.macsAfter = countProduct(inner, product.getA()) + map->countMacsOn(inner);
    Value other = product->getOperand(1 - side);
    rewrite.build = [=](OnnxBuilder &b, OpBuilder &builder) {
      Value source = map->buildSource(b);
      Value made = side == 0 ? b.matMul(source, other) : b.matMul(other, source);
      return map->apply(b, builder, made, dim);
    };
    if (rewrite.isWorth())
      return rewrite;
  }
  return {};
}

/// (X M) Z ==> X (M Z) and back
Rewrite Reassociation::moveAcross(MatMulOp product) {
  for (unsigned side : {0u, 1u}) {
    std::optional<FixedMap> map = FixedMap::match(product->getOperand(side));
    Value other = product->getOperand(1 - side);
    int64_t fromEnd = side == 0 ? 1 : 2; // the dimension that is summed over
    if (!map || map->getDimFromEnd() != fromEnd || !map->hasAdjoint())
      continue;
    int64_t size = typeOf(product.getResult()).getNumElements();
    int64_t mapped = typeOf(other).getNumElements() / map->sizeTo() * map->sizeFrom();
    Rewrite rewrite;
    rewrite.macsBefore = map->countMacs() + size * map->sizeTo();
    rewrite.macsAfter = map->countAdjointMacsOn(typeOf(other).getNumElements(), mapped) +
                        size * map->sizeFrom();
    rewrite.build = [=](OnnxBuilder &b, OpBuilder &builder) {
      Value source = map->buildSource(b);
      int64_t dim = typeOf(other).getRank() - (3 - fromEnd);
      Value moved = map->applyAdjoint(b, builder, other, dim);
      return side == 0 ? b.matMul(source, moved) : b.matMul(moved, source);
    };
    if (rewrite.isWorth())
      return rewrite;
  }
  return {};
}

/// M (X Z) ==> (M X) Z, (X Z) M ==> X (Z M)
Rewrite Reassociation::moveIn(Operation *op) {
  // What takes rows of a map is one with it.
  if (op->hasOneUse() && isa<SelectRowsOp>(*op->user_begin()))
    return {};
  std::optional<FixedMap> map = FixedMap::match(op->getResult(0), /*isShared=*/true);
  Value source = map ? map->getSource() : Value();
  auto product = source ? source.getDefiningOp<MatMulOp>() : MatMulOp();
  if (!product || !product->hasOneUse() || map->getDimFromEnd() > 2 ||
      !isMatrix(product.getA()) || !isMatrix(product.getB()))
    return {};
  unsigned side = map->getDimFromEnd() == 2 ? 0 : 1;
  Value moved = product->getOperand(side), other = product->getOperand(1 - side);
  RankedTensorType movedType = typeOf(moved);
  int64_t result = typeOf(op->getResult(0)).getNumElements();
  Rewrite rewrite;
  rewrite.macsBefore =
      map->countMacs() +
      countProduct(result / map->sizeTo() * map->sizeFrom(), product.getA());
  rewrite.macsAfter =
      map->countMacsOn(movedType.getNumElements()) + countProduct(result, product.getA());
  int64_t dim = movedType.getRank() - map->getDimFromEnd();
  rewrite.build = [=](OnnxBuilder &b, OpBuilder &builder) {
    Value made = map->apply(b, builder, moved, dim);
    return side == 0 ? b.matMul(made, other) : b.matMul(other, made);
  };
  return rewrite.isWorth() ? rewrite : Rewrite();
}

Rewrite Reassociation::find(Operation *op) {
  if (op->getNumResults() != 1 || !isMatrix(op->getResult(0)))
    return {};
  if (auto product = dyn_cast<MatMulOp>(op);
      product && isMatrix(product.getA()) && isMatrix(product.getB())) {
    if (Rewrite rewrite = moveOut(product); rewrite.build)
      return rewrite;
    if (Rewrite rewrite = moveAcross(product); rewrite.build)
      return rewrite;
  }
  return moveIn(op);
}

/// Every rewrite makes the function cheaper, so that there is a last one.
int64_t Reassociation::run() {
  int64_t saved = 0;
  Block &block = function.getBody().front();
  for (bool changed = true; changed;) {
    changed = false;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      Rewrite rewrite = find(&op);
      if (!rewrite.build)
        continue;
      OpBuilder builder(&op);
      OnnxBuilder onnx(builder, op.getLoc());
      Value made = rewrite.build(onnx, builder);
      op.getResult(0).replaceAllUsesWith(made);
      madeCheaper(&op, "reassociate", "multiplied in another order", rewrite.macsBefore,
                  rewrite.macsAfter);
      saved += rewrite.macsBefore - rewrite.macsAfter;
      changed = true;
    }
    eraseDeadOps(block);
  }
  return saved;
}

int64_t weir::reassociateProducts(func::FuncOp function) {
  return function.isExternal() ? 0 : Reassociation(function).run();
}

namespace {
struct ReassociateProducts : weir::impl::ReassociateProductsBase<ReassociateProducts> {
  using ReassociateProductsBase::ReassociateProductsBase;
  void runOnOperation() override {
    reassociateProducts(getOperation());
    absorbProjections(getOperation());
  }
};
} // namespace
