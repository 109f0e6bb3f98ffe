//===- ExportStates.cpp - What the states are called in the file ----------===//
// A state is called by what it is used for: `past_0_key` holds the keys of the first
// softmax over products. One without such a use is called by the node that fills it, or
// the input that it holds: `past_x`.

#include "Exporter.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;

namespace {
/// What a state is in which attention.
struct Role {
  const char *kind = nullptr;
  Operation *softmax = nullptr;
};
} // namespace

/// Ops that carry tokens from an operand to the result one by one.
static bool passesTokens(Operation *op) {
  return isa<onnx::ReshapeOp, onnx::TransposeOp, onnx::SqueezeOp, onnx::UnsqueezeOp,
             onnx::SliceOp, onnx::GatherOp, onnx::ConcatOp, onnx::CastOp, onnx::AddOp,
             onnx::SubOp, onnx::MulOp, onnx::DivOp, onnx::NegOp, onnx::WhereOp,
             onnx::ExpandOp>(op);
}

/// The first op of kind `OpT` behind `value`, through ops that pass tokens.
template <typename OpT>
static OpT findUser(Value value, unsigned depth = 0) {
  constexpr unsigned farthest = 16;
  for (Operation *user : value.getUsers()) {
    if (auto found = dyn_cast<OpT>(user))
      return found;
    if (passesTokens(user) && depth < farthest)
      if (OpT found = findUser<OpT>(user->getResult(0), depth + 1))
        return found;
  }
  return {};
}

/// The softmax that `value` comes from through ops that pass tokens.
static Operation *findSoftmaxBefore(Value value, unsigned depth = 0) {
  constexpr unsigned farthest = 16;
  Operation *op = value.getDefiningOp();
  if (!op || depth > farthest)
    return nullptr;
  if (isa<onnx::SoftmaxOp>(op))
    return op;
  return passesTokens(op) ? findSoftmaxBefore(op->getOperand(0), depth + 1) : nullptr;
}

/// Does `from` reach `product` as its operand `index`?
static bool feeds(Value from, onnx::MatMulOp product, unsigned index) {
  llvm::SmallPtrSet<Operation *, 16> seen;
  SmallVector<Value> work = {product->getOperand(index)};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (value == from)
      return true;
    Operation *op = value.getDefiningOp();
    if (op && passesTokens(op) && seen.insert(op).second)
      llvm::append_range(work, op->getOperands());
  }
  return false;
}

static Role findRole(Value state) {
  auto product = findUser<onnx::MatMulOp>(state);
  if (!product)
    return {};
  bool isRight = feeds(state, product, 1);
  if (getConstantElements(product->getOperand(isRight ? 0 : 1)))
    return {};
  if (Operation *softmax = isRight ? findSoftmaxBefore(product.getA()) : nullptr)
    return {"value", softmax};
  if (auto softmax = findUser<onnx::SoftmaxOp>(product.getY()))
    return {isRight ? "key" : "query", softmax};
  return {};
}

/// Letters, digits and underscores: a name that every runtime and language takes.
static std::string tidy(StringRef name) {
  std::string made;
  for (char c : name)
    if (llvm::isAlnum(c))
      made += c;
    else if (!made.empty() && made.back() != '_')
      made += '_';
  while (!made.empty() && made.back() == '_')
    made.pop_back();
  return made.empty() ? "state" : made;
}

static void nameState(StatePort &port, StringRef layer, StringRef kind, size_t index,
                      StateNames style, NameSet &used) {
  std::string past, present;
  switch (style) {
  case StateNames::Weir: {
    std::string name = (layer + (layer.empty() ? "" : "_") + kind).str();
    past = "past_" + name, present = "present_" + name;
    break;
  }
  case StateNames::HuggingFace: {
    std::string name = (layer + (layer.empty() ? "" : ".") + kind).str();
    past = "past_key_values." + name, present = "present." + name;
    break;
  }
  case StateNames::ContinualInference:
    past = "s" + std::to_string(index), present = "ns" + std::to_string(index);
    break;
  }
  port.input = used.unique(past);
  port.output = used.unique(present);
}

/// All entries of a model call their states alike: as its step does.
static func::FuncOp namingFunction(func::FuncOp function) {
  auto module = function->getParentOfType<ModuleOp>();
  auto step = module ? module.lookupSymbol<func::FuncOp>("step") : func::FuncOp();
  return step ? step : function;
}

static SmallVector<StatePort> findStates(func::FuncOp function) {
  SmallVector<StatePort> ports;
  auto portOf = [&](StringAttr name) -> StatePort & {
    for (StatePort &port : ports)
      if (port.state == name)
        return port;
    ports.emplace_back().state = name.str();
    return ports.back();
  };
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (auto name = function.getArgAttrOfType<StringAttr>(i, "weir.state"))
      portOf(name).argument = i;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (auto name = function.getResultAttrOfType<StringAttr>(i, "weir.state"))
      portOf(name).result = i;
  return ports;
}

SmallVector<StatePort> weir::nameStates(func::FuncOp function, StateNames style,
                                        NameSet &used) {
  func::FuncOp naming = namingFunction(function);
  SmallVector<Operation *> softmaxes;
  naming.walk([&](onnx::SoftmaxOp op) { softmaxes.push_back(op); });
  Operation *terminator = naming.getBody().front().getTerminator();
  llvm::StringMap<StatePort> named;
  for (auto [index, port] : llvm::enumerate(findStates(naming))) {
    Role role;
    if (port.result >= 0 && port.state != "step")
      role = findRole(terminator->getOperand(port.result));
    std::string layer;
    if (role.softmax)
      layer = std::to_string(llvm::find(softmaxes, role.softmax) - softmaxes.begin());
    nameState(port, layer, role.softmax ? role.kind : tidy(port.state), index, style,
              used);
    named[port.state] = port;
  }
  SmallVector<StatePort> ports = findStates(function);
  for (StatePort &port : ports) {
    port.input = named[port.state].input;
    port.output = named[port.state].output;
  }
  return ports;
}
