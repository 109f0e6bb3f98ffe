//===- PlanScratch.cpp - Put all temporaries into one block ---------------===//
// %a = memref.alloc() : memref<4x8xf32>
//   ==>  %a = memref.view %scratch[%offset][] : memref<512xi8> to memref<4x8xf32>
// Two temporaries share bytes where no op of one block uses both: one that is allocated
// in a loop lives in one iteration. Largest first, each takes the first gap that fits.
//
// A team of threads has a block for all and, behind it, one for each of them. In the
// first, a temporary lives until threads meet behind its last use.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "weir/Support/BufferBytes.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_PLANSCRATCH
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;

static constexpr int64_t alignment = 64;

namespace {
/// A temporary: the first and last op that may touch it, in the order of the text.
struct Temporary {
  memref::AllocOp op;
  int64_t first, last, size;
  int64_t offset = 0;
  bool isPrivate() const { return op->hasAttr("weir.private"); }
  bool meets(const Temporary &other) const {
    return first <= other.last && other.first <= last;
  }
};
} // namespace

namespace {
/// The ops of a function by number, those inside of an op behind it.
class TextOrder {
public:
  explicit TextOrder(func::FuncOp function) {
    int64_t next = 0;
    number(function.getBody(), next);
  }
  int64_t begin(Operation *op) const { return spans.lookup(op).first; }
  /// The last op inside of `op`.
  int64_t end(Operation *op) const { return spans.lookup(op).second; }

private:
  void number(Region &region, int64_t &next) {
    for (Operation &op : region.getOps()) {
      int64_t first = next++;
      for (Region &inner : op.getRegions())
        number(inner, next);
      spans.insert({&op, {first, next - 1}});
    }
  }
  DenseMap<Operation *, std::pair<int64_t, int64_t>> spans;
};
} // namespace

static bool isBarrier(Operation *op) {
  auto call = dyn_cast<func::CallOp>(op);
  return call && call.getCallee() == "weir_barrier";
}

/// Behind `last`, other threads may still be in front of it, or an iteration behind.
static void liveUntilBarrier(Temporary &life, Operation *last, const TextOrder &order) {
  while (!isa<func::FuncOp>(last)) {
    for (Operation *op = last; op; op = op->getNextNode()) {
      life.last = std::max(life.last, order.end(op));
      if (op != last && isBarrier(op))
        return;
    }
    last = last->getParentOp();
    if (isa<LoopLikeOpInterface>(last))
      life.first = std::min(life.first, order.begin(last));
  }
}

/// When `op` and what may be the same memory is touched: within its block, unless that
/// gives it on.
static Temporary findLife(memref::AllocOp op, const TextOrder &order,
                          const BufferViewFlowAnalysis &aliases) {
  Block *block = op->getBlock(), *top = &op->getParentOfType<func::FuncOp>().front();
  SmallVector<Operation *> users;
  for (Value alias : aliases.resolve(op.getResult()))
    llvm::append_range(users, alias.getUsers());
  bool leaves = llvm::any_of(users, [&](Operation *user) {
    Operation *here = block->findAncestorOpInBlock(*user);
    return !here || here->hasTrait<OpTrait::IsTerminator>();
  });
  if (leaves)
    block = top;
  Operation *first = block->findAncestorOpInBlock(*op);
  Temporary life = {op, order.begin(first), order.end(first), 0};
  Operation *last = first;
  for (Operation *user : users) {
    Operation *here = block->findAncestorOpInBlock(*user);
    life.last = std::max(life.last, order.end(here));
    last = last->isBeforeInBlock(here) ? here : last;
  }
  if (op->getParentOfType<func::FuncOp>()->hasAttr("weir.threads") && !life.isPrivate())
    liveUntilBarrier(life, last, order);
  return life;
}

static FailureOr<SmallVector<Temporary>> findTemporaries(func::FuncOp function) {
  TextOrder order(function);
  BufferViewFlowAnalysis aliases(function);
  SmallVector<Temporary> temporaries;
  bool isKnown = true;
  function.walk([&](memref::AllocOp op) {
    MemRefType type = op.getType();
    if (!type.hasStaticShape() || !type.getLayout().isIdentity()) {
      op.emitError("a temporary of unknown size: ") << type;
      isKnown = false;
      return;
    }
    int64_t bytes = weir::getBufferBytes(type);
    temporaries.push_back(findLife(op, order, aliases));
    temporaries.back().size = llvm::alignTo(bytes, alignment);
  });
  if (!isKnown)
    return failure();
  return temporaries;
}

/// Chooses the offsets; returns the bytes needed.
static int64_t place(MutableArrayRef<Temporary> temporaries) {
  llvm::stable_sort(temporaries, [](const Temporary &a, const Temporary &b) {
    return a.size > b.size;
  });
  int64_t total = 0;
  for (auto [i, next] : llvm::enumerate(temporaries)) {
    SmallVector<std::pair<int64_t, int64_t>> taken;
    for (const Temporary &placed : temporaries.take_front(i))
      if (placed.meets(next))
        taken.push_back({placed.offset, placed.offset + placed.size});
    llvm::sort(taken);
    for (auto [begin, end] : taken) {
      if (next.offset + next.size <= begin)
        break;
      next.offset = std::max(next.offset, end);
    }
    total = std::max(total, next.offset + next.size);
  }
  return total;
}

namespace {
/// The scratch of a function: a block for all threads, then one for each.
class Scratch {
public:
  Scratch(func::FuncOp function, MutableArrayRef<Temporary> temporaries)
      : function(function), temporaries(temporaries), b(function.getBody()) {}
  LogicalResult make();

private:
  Value getOffset(const Temporary &temporary, Value own);

  func::FuncOp function;
  MutableArrayRef<Temporary> temporaries;
  OpBuilder b;
};
} // namespace

/// Where the block of this thread begins.
static Value findOwnBlock(OpBuilder &b, func::FuncOp function, int64_t sharedBytes,
                          int64_t privateBytes) {
  Location loc = function.getLoc();
  auto index = [&](int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  };
  for (BlockArgument argument : function.getArguments()) {
    if (!function.getArgAttr(argument.getArgNumber(), "weir.team"))
      continue;
    Value id = memref::LoadOp::create(b, loc, argument, ValueRange{index(0)});
    id = arith::IndexCastOp::create(b, loc, b.getIndexType(), id);
    Value before = arith::MulIOp::create(b, loc, id, index(privateBytes));
    return arith::AddIOp::create(b, loc, before, index(sharedBytes));
  }
  return index(sharedBytes);
}

Value Scratch::getOffset(const Temporary &temporary, Value own) {
  Location loc = temporary.op->getLoc();
  Value offset = arith::ConstantIndexOp::create(b, loc, temporary.offset);
  return temporary.isPrivate() ? arith::AddIOp::create(b, loc, own, offset) : offset;
}

LogicalResult Scratch::make() {
  auto middle = std::stable_partition(
      temporaries.begin(), temporaries.end(),
      [](const Temporary &temporary) { return !temporary.isPrivate(); });
  size_t numShared = middle - temporaries.begin();
  int64_t sharedBytes = place(temporaries.take_front(numShared));
  int64_t privateBytes = place(temporaries.drop_front(numShared));
  auto threads = function->getAttrOfType<IntegerAttr>("weir.threads");
  int64_t bytes = sharedBytes + privateBytes * (threads ? threads.getInt() : 1);
  auto type = MemRefType::get({bytes}, b.getI8Type());
  auto attributes = b.getDictionaryAttr(b.getNamedAttr("weir.scratch", b.getUnitAttr()));
  unsigned index = function.getNumArguments();
  if (failed(function.insertArgument(index, type, attributes, function.getLoc())))
    return failure();
  Value own;
  if (privateBytes > 0)
    own = findOwnBlock(b, function, sharedBytes, privateBytes);
  for (Temporary &temporary : temporaries) {
    b.setInsertionPoint(temporary.op);
    Value view = memref::ViewOp::create(b, temporary.op.getLoc(), temporary.op.getType(),
                                        function.getArgument(index),
                                        getOffset(temporary, own), ValueRange{});
    temporary.op.replaceAllUsesWith(view);
    temporary.op.erase();
  }
  return success();
}

namespace {
struct PlanScratch : weir::impl::PlanScratchBase<PlanScratch> {
  using PlanScratchBase::PlanScratchBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || function.isPrivate())
      return;
    auto temporaries = findTemporaries(function);
    if (failed(temporaries))
      return signalPassFailure();
    if (failed(Scratch(function, *temporaries).make()))
      return signalPassFailure();
    function.walk([](memref::DeallocOp op) { op.erase(); });
  }
};
} // namespace
