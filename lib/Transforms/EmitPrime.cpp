//===- EmitPrime.cpp - A first window at once -----------------------------===//
// @prime is the window function, asked for its outputs and for all that the states hold.

#include "StepEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "weir/Dialect/Weir/Weir.h"

using namespace mlir;
using namespace weir;

/// The window function, which is also asked for what the states hold.
StepPlan::Options StepEmitter::primeOptions() {
  StepPlan::Options whole;
  whole.isIncremental = false;
  whole.retroactive = plan.getRetroactiveForm();
  for (const StepState &state : states)
    if (state.ring)
      whole.kept.push_back(state.ring->value);
    else if (state.update && !llvm::is_contained(whole.keptUpdates, state.update->value))
      whole.keptUpdates.push_back(state.update->value);
  return whole;
}

/// States of a plan that start from nothing.
void StepEmitter::bindZeros(PlanEmitter &emitter, const StepPlan &plan) {
  for (const PlanNode &node : plan.getNodes()) {
    if (node.kind != PlanNode::Kind::Retroactive &&
        node.kind != PlanNode::Kind::Frequencies)
      continue;
    SmallVector<Value> zeros;
    for (const StepState &state : states)
      if (state.update && state.update->op == node.op)
        zeros.push_back(makeZeros(state));
    emitter.setStates(&node, zeros);
  }
}

/// The newest tokens of a whole window, or an input without tokens.
Value StepEmitter::newestOf(Value input, const StepState &state) {
  ArrayRef<TokenAxis> axes = flows.getFlow(state.input).axes;
  if (axes.empty() || axes.front().chunk == axes.front().tokens)
    return input;
  const TokenAxis &axis = axes.front();
  return SelectRowsOp::create(builder, loc, state.type, input, axis.dim, axis.inner,
                              axis.tokens, Rows::newest(axis).getPositions());
}

/// The first full window: its outputs, and the rings as that many steps leave them.
LogicalResult StepEmitter::emitPrime() {
  StepPlan::Options whole = primeOptions();
  StepPlan windowPlan(window, flows, whole);
  func::FuncOp function = declare("prime", {Signature::Whole, false, true, true});
  Value step = arith::ConstantIndexOp::create(builder, loc, warmup - 1);
  PlanEmitter emitter(builder, flows, windowPlan, options, step);
  auto inputAt = [&](BlockArgument argument) {
    return function.getArgument(argument.getArgNumber());
  };
  bindInputs(emitter, windowPlan, inputAt);
  bindZeros(emitter, windowPlan);
  if (failed(emitter.emit()))
    return failure();
  SmallVector<Value> returned;
  appendOutputs(emitter, windowPlan, returned);
  returned.push_back(makeCounter(
      arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), warmup)));
  ArrayRef<const PlanNode *> rings = windowPlan.getKept().take_front(whole.kept.size());
  ArrayRef<const PlanNode *> updates = windowPlan.getKept().drop_front(rings.size());
  auto indexOf = [](ArrayRef<Value> values, Value value) {
    return llvm::find(values, value) - values.begin();
  };
  for (const StepState &state : ArrayRef(states).drop_front())
    if (state.ring)
      returned.push_back(emitter.get(rings[indexOf(whole.kept, state.ring->value)]));
    else if (state.update)
      returned.push_back(nextPart(
          emitter, state, updates[indexOf(whole.keptUpdates, state.update->value)]));
    else
      returned.push_back(newestOf(inputAt(state.input), state));
  finish(function, returned);
  return success();
}
