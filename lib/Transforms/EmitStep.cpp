//===- EmitStep.cpp - The functions of a model that runs on a stream ------===//
// All of them say the same plan: a step as it stands, a push without the outputs, a
// prediction with the rings as they are, and a window that leaves the rings full.

#include "EmitStep.h"
#include "EraseDeadOps.h"
#include "StepEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "weir/Analysis/Frequencies.h"
#include "weir/Dialect/Weir/Weir.h"

using namespace mlir;
using namespace weir;

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

std::string StepEmitter::nameOf(BlockArgument input) {
  auto name = window.getArgAttrOfType<StringAttr>(input.getArgNumber(), "weir.input");
  return names.unique(name ? name.getValue() : "input");
}

void StepEmitter::collectStates() {
  states.push_back(
      {names.unique("step"), RankedTensorType::get({}, builder.getI64Type())});
  llvm::DenseSet<Value> ringed;
  for (const PlanNode &node : plan.getNodes()) {
    if (node.kind != PlanNode::Kind::Push)
      continue;
    ringed.insert(node.value);
    auto argument = dyn_cast<BlockArgument>(node.value);
    states.push_back({argument ? nameOf(argument)
                               : names.unique(getNodeName(node.value.getDefiningOp())),
                      node.type, &node, argument});
  }
  for (const PlanNode &node : plan.getNodes()) {
    if (node.kind == PlanNode::Kind::Frequencies)
      for (StringRef part : frequencyStates())
        states.push_back({names.unique((getNodeName(node.op) + "." + part).str()),
                          getFrequencyType(cast<FrequencyOpInterface>(node.op)), nullptr,
                          nullptr, &node});
    if (node.kind != PlanNode::Kind::Retroactive)
      continue;
    auto scores = cast<RankedTensorType>(plan.getMatch(node).scores.getType());
    std::string name = getNodeName(node.op);
    for (auto [part, type] :
         retroactiveStates(*plan.getRetroactiveForm(), scores, node.type))
      states.push_back(
          {names.unique((name + "." + part).str()), type, nullptr, nullptr, &node});
  }
  if (options.entries != Entries::All)
    return;
  for (BlockArgument argument : window.getArguments())
    if (!ringed.contains(argument))
      states.push_back(
          {nameOf(argument), inputType(argument, Signature::Newest), nullptr, argument});
}

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

RankedTensorType StepEmitter::inputType(BlockArgument argument,
                                        Signature::Inputs inputs) {
  auto type = cast<RankedTensorType>(argument.getType());
  const TokenFlow &flow = flows.getFlow(argument);
  if (flow.axes.empty() || inputs == Signature::Whole)
    return type;
  SmallVector<int64_t> shape(type.getShape());
  shape[flow.axes.front().dim] = flow.axes.front().chunk;
  return type.clone(shape);
}

/// Creates a function behind the others of the model; the builder enters it.
func::FuncOp StepEmitter::declare(StringRef name, Signature signature) {
  SmallVector<Type> inputs, outputs;
  SmallVector<DictionaryAttr> inputAttrs, outputAttrs;
  for (BlockArgument argument : window.getArguments()) {
    if (signature.inputs == Signature::None)
      break;
    NamedAttrList attrs(window.getArgAttrDict(argument.getArgNumber()));
    attrs.erase("weir.dims");
    if (ArrayRef<TokenAxis> axes = flows.getFlow(argument).axes; !axes.empty())
      attrs.set("weir.axis", AxisAttr::get(builder.getContext(), axes.front()));
    inputs.push_back(inputType(argument, signature.inputs));
    inputAttrs.push_back(attrs.getDictionary(builder.getContext()));
  }
  for (auto [index, node] : llvm::enumerate(plan.getResults())) {
    if (!signature.givesOutputs)
      break;
    outputs.push_back(node ? Type(node->type) : window.getResultTypes()[index]);
    DictionaryAttr attrs = window.getResultAttrDict(index);
    outputAttrs.push_back(attrs ? attrs : builder.getDictionaryAttr({}));
  }
  for (const StepState &state : states) {
    DictionaryAttr attrs = builder.getDictionaryAttr(
        builder.getNamedAttr("weir.state", builder.getStringAttr(state.name)));
    if (signature.takesStates) {
      inputs.push_back(state.type);
      inputAttrs.push_back(attrs);
    }
    if (signature.givesStates) {
      outputs.push_back(state.type);
      outputAttrs.push_back(attrs);
    }
  }
  builder.setInsertionPointToEnd(window->getBlock());
  auto function =
      func::FuncOp::create(builder, loc, name, builder.getFunctionType(inputs, outputs));
  function.setAllArgAttrs(inputAttrs);
  function.setAllResultAttrs(outputAttrs);
  function->setAttr("weir.entry", builder.getUnitAttr());
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

void StepEmitter::setTiming(func::FuncOp function) {
  int64_t ready = givesEarlyOutputs(options) ? 1 : warmup;
  int64_t full = options.semantics == Semantics::Window ? warmup : 1;
  function->setAttr("weir.warmup", builder.getI64IntegerAttr(ready));
  function->setAttr("weir.full", builder.getI64IntegerAttr(full));
  if (options.semantics != Semantics::Window)
    function->setAttr(
        "weir.semantics",
        builder.getStringAttr(options.semantics == Semantics::Deep ? "deep" : "stream"));
  function->setAttr("weir.skipped", builder.getI64IntegerAttr(skipped));
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

Value StepEmitter::counterOf(func::FuncOp function, unsigned firstState) {
  return tensor::ExtractOp::create(builder, loc, function.getArgument(firstState),
                                   ValueRange());
}

Value StepEmitter::toIndex(Value count) {
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), count);
}

Value StepEmitter::makeCounter(Value count) {
  return tensor::FromElementsOp::create(builder, loc, states.front().type,
                                        ValueRange(count));
}

void StepEmitter::bindInputs(PlanEmitter &emitter, const StepPlan &plan,
                             function_ref<Value(BlockArgument)> valueOf) {
  for (const PlanNode &node : plan.getNodes())
    if (node.kind == PlanNode::Kind::NewTokens || node.kind == PlanNode::Kind::Window)
      emitter.set(&node, valueOf(cast<BlockArgument>(node.value)));
  for (BlockArgument argument : window.getArguments())
    if (flows.getFlow(argument).isStill)
      emitter.setStill(argument, valueOf(argument));
}

void StepEmitter::bindStates(PlanEmitter &emitter, function_ref<Value(size_t)> stateAt) {
  llvm::MapVector<const PlanNode *, SmallVector<Value>> parts;
  for (auto [index, state] : llvm::enumerate(states)) {
    if (state.ring)
      emitter.set(state.ring, stateAt(index));
    if (state.update)
      parts[state.update].push_back(stateAt(index));
  }
  for (auto &[update, values] : parts)
    emitter.setStates(update, values);
}

/// What is to be returned as `state`, a part of what `node` has updated.
Value StepEmitter::nextPart(PlanEmitter &emitter, const StepState &state,
                            const PlanNode *node) {
  size_t part = 0;
  for (const StepState *other = &state;
       other != states.begin() && (other - 1)->update == state.update; --other)
    ++part;
  return emitter.getStates(node)[part];
}

void StepEmitter::appendOutputs(PlanEmitter &emitter, const StepPlan &plan,
                                SmallVectorImpl<Value> &returned) {
  Operation *terminator = window.getBody().front().getTerminator();
  for (auto [index, node] : llvm::enumerate(plan.getResults()))
    returned.push_back(node ? emitter.get(node)
                            : emitter.cloneStill(terminator->getOperand(index)));
}

/// Returns, and drops what nothing needs: a plan is emitted whole.
void StepEmitter::finish(func::FuncOp function, ValueRange returned) {
  func::ReturnOp::create(builder, loc, returned);
  eraseDeadOps(function.getBody().front());
}

Value StepEmitter::makeZeros(const StepState &state) {
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(state.type));
}

/// All states start as zeros; what they hold before the window is full is never used.
void StepEmitter::emitInit() {
  func::FuncOp function = declare("init", {Signature::None, false, false, true});
  SmallVector<Value> zeros;
  for (const StepState &state : states)
    zeros.push_back(makeZeros(state));
  finish(function, zeros);
}

LogicalResult StepEmitter::emitStep(StringRef name, bool givesOutputs) {
  func::FuncOp function = declare(name, {Signature::Newest, true, givesOutputs, true});
  unsigned firstState = window.getNumArguments();
  Value count = counterOf(function, firstState);
  PlanEmitter emitter(builder, flows, plan, options, toIndex(count));
  bindInputs(emitter, plan, [&](BlockArgument argument) {
    return function.getArgument(argument.getArgNumber());
  });
  bindStates(emitter, [&](size_t index) -> Value {
    return function.getArgument(firstState + index);
  });
  if (failed(emitter.emit()))
    return failure();
  SmallVector<Value> returned;
  if (givesOutputs) {
    setTiming(function);
    appendOutputs(emitter, plan, returned);
  }
  Value one = arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), 1);
  returned.push_back(makeCounter(arith::AddIOp::create(builder, loc, count, one)));
  for (const StepState &state : ArrayRef(states).drop_front())
    if (state.ring)
      returned.push_back(emitter.get(state.ring));
    else if (state.update)
      returned.push_back(nextPart(emitter, state, state.update));
    else
      returned.push_back(function.getArgument(state.input.getArgNumber()));
  finish(function, returned);
  return success();
}

/// The step that was pushed last, once more: its tokens are in the states.
LogicalResult StepEmitter::emitPredict() {
  func::FuncOp function = declare("predict", {Signature::None, true, true, false});
  Value one = arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), 1);
  Value count = arith::SubIOp::create(builder, loc, counterOf(function, 0), one);
  Value step = toIndex(count);
  PlanEmitter emitter(builder, flows, plan, options, step);
  emitter.keepStates();
  auto stateAt = [&](size_t index) -> Value { return function.getArgument(index); };
  bindStates(emitter, stateAt);
  llvm::DenseMap<Value, Value> newest;
  for (auto [index, state] : llvm::enumerate(states)) {
    Value value = stateAt(index);
    if (!state.input)
      continue;
    if (state.ring) {
      const TokenAxis &axis = flows.getFlow(state.input).axes.front();
      value = emitter.emitRead(loc, inputType(state.input, Signature::Newest), value,
                               axis, Rows::newest(axis));
    }
    newest[state.input] = value;
  }
  bindInputs(emitter, plan,
             [&](BlockArgument argument) { return newest.lookup(argument); });
  if (failed(emitter.emit()))
    return failure();
  SmallVector<Value> returned;
  appendOutputs(emitter, plan, returned);
  finish(function, returned);
  return success();
}

LogicalResult StepEmitter::emit() {
  for (BlockArgument argument : window.getArguments())
    for (const TokenAxis &axis : flows.getFlow(argument).axes) {
      warmup = std::max<int64_t>(warmup, llvm::divideCeil(axis.tokens, axis.chunk));
      skipped = axis.skippedTokens();
    }
  collectStates();
  emitInit();
  if (failed(emitStep("step", /*givesOutputs=*/true)))
    return failure();
  if (options.entries != Entries::All)
    return success();
  return success(succeeded(emitStep("push", /*givesOutputs=*/false)) &&
                 succeeded(emitPredict()) && succeeded(emitPrime()));
}

LogicalResult weir::emitStep(func::FuncOp window, const TokenFlowAnalysis &flows,
                             const StepPlan &plan, const ContinualOptions &options) {
  return StepEmitter(window, flows, plan, options).emit();
}
