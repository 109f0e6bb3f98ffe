//===- PackStates.cpp - Join states into one tensor -----------------------===//
// @step(x, a, b) -> (y, a', b')  ==>  @step(x, s) -> (y, s')
// where s is a and b, flattened, one behind the other. States of one floating-point type
// only; counters and masks stay.

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Transforms/Passes.h"

namespace weir {
#define GEN_PASS_DEF_PACKSTATES
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// Where states lie in the joined one.
struct Packing {
  struct Part {
    RankedTensorType type;
    int64_t offset;
  };
  llvm::StringMap<Part> parts;
  SmallVector<std::string> order;
  RankedTensorType type;
};
} // namespace

static constexpr StringLiteral packedName = "states";

/// The states of `step` that have the type of its first floating-point one.
static Packing planPacking(func::FuncOp step) {
  Packing packing;
  int64_t size = 0;
  Type element;
  for (BlockArgument argument : step.getArguments()) {
    auto name = step.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "weir.state");
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!name || !type || !isa<FloatType>(type.getElementType()))
      continue;
    if (!element)
      element = type.getElementType();
    if (type.getElementType() != element)
      continue;
    packing.parts[name.getValue()] = {type, size};
    packing.order.push_back(name.str());
    size += type.getNumElements();
  }
  if (element)
    packing.type = RankedTensorType::get({size}, element);
  return packing;
}

static DictionaryAttr packedAttrs(MLIRContext *context) {
  Builder b(context);
  return b.getDictionaryAttr(b.getNamedAttr("weir.state", b.getStringAttr(packedName)));
}

/// Arguments become slices of one argument at the end.
static void packArguments(func::FuncOp function, const Packing &packing) {
  llvm::BitVector packed(function.getNumArguments());
  for (unsigned i = 0; i < packed.size(); ++i)
    if (auto name = function.getArgAttrOfType<StringAttr>(i, "weir.state"))
      if (packing.parts.contains(name))
        packed.set(i);
  if (packed.none())
    return;
  unsigned last = function.getNumArguments();
  (void)function.insertArgument(last, packing.type, packedAttrs(function.getContext()),
                                function.getLoc());
  OpBuilder builder(function.getContext());
  builder.setInsertionPointToStart(&function.getBody().front());
  OnnxBuilder b(builder, function.getLoc());
  Value all = function.getArgument(last);
  for (unsigned i : packed.set_bits()) {
    auto name = function.getArgAttrOfType<StringAttr>(i, "weir.state");
    const Packing::Part &part = packing.parts.find(name)->second;
    Value flat = b.slice(all, 0, part.offset, part.offset + part.type.getNumElements());
    function.getArgument(i).replaceAllUsesWith(b.reshape(flat, part.type.getShape()));
  }
  packed.resize(last + 1);
  (void)function.eraseArguments(packed);
}

/// Results become parts of one result at the end.
static void packResults(func::FuncOp function, const Packing &packing) {
  Operation *terminator = function.getBody().front().getTerminator();
  llvm::BitVector packed(function.getNumResults());
  llvm::StringMap<Value> values;
  for (unsigned i = 0; i < packed.size(); ++i) {
    auto name = function.getResultAttrOfType<StringAttr>(i, "weir.state");
    if (!name || !packing.parts.contains(name))
      continue;
    packed.set(i);
    values[name] = terminator->getOperand(i);
  }
  if (packed.none())
    return;
  OpBuilder builder(terminator);
  OnnxBuilder b(builder, function.getLoc());
  SmallVector<Value> flat;
  for (StringRef name : packing.order) {
    Value value = values.lookup(name);
    flat.push_back(
        b.reshape(value, {cast<RankedTensorType>(value.getType()).getNumElements()}));
  }
  Value all = flat.size() == 1 ? flat.front() : b.make<ConcatOp>(flat, 0);
  SmallVector<Value> returned;
  for (auto [index, value] : llvm::enumerate(terminator->getOperands()))
    if (!packed[index])
      returned.push_back(value);
  terminator->setOperands(returned);
  (void)function.eraseResults(packed);
  (void)function.insertResult(function.getNumResults(), packing.type,
                              packedAttrs(function.getContext()));
  terminator->insertOperands(terminator->getNumOperands(), all);
}

namespace {
struct PackStates : weir::impl::PackStatesBase<PackStates> {
  using PackStatesBase::PackStatesBase;
  void runOnOperation() override {
    auto step = getOperation().lookupSymbol<func::FuncOp>("step");
    Packing packing = step ? planPacking(step) : Packing();
    if (packing.order.size() < 2)
      return;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      packArguments(function, packing);
      packResults(function, packing);
    }
  }
};
} // namespace
