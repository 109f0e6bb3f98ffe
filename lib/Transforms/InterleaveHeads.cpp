//===- InterleaveHeads.cpp - Put small heads side by side in rings --------===//
// ring [.., tokens, heads * features]  ==>  ring [.., tokens, features, heads]
// Keys and values of a query then stand as vectors over heads: a head of 12 features
// fills no vector, and to sum along it costs more than its products do. Legal where
// nothing but attentions of few queries reads the ring; all functions of the module
// change alike.

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Dialect/Weir/States.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/Remarks.h"
#include "weir/Support/TensorTypes.h"
#include "weir/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include <numeric>

namespace weir {
#define GEN_PASS_DEF_INTERLEAVEHEADS
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// More queries are a product of matrices, for which rings are laid out anew.
static constexpr int64_t mostQueries = 7;
/// Of as many features a head fills the vectors of every target.
static constexpr int64_t enoughFeatures = 32;
/// Fewer fill none.
static constexpr int64_t fewestHeads = 4;

namespace {
/// The dimensions of a ring with heads and features apart:
///   1x120x192, 16 heads of 12   shape 1x120x16x12, heads = 2, tokens = 1
struct Split {
  SmallVector<int64_t> shape;
  int64_t heads, tokens;

  bool operator==(const Split &other) const {
    return shape == other.shape && heads == other.heads && tokens == other.tokens;
  }
  /// Heads go last.
  SmallVector<int64_t> getOrder() const {
    SmallVector<int64_t> order(shape.size());
    std::iota(order.begin(), order.end(), 0);
    order.erase(order.begin() + heads);
    order.push_back(heads);
    return order;
  }
  SmallVector<int64_t> getInverse() const {
    SmallVector<int64_t> order = getOrder(), inverse(order.size());
    for (auto [to, from] : llvm::enumerate(order))
      inverse[from] = to;
    return inverse;
  }
  RankedTensorType getInterleaved(Type element) const {
    SmallVector<int64_t> sizes;
    for (int64_t dim : getOrder())
      sizes.push_back(shape[dim]);
    return RankedTensorType::get(sizes, element);
  }
};

/// A ring that an attention reads, by the name of its state.
struct Ring {
  StringAttr state;
  Split split;
};

class Interleaver {
public:
  explicit Interleaver(ModuleOp module);
  void run();

private:
  void findAttentions();
  void dropRing(StringAttr state);
  /// The use that keeps a ring as it is; null where there is none.
  Operation *findOtherUse(func::FuncOp function, Value ring, StringAttr state);
  bool isReadByAttentions(Value view);
  void change(func::FuncOp function);
  void replaceRing(Value ring, Value fresh, const Split &split);

  SmallVector<func::FuncOp> functions;
  llvm::MapVector<Operation *, std::pair<StringAttr, StringAttr>> attentions;
  llvm::MapVector<StringAttr, Split> rings;
  DenseSet<Value> changed;
};
} // namespace

/// Keys or values [.., heads, tokens, features] that are a ring, reshaped, transposed.
static std::optional<Ring> findRing(Value operand) {
  int64_t rank = typeOf(operand).getRank();
  if (rank < 3)
    return std::nullopt;
  SmallVector<int64_t> dims(rank);
  std::iota(dims.begin(), dims.end(), 0);
  while (auto transpose = operand.getDefiningOp<TransposeOp>()) {
    ArrayAttr perm = transpose.getPermAttr();
    for (int64_t &dim : dims)
      dim = perm ? cast<IntegerAttr>(perm[dim]).getInt() : rank - 1 - dim;
    operand = transpose.getData();
  }
  Ring ring;
  llvm::append_range(ring.split.shape, shapeOf(operand));
  ring.split.heads = dims[rank - 3];
  ring.split.tokens = dims[rank - 2];
  if (dims[rank - 1] != rank - 1)
    return std::nullopt;
  if (auto reshape = operand.getDefiningOp<ReshapeOp>()) {
    SmallVector<int64_t> joined(ring.split.shape);
    joined[rank - 2] *= joined.pop_back_val();
    operand = reshape.getData();
    if (ring.split.heads != rank - 2 || shapeOf(operand) != ArrayRef(joined))
      return std::nullopt;
  }
  while (auto push = operand.getDefiningOp<RingPushOp>())
    operand = push.getRing();
  ring.state = getState(operand);
  return ring.state ? std::optional(ring) : std::nullopt;
}

Interleaver::Interleaver(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal())
      functions.push_back(function);
}

static bool isSmall(const Split &split) {
  return split.shape.back() < enoughFeatures && split.shape[split.heads] >= fewestHeads;
}

void Interleaver::findAttentions() {
  SmallVector<StringAttr> ambiguous;
  for (func::FuncOp function : functions)
    function.walk([&](weir::AttentionOp op) {
      std::optional<Ring> keys = findRing(op.getK()), values = findRing(op.getV());
      if (op.numQueries() > mostQueries || !keys || !values || !isSmall(keys->split) ||
          !isSmall(values->split))
        return;
      attentions[op] = {keys->state, values->state};
      for (const Ring &ring : {*keys, *values})
        if (!(rings.insert({ring.state, ring.split}).first->second == ring.split))
          ambiguous.push_back(ring.state);
    });
  llvm::for_each(ambiguous, [&](StringAttr state) { dropRing(state); });
}

/// What one ring of an attention is, the other is as well.
void Interleaver::dropRing(StringAttr state) {
  if (!rings.erase(state))
    return;
  SmallVector<StringAttr> others;
  attentions.remove_if([&](auto &entry) {
    auto [keys, values] = entry.second;
    if (keys != state && values != state)
      return false;
    others.push_back(keys == state ? values : keys);
    return true;
  });
  llvm::for_each(others, [&](StringAttr other) { dropRing(other); });
}

bool Interleaver::isReadByAttentions(Value view) {
  return llvm::all_of(view.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<TransposeOp>(user))
      return isReadByAttentions(user->getResult(0));
    return attentions.contains(user) && use.getOperandNumber() > 0;
  });
}

Operation *Interleaver::findOtherUse(func::FuncOp function, Value ring,
                                     StringAttr state) {
  const Split &split = rings.find(state)->second;
  bool isSplit = shapeOf(ring) == ArrayRef(split.shape);
  for (OpOperand &use : ring.getUses()) {
    Operation *user = use.getOwner();
    if (auto push = dyn_cast<RingPushOp>(user)) {
      if (push.getRing() != ring || push.getRows() == ring ||
          push.getAxis().getDim() != split.tokens)
        return user;
      if (Operation *other = findOtherUse(function, push.getResult(), state))
        return other;
    } else if (isa<func::ReturnOp>(user)) {
      if (function.getResultAttr(use.getOperandNumber(), "weir.state") != state)
        return user;
    } else if (isSplit && isa<TransposeOp>(user)) {
      if (!isReadByAttentions(user->getResult(0)))
        return user;
    } else if (!isSplit && isa<ReshapeOp>(user) &&
               shapeOf(user->getResult(0)) == ArrayRef(split.shape)) {
      if (!isReadByAttentions(user->getResult(0)))
        return user;
    } else if (!isSplit || !attentions.contains(user)) {
      return user;
    }
  }
  return nullptr;
}

/// [.., tokens, heads * features] or what `split` says ==> [.., features, heads]
static Value interleave(OnnxBuilder &make, Value value, const Split &split) {
  SmallVector<int64_t> shape(split.shape);
  shape[split.tokens] = shapeOf(value)[split.tokens];
  return make.transpose(make.reshape(value, shape), split.getOrder());
}

/// Lets what used `ring` use `fresh`, which has its heads last.
void Interleaver::replaceRing(Value ring, Value fresh, const Split &split) {
  OpBuilder b(fresh.getContext());
  b.setInsertionPointAfterValue(fresh);
  OnnxBuilder make(b, fresh.getLoc());
  Value view; // as it was
  for (OpOperand &use : llvm::make_early_inc_range(ring.getUses())) {
    Operation *user = use.getOwner();
    if (auto push = dyn_cast<RingPushOp>(user)) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(push);
      OnnxBuilder make(b, push.getLoc());
      TokenAxis axis = push.getAxis().toAxis();
      axis.dim -= split.heads < split.tokens;
      Value pushed = RingPushOp::create(
          b, push.getLoc(), fresh.getType(), interleave(make, push.getRows(), split),
          fresh, push.getStep(), AxisAttr::get(b.getContext(), axis),
          push.getPositions());
      replaceRing(push.getResult(), pushed, split);
      push.erase();
    } else if (isa<func::ReturnOp>(user)) {
      use.set(fresh);
    } else {
      if (!view)
        view = make.transpose(fresh, split.getInverse());
      if (isa<ReshapeOp>(user)) {
        user->getResult(0).replaceAllUsesWith(view);
        user->erase();
      } else {
        use.set(view);
      }
    }
  }
  changed.insert(fresh);
}

void Interleaver::change(func::FuncOp function) {
  Block &body = function.front();
  for (BlockArgument argument : body.getArguments()) {
    auto found = rings.find(getState(argument));
    if (found == rings.end())
      continue;
    const Split &split = found->second;
    // Stands in for the argument while its type changes.
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    Operation *old = UnrealizedConversionCastOp::create(b, argument.getLoc(),
                                                        argument.getType(), argument);
    argument.replaceAllUsesExcept(old->getResult(0), old);
    argument.setType(split.getInterleaved(typeOf(argument).getElementType()));
    replaceRing(old->getResult(0), argument, split);
    old->erase();
  }
  Operation *end = body.getTerminator();
  OpBuilder b(end);
  for (OpOperand &result : end->getOpOperands()) {
    auto state =
        function.getResultAttrOfType<StringAttr>(result.getOperandNumber(), "weir.state");
    auto found = rings.find(state);
    if (state && found != rings.end() && !changed.contains(result.get())) {
      OnnxBuilder make(b, result.get().getLoc());
      result.set(interleave(make, result.get(), found->second));
    }
  }
  function.setType(b.getFunctionType(body.getArgumentTypes(), end->getOperandTypes()));
}

void Interleaver::run() {
  findAttentions();
  // A ring that stays may make others stay, whose attentions are others' uses then.
  for (bool settled = false; !settled;) {
    settled = true;
    for (func::FuncOp function : functions)
      for (BlockArgument argument : function.getArguments()) {
        StringAttr state = getState(argument);
        if (!state || !rings.contains(state))
          continue;
        if (Operation *other = findOtherUse(function, argument, state)) {
          (void)missed(other, "reads the ring '{0}' as it is: its heads stay apart",
                       state.getValue());
          dropRing(state);
          settled = false;
        }
      }
  }
  if (!rings.empty())
    llvm::for_each(functions, [&](func::FuncOp function) { change(function); });
}

namespace {
struct InterleaveHeads : weir::impl::InterleaveHeadsBase<InterleaveHeads> {
  using InterleaveHeadsBase::InterleaveHeadsBase;
  void runOnOperation() override { Interleaver(getOperation()).run(); }
};
} // namespace
