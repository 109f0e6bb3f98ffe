//===- Access.cpp - Which bytes which thread touches ----------------------===//

#include "Access.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "weir/Support/BufferBytes.h"
#include <numeric>

using namespace mlir;
using namespace weir;

/// More than any buffer has.
static constexpr int64_t unknownSize = int64_t(1) << 50;

std::pair<int64_t, int64_t> weir::getShare(int64_t numPieces, int64_t id, int64_t count) {
  return {llvm::divideCeil(id * numPieces, count),
          llvm::divideCeil((id + 1) * numPieces, count)};
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

std::optional<int64_t> weir::getTripCount(scf::ForOp loop) {
  auto from = getConstantIntValue(loop.getLowerBound());
  auto to = getConstantIntValue(loop.getUpperBound());
  auto step = getConstantIntValue(loop.getStep());
  if (!from || !to || !step || *step < 1)
    return std::nullopt;
  return *to > *from ? llvm::divideCeil(*to - *from, *step) : 0;
}

/// Bytes that one step along each dimension moves; none where they are not known.
static SmallVector<int64_t> getByteStrides(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  bool isKnown = type.hasStaticShape() &&
                 succeeded(type.getStridesAndOffset(strides, offset)) &&
                 llvm::all_of(strides, [](int64_t stride) { return stride >= 0; });
  if (!isKnown)
    return {};
  for (int64_t &stride : strides)
    stride *= getElementBytes(type);
  return strides;
}

/// `value` as factor * `index`.
static std::optional<int64_t> getFactor(Value value, Value index) {
  if (value == index)
    return 1;
  if (auto product = value.getDefiningOp<arith::MulIOp>();
      product && product.getLhs() == index)
    return getConstantIntValue(product.getRhs());
  auto apply = value.getDefiningOp<affine::AffineApplyOp>();
  if (!apply || apply.getMapOperands().size() != 1 || apply.getMapOperands()[0] != index)
    return std::nullopt;
  auto binary = dyn_cast<AffineBinaryOpExpr>(apply.getAffineMap().getResult(0));
  if (!binary || binary.getKind() != AffineExprKind::Mul)
    return std::nullopt;
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return factor ? std::optional(factor.getValue()) : std::nullopt;
}

bool Place::isConstant() const {
  return root && root.getDefiningOp<memref::GetGlobalOp>();
}

void Place::move(OpFoldResult index, int64_t stride, int64_t extent, scf::ForOp loop) {
  if (std::optional<int64_t> known = getConstantIntValue(index)) {
    begin += *known * stride;
    return;
  }
  if (loop && getTripCount(loop)) {
    auto factor = getFactor(cast<Value>(index), loop.getInductionVar());
    if (factor && *factor > 0) {
      begin += *getConstantIntValue(loop.getLowerBound()) * *factor * stride;
      step += *getConstantIntValue(loop.getStep()) * *factor * stride;
      return;
    }
  }
  slack = std::min(unknownSize, slack + (extent - 1) * stride);
  if (extent > 1)
    grain = std::gcd(grain, stride);
}

Place weir::findPlace(Value memref, scf::ForOp loop) {
  Place place;
  Value innermost;
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>()) {
    Value source = view.getViewSource();
    bool keepsStart =
        isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(*view);
    if (!keepsStart && !innermost)
      innermost = memref;
    auto subview = dyn_cast<memref::SubViewOp>(*view);
    auto strides = getByteStrides(cast<MemRefType>(source.getType()));
    bool isKnown = subview && subview.getSizes().empty() &&
                   subview.getStrides().empty() &&
                   (subview.getSourceType().getRank() == 0 || !strides.empty());
    if (isKnown)
      for (auto [dim, offset] : llvm::enumerate(subview.getMixedOffsets()))
        place.move(offset, strides[dim],
                   subview.getSourceType().getDimSize(dim) -
                       subview.getStaticSizes()[dim] + 1,
                   loop);
    else if (auto bytes = dyn_cast<memref::ViewOp>(*view))
      place.move(OpFoldResult(bytes.getByteShift()), 1, unknownSize, loop);
    else if (!keepsStart)
      place.slack = unknownSize, place.grain = 1;
    memref = source;
  }
  if (place.slack)
    place.shift = innermost;
  auto argument = dyn_cast<BlockArgument>(memref);
  bool isRoot = argument
                    ? isa<FunctionOpInterface>(argument.getOwner()->getParentOp())
                    : isa<memref::AllocOp, memref::GetGlobalOp>(memref.getDefiningOp());
  if (isRoot)
    place.root = memref;
  return place;
}

//===----------------------------------------------------------------------===//
// Conflicts
//===----------------------------------------------------------------------===//

ByteRange Access::getBytes(int64_t id, int64_t count) const {
  if (who == First && id != 0)
    return {0, 0};
  if (who != Shared)
    return {place.begin, place.begin + size};
  auto [first, last] = getShare(numPieces, id, count);
  bool hasRest = id == count - 1 && restSize;
  if (first == last && !hasRest)
    return {0, 0};
  int64_t bytes =
      hasRest ? (last - first) * step + restSize : (last - first - 1) * step + size;
  int64_t from = place.begin + first * step;
  return {from, from + bytes};
}

/// Is every byte of both that of one thread, whatever the team?
static bool haveEqualShares(const Access &a, const Access &b) {
  return a.who == Access::Shared && b.who == Access::Shared &&
         a.place.begin == b.place.begin && a.step == b.step &&
         a.numPieces == b.numPieces && std::max(a.size, b.size) <= a.step;
}

ByteRange Access::getResidues(int64_t id, int64_t count, int64_t period) const {
  auto [from, to] = getBytes(id, count);
  auto drop = [&](int64_t more, int64_t stride) {
    if (stride % period == 0)
      to -= more * stride;
  };
  for (const Row &row : rows)
    drop(row.count - 1, row.stride);
  if (who == Shared) {
    auto [first, last] = getShare(numPieces, id, count);
    drop(std::max<int64_t>(last - first - 1, 0), step);
  }
  return {(from % period + period) % period, to - from};
}

/// Do the bytes of thread `i` and those of thread `j` lie in other parts of all rows of
/// `period` bytes?
static bool areApart(const Access &a, int64_t i, const Access &b, int64_t j,
                     int64_t count, int64_t period) {
  auto [beginA, bytesA] = a.getResidues(i, count, period);
  auto [beginB, bytesB] = b.getResidues(j, count, period);
  int64_t distance = (beginB - beginA + period) % period;
  return bytesA <= distance && distance + bytesB <= period;
}

static bool conflict(const Access &a, const Access &b, int64_t most, Operation *loop) {
  if (!a.writes && !b.writes)
    return false;
  if (a.who == Access::First && b.who == Access::First)
    return false;
  if (!a.place.root || !b.place.root)
    return true;
  if (a.place.root != b.place.root)
    return false;
  bool isOnePlace = a.place.shift == b.place.shift;
  if (isOnePlace && loop && a.place.shift)
    isOnePlace = !loop->isAncestor(a.place.shift.getDefiningOp());
  int64_t slackA = isOnePlace ? 0 : a.place.slack,
          slackB = isOnePlace ? 0 : b.place.slack;
  if (slackA + slackB == 0 && haveEqualShares(a, b))
    return false;
  // By which both move and in which they may keep apart.
  SmallVector<int64_t> periods;
  int64_t grain = std::gcd(slackA ? a.place.grain : 0, slackB ? b.place.grain : 0);
  auto addPeriod = [&](int64_t period) {
    if (period > 1 && grain % period == 0 && !llvm::is_contained(periods, period))
      periods.push_back(period);
  };
  addPeriod(grain);
  for (const Access *access : {&a, &b})
    for (const Row &row : access->rows)
      addPeriod(row.stride);
  for (int64_t count = 2; count <= most; ++count)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < count; ++j) {
        auto [beginA, endA] = a.getBytes(i, count);
        auto [beginB, endB] = b.getBytes(j, count);
        bool isNear = i != j && beginA < endA && beginB < endB &&
                      beginA < endB + slackB && beginB < endA + slackA;
        if (isNear && llvm::none_of(periods, [&](int64_t period) {
              return areApart(a, i, b, j, count, period);
            }))
          return true;
      }
  return false;
}

bool weir::conflict(ArrayRef<Access> a, ArrayRef<Access> b, int64_t most,
                    Operation *loop) {
  return llvm::any_of(a, [&](const Access &x) {
    return llvm::any_of(b, [&](const Access &y) { return ::conflict(x, y, most, loop); });
  });
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static Access getWhole(Value memref, bool writes, Access::Who who, scf::ForOp loop = {}) {
  Access access;
  access.place = findPlace(memref, loop);
  access.writes = writes;
  access.who = who;
  auto type = cast<MemRefType>(memref.getType());
  auto strides = getByteStrides(type);
  access.size = unknownSize;
  if (type.getRank() && strides.empty())
    return access;
  access.size = getElementBytes(type);
  for (auto [extent, stride] : llvm::zip(type.getShape(), strides)) {
    access.size += (extent - 1) * stride;
    if (extent > 1 && stride > 0)
      access.rows.push_back({extent, stride});
  }
  return access;
}

static Access getAccess(linalg::LinalgOp op, OpOperand &operand, Access::Who who,
                        const Cut &cut) {
  Value memref = operand.get();
  Access access = getWhole(memref, op.isDpsInit(&operand), who);
  if (who != Access::Shared)
    return access;
  auto type = cast<MemRefType>(memref.getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  std::optional<unsigned> dim =
      map.getResultPosition(getAffineDimExpr(cut.loop, op.getContext()));
  if (!dim) {
    access.who = Access::All; // every piece needs all of it
    return access;
  }
  int64_t stride = getByteStrides(type)[*dim], length = type.getDimSize(*dim);
  access.step = stride * cut.size;
  access.numPieces = cut.numPieces;
  access.restSize = cut.rest ? access.size - (length - cut.rest) * stride : 0;
  access.size -= (length - cut.size) * stride;
  llvm::erase_if(access.rows, [&](const Row &row) { return row.stride == stride; });
  return access;
}

SmallVector<Access> weir::getAccesses(linalg::LinalgOp op, Access::Who who,
                                      const Cut &cut) {
  SmallVector<Access> accesses;
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType()))
      accesses.push_back(::getAccess(op, operand, who, cut));
  // Memory that the body looks things up in.
  op->getRegion(0).walk([&](memref::LoadOp load) {
    accesses.push_back(
        getWhole(load.getMemRef(), false, who == Access::First ? who : Access::All));
  });
  return accesses;
}

Access weir::getAccess(Value memref, ValueRange indices, bool writes, Access::Who who,
                       scf::ForOp loop) {
  Access access = getWhole(memref, writes, who, loop);
  auto type = cast<MemRefType>(memref.getType());
  auto strides = getByteStrides(type);
  if (type.getRank() && strides.empty())
    return access;
  Place &place = access.place;
  int64_t before = place.slack;
  for (auto [index, stride, extent] : llvm::zip(indices, strides, type.getShape()))
    place.move(OpFoldResult(index), stride, extent, loop);
  if (place.slack != before) { // anywhere
    place = findPlace(memref, loop);
    return access;
  }
  access.size = getElementBytes(type);
  access.rows.clear();
  return access;
}

std::optional<Touched> weir::getTouched(Operation *op) {
  auto interface = dyn_cast<MemoryEffectOpInterface>(op);
  if (!interface || op->getNumRegions() > 0 || isa<linalg::LinalgOp>(op))
    return std::nullopt;
  SmallVector<MemoryEffects::EffectInstance> effects;
  interface.getEffects(effects);
  Touched touched;
  for (const MemoryEffects::EffectInstance &effect : effects) {
    Value memref = effect.getValue();
    bool writes = isa<MemoryEffects::Write>(effect.getEffect());
    bool isKnown = writes || isa<MemoryEffects::Read>(effect.getEffect());
    if (!isKnown || !memref || !isa<MemRefType>(memref.getType()) ||
        (writes && op->getNumResults() > 0))
      return std::nullopt;
    touched.push_back({memref, writes});
  }
  return touched;
}

SmallVector<Access> weir::getAccesses(const Touched &touched, Access::Who who) {
  SmallVector<Access> accesses;
  for (auto [memref, writes] : touched)
    accesses.push_back(getWhole(memref, writes, who));
  return accesses;
}

SmallVector<Access> weir::getAccesses(scf::ForOp loop) {
  SmallVector<Access> accesses;
  auto add = [&](Access access) {
    access.step = std::exchange(access.place.step, 0);
    if (access.step) {
      access.who = Access::Shared;
      access.numPieces = *getTripCount(loop);
    }
    // Another iteration has other views.
    if (access.place.shift && loop->isAncestor(access.place.shift.getDefiningOp())) {
      access.size += access.place.slack;
      access.place.slack = access.place.grain = 0;
      access.place.shift = nullptr;
    }
    accesses.push_back(access);
  };
  loop.getBody()->walk([&](Operation *op) {
    if (auto load = dyn_cast<memref::LoadOp>(op))
      add(getAccess(load.getMemRef(), load.getIndices(), false, Access::All, loop));
    else if (auto store = dyn_cast<memref::StoreOp>(op))
      add(getAccess(store.getMemRef(), store.getIndices(), true, Access::All, loop));
    else if (auto touched = getTouched(op))
      for (auto [memref, writes] : *touched)
        add(getWhole(memref, writes, Access::All, loop));
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      for (OpOperand &operand : op->getOpOperands())
        if (isa<MemRefType>(operand.get().getType()))
          add(getWhole(operand.get(), linalgOp.isDpsInit(&operand), Access::All, loop));
  });
  return accesses;
}
