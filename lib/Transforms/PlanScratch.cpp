//===- PlanScratch.cpp - Put all temporaries into one block ---------------===//
// %a = memref.alloc() : memref<4x8xf32>
//   ==>  %a = memref.view %scratch[%offset][] : memref<512xi8> to memref<4x8xf32>
// Two temporaries share bytes where no op of the function's top level uses both. Largest
// first, each takes the first gap that fits.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_PLANSCRATCH
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;

static constexpr int64_t alignment = 64;

namespace {
/// A temporary: the first and last op of the function's body that may touch it.
struct Temporary {
  memref::AllocOp op;
  int64_t first, last, size;
  int64_t offset = 0;
  bool meets(const Temporary &other) const {
    return first <= other.last && other.first <= last;
  }
};
} // namespace

static FailureOr<SmallVector<Temporary>> findTemporaries(func::FuncOp function) {
  Block &body = function.getBody().front();
  DenseMap<Operation *, int64_t> order;
  for (Operation &op : body)
    order.insert({&op, order.size()});
  auto at = [&](Operation *op) { return order.lookup(body.findAncestorOpInBlock(*op)); };
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
    int64_t bytes =
        type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    Temporary temporary = {op, at(op), at(op),
                           static_cast<int64_t>(llvm::alignTo(bytes, alignment))};
    for (Value alias : aliases.resolve(op.getResult()))
      for (Operation *user : alias.getUsers())
        temporary.last = std::max(temporary.last, at(user));
    temporaries.push_back(temporary);
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
struct PlanScratch : weir::impl::PlanScratchBase<PlanScratch> {
  using PlanScratchBase::PlanScratchBase;
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || function.isPrivate())
      return;
    auto temporaries = findTemporaries(function);
    if (failed(temporaries))
      return signalPassFailure();
    int64_t bytes = place(*temporaries);
    OpBuilder b(function.getBody());
    auto type = MemRefType::get({bytes}, b.getI8Type());
    auto attributes =
        b.getDictionaryAttr(b.getNamedAttr("weir.scratch", b.getUnitAttr()));
    unsigned index = function.getNumArguments();
    if (failed(function.insertArgument(index, type, attributes, function.getLoc())))
      return signalPassFailure();
    for (Temporary &temporary : *temporaries) {
      b.setInsertionPoint(temporary.op);
      Location loc = temporary.op.getLoc();
      Value offset = arith::ConstantIndexOp::create(b, loc, temporary.offset);
      Value view =
          memref::ViewOp::create(b, loc, temporary.op.getType(),
                                 function.getArgument(index), offset, ValueRange{});
      temporary.op.replaceAllUsesWith(view);
      temporary.op.erase();
    }
    function.walk([](memref::DeallocOp op) { op.erase(); });
  }
};
} // namespace
