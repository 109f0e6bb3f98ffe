//===- Nest.cpp - A linalg op on memrefs as loops and strides -------------===//

#include "Nest.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "weir/Support/SumStart.h"

using namespace mlir;
using namespace weir;

/// Adds `factor * expr` to one coefficient a loop and a constant; fails on anything that
/// is not linear.
static LogicalResult addLinear(AffineExpr expr, int64_t factor,
                               MutableArrayRef<int64_t> coefficients, int64_t &constant) {
  if (auto value = dyn_cast<AffineConstantExpr>(expr)) {
    constant += factor * value.getValue();
    return success();
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    coefficients[dim.getPosition()] += factor;
    return success();
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return failure();
  if (expr.getKind() == AffineExprKind::Add)
    return success(
        succeeded(addLinear(binary.getLHS(), factor, coefficients, constant)) &&
        succeeded(addLinear(binary.getRHS(), factor, coefficients, constant)));
  auto scale = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() != AffineExprKind::Mul || !scale)
    return failure();
  return addLinear(binary.getLHS(), factor * scale.getValue(), coefficients, constant);
}

/// The body's ops work element by element on scalars that are stored in whole bytes.
static bool isVectorizable(Block &body) {
  for (Operation &op : body.without_terminator()) {
    if (isa<arith::ConstantOp>(op))
      continue;
    if (!isa<arith::ArithDialect, math::MathDialect>(op.getDialect()) ||
        !OpTrait::hasElementwiseMappableTraits(&op))
      return false;
  }
  return llvm::all_of(body.getArgumentTypes(), [](Type type) {
    return type.isIntOrFloat() && type.getIntOrFloatBitWidth() % 8 == 0;
  });
}

/// The op that folds a value into the accumulator, which nothing else may use.
static Operation *findCombiner(Block &body) {
  BlockArgument acc = body.getArguments().back();
  Operation *combiner = body.getTerminator()->getOperand(0).getDefiningOp();
  if (!combiner || !acc.hasOneUse() || *acc.getUsers().begin() != combiner)
    return nullptr;
  return arith::getNeutralElement(combiner) ? combiner : nullptr;
}

/// Is `value` an element of an input, perhaps widened and scaled?
static bool isElement(Value value) {
  if (auto scaled = value.getDefiningOp<arith::MulFOp>())
    return isElement(scaled.getLhs()) && isElement(scaled.getRhs());
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<arith::ExtFOp, arith::SIToFPOp, arith::UIToFPOp>(op))
    value = op->getOperand(0);
  return isa<BlockArgument>(value);
}

bool Nest::isContraction() const {
  if (!isa_and_nonnull<arith::AddFOp>(combiner) || numInputs < 2)
    return false;
  return llvm::any_of(combiner->getOperands(), [](Value operand) {
    auto product = operand.getDefiningOp<arith::MulFOp>();
    return product && isElement(product.getLhs()) && isElement(product.getRhs());
  });
}

/// loop(outer) loop(inner)  ==>  one loop, where each operand moves as if it were one.
static bool canMerge(const Loop &outer, const Loop &inner) {
  if (outer.reduces != inner.reduces)
    return false;
  for (auto [wide, narrow] : llvm::zip(outer.strides, inner.strides))
    if (wide != narrow * inner.extent)
      return false;
  return true;
}

static void simplifyLoops(SmallVector<Loop> &loops) {
  llvm::erase_if(loops, [](const Loop &loop) { return loop.extent == 1; });
  // Outermost first as the output lies in memory, so that neighbours can merge.
  llvm::stable_sort(loops, [](const Loop &a, const Loop &b) {
    if (a.reduces != b.reduces)
      return b.reduces;
    if (!a.reduces)
      return a.strides.back() > b.strides.back();
    return a.strides.front() > b.strides.front();
  });
  for (size_t i = 0; i + 1 < loops.size();) {
    if (!canMerge(loops[i], loops[i + 1])) {
      ++i;
      continue;
    }
    loops[i + 1].extent *= loops[i].extent;
    loops.erase(loops.begin() + i);
    i = i ? i - 1 : 0;
  }
}

FailureOr<Nest> weir::analyzeNest(linalg::LinalgOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumDpsInits() != 1 || op.hasDynamicShape())
    return failure();
  Block &body = *op.getBlock();
  if (!isVectorizable(body))
    return failure();
  Nest nest;
  nest.op = op;
  nest.body = &body;
  nest.numInputs = op.getNumDpsInputs();
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  auto kinds = op.getIteratorTypesArray();
  for (auto [extent, kind] : llvm::zip(extents, kinds))
    nest.loops.push_back({extent, kind == utils::IteratorType::reduction, {}});
  for (OpOperand &operand : op->getOpOperands()) {
    SmallVector<int64_t> coefficients(extents.size(), 0), strides;
    int64_t constant = 0, offset;
    // Scalars (of a fill) do not move.
    if (auto type = dyn_cast<MemRefType>(operand.get().getType())) {
      if (failed(type.getStridesAndOffset(strides, offset)) ||
          llvm::any_of(strides, ShapedType::isDynamic))
        return failure();
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [expr, stride] : llvm::zip(map.getResults(), strides))
        if (failed(addLinear(expr, stride, coefficients, constant)))
          return failure();
    }
    nest.offsets.push_back(constant);
    for (auto [loop, coefficient] : llvm::zip(nest.loops, coefficients))
      loop.strides.push_back(coefficient);
  }
  if (op.getNumReductionLoops() > 0) {
    nest.combiner = findCombiner(body);
    if (!nest.combiner)
      return failure();
    nest.start = findSumStart(op);
  }
  simplifyLoops(nest.loops);
  return nest;
}

Value weir::flattenMemref(OpBuilder &b, Location loc, Value memref) {
  auto type = dyn_cast<MemRefType>(memref.getType());
  if (!type)
    return memref;
  SmallVector<int64_t> strides;
  int64_t offset, size = 1;
  (void)type.getStridesAndOffset(strides, offset);
  for (auto [extent, stride] : llvm::zip(type.getShape(), strides))
    size += (extent - 1) * stride;
  auto layout = StridedLayoutAttr::get(b.getContext(), offset, {1});
  auto flat = MemRefType::get({size}, type.getElementType(),
                              offset == 0 ? MemRefLayoutAttrInterface() : layout,
                              type.getMemorySpace());
  if (flat == type)
    return memref;
  auto parts = memref::ExtractStridedMetadataOp::create(b, loc, memref);
  OpFoldResult start = offset == ShapedType::kDynamic ? OpFoldResult(parts.getOffset())
                                                      : b.getIndexAttr(offset);
  return memref::ReinterpretCastOp::create(b, loc, flat, parts.getBaseBuffer(), start,
                                           ArrayRef<OpFoldResult>{b.getIndexAttr(size)},
                                           ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}
