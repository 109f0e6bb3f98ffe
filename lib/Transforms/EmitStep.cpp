//===- EmitStep.cpp - Turn a step plan into functions ---------------------===//

#include "EmitStep.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace weir;

/// Tokens by which the first full window is ahead of a whole number of chunks: the
/// stream starts that many tokens before its first one.
static int64_t skippedTokens(const TokenAxis &axis) {
  return (axis.chunk - axis.tokens % axis.chunk) % axis.chunk;
}

/// The table whose row for the token in slot s is at row s, so that token 0 of the
/// stream has row 0.
static ElementsAttr alignTable(ElementsAttr table, const TokenAxis &axis) {
  SmallVector<int64_t> rows;
  for (int64_t row = 0; row < axis.numRows(); ++row) {
    int64_t token = (row - axis.lead + axis.tokens - skippedTokens(axis)) % axis.tokens;
    rows.push_back(axis.isToken(row) ? axis.lead + token : row);
  }
  return selectRows(table, axis, rows);
}

namespace {
class StepEmitter {
public:
  StepEmitter(func::FuncOp window, const TokenFlowAnalysis &flows, const StepPlan &plan)
      : window(window), flows(flows), plan(plan), builder(window.getContext()) {}

  LogicalResult emit();

private:
  void collectStates();
  std::string uniqueName(StringRef wanted);
  func::FuncOp declareStep();
  void emitInit();
  LogicalResult emitNode(const PlanNode &node);
  LogicalResult emitApply(const PlanNode &node);
  Value emitStill(const PlanNode &node);
  Value emitStillRows(const PlanNode &node, Value value);
  Value cloneStill(Value value);
  void setWarmup(func::FuncOp step);
  RankedTensorType counterType() {
    return RankedTensorType::get({}, builder.getI64Type());
  }
  DictionaryAttr named(StringRef attribute, StringRef name) {
    return builder.getDictionaryAttr(
        builder.getNamedAttr(attribute, builder.getStringAttr(name)));
  }

  func::FuncOp window;
  const TokenFlowAnalysis &flows;
  const StepPlan &plan;
  OpBuilder builder;
  Location loc = builder.getUnknownLoc();
  llvm::DenseMap<const PlanNode *, Value> values;
  std::map<std::pair<Operation *, unsigned>, Value> wholeResults;
  IRMapping still;
  SmallVector<const PlanNode *> rings;
  SmallVector<std::string> ringNames;
  llvm::StringSet<> usedNames;
  Value step;
};
} // namespace

std::string StepEmitter::uniqueName(StringRef wanted) {
  std::string name = wanted.str();
  for (unsigned suffix = 1; !usedNames.insert(name).second; ++suffix)
    name = (wanted + "." + Twine(suffix)).str();
  return name;
}

void StepEmitter::collectStates() {
  usedNames.insert("step");
  for (const PlanNode &node : plan.getNodes()) {
    if (node.kind != PlanNode::Kind::Push)
      continue;
    rings.push_back(&node);
    auto argument = dyn_cast<BlockArgument>(node.value);
    StringAttr input =
        argument
            ? window.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "weir.input")
            : nullptr;
    ringNames.push_back(
        uniqueName(argument ? (input ? input.getValue() : "input")
                            : StringRef(getNodeName(node.value.getDefiningOp()))));
  }
}

/// Creates `@step` with its arguments, and maps the plan's inputs and rings to them.
func::FuncOp StepEmitter::declareStep() {
  SmallVector<Type> inputs, outputs;
  SmallVector<DictionaryAttr> inputAttrs, outputAttrs;
  for (BlockArgument argument : window.getArguments()) {
    const TokenFlow &flow = flows.getFlow(argument);
    auto type = cast<RankedTensorType>(argument.getType());
    NamedAttrList attrs(window.getArgAttrDict(argument.getArgNumber()));
    attrs.erase("weir.dims");
    if (!flow.axes.empty()) {
      const TokenAxis &axis = flow.axes.front();
      attrs.set("weir.axis", AxisAttr::get(builder.getContext(), axis));
      SmallVector<int64_t> shape(type.getShape());
      shape[axis.dim] = axis.chunk;
      type = type.clone(shape);
    }
    inputs.push_back(type);
    inputAttrs.push_back(attrs.getDictionary(builder.getContext()));
  }
  for (auto [index, node] : llvm::enumerate(plan.getResults())) {
    outputs.push_back(node ? Type(node->type) : window.getResultTypes()[index]);
    DictionaryAttr attrs = window.getResultAttrDict(index);
    outputAttrs.push_back(attrs ? attrs : builder.getDictionaryAttr({}));
  }
  auto addState = [&](Type type, StringRef name) {
    for (auto *types : {&inputs, &outputs})
      types->push_back(type);
    for (auto *attrs : {&inputAttrs, &outputAttrs})
      attrs->push_back(named("weir.state", name));
  };
  addState(counterType(), "step");
  for (auto [ring, name] : llvm::zip_equal(rings, ringNames))
    addState(ring->type, name);
  builder.setInsertionPointAfter(window);
  auto function = func::FuncOp::create(builder, loc, "step",
                                       builder.getFunctionType(inputs, outputs));
  function.setAllArgAttrs(inputAttrs);
  function.setAllResultAttrs(outputAttrs);
  function->setAttr("weir.entry", builder.getUnitAttr());
  setWarmup(function);
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

void StepEmitter::setWarmup(func::FuncOp function) {
  int64_t warmup = 0, skipped = 0;
  for (BlockArgument argument : window.getArguments())
    for (const TokenAxis &axis : flows.getFlow(argument).axes) {
      warmup = std::max<int64_t>(warmup, llvm::divideCeil(axis.tokens, axis.chunk));
      skipped = skippedTokens(axis);
    }
  function->setAttr("weir.warmup", builder.getI64IntegerAttr(warmup));
  function->setAttr("weir.skipped", builder.getI64IntegerAttr(skipped));
}

/// All states start as zeros; what they hold before the window is full is never used.
void StepEmitter::emitInit() {
  SmallVector<Type> types = {counterType()};
  SmallVector<DictionaryAttr> attrs = {named("weir.state", "step")};
  for (auto [ring, name] : llvm::zip_equal(rings, ringNames)) {
    types.push_back(ring->type);
    attrs.push_back(named("weir.state", name));
  }
  builder.setInsertionPointAfter(window);
  auto function =
      func::FuncOp::create(builder, loc, "init", builder.getFunctionType({}, types));
  function.setAllResultAttrs(attrs);
  function->setAttr("weir.entry", builder.getUnitAttr());
  builder.setInsertionPointToStart(function.addEntryBlock());
  SmallVector<Value> zeros;
  for (Type type : types)
    zeros.push_back(arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type)));
  func::ReturnOp::create(builder, loc, zeros);
}

/// A still value in the step function: constants are cloned, and so is what was computed
/// from constants alone.
Value StepEmitter::cloneStill(Value value) {
  if (Value known = still.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    cloneStill(operand);
  builder.clone(*op, still);
  return still.lookup(value);
}

Value StepEmitter::emitStill(const PlanNode &node) {
  ElementsAttr constant = node.axes.empty() ? nullptr : getConstantElements(node.value);
  if (!constant)
    return emitStillRows(node, cloneStill(node.value));
  if (node.isRecycled)
    constant = alignTable(constant, node.axes.front());
  else
    for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region))
      if (!rows.isAll() && !rows.isWindowOrder(axis.numRows()))
        constant = selectRows(constant, axis, rows.getPositions());
  if (!constant)
    return nullptr;
  Operation *op = node.value.getDefiningOp();
  Operation *made = op->getDialect()->materializeConstant(
      builder, constant, constant.getType(), op->getLoc());
  if (!made)
    return nullptr;
  Value value = made->getResult(0);
  if (node.isRecycled)
    return node.region[0].isAll()
               ? value
               : RingReadOp::create(builder, op->getLoc(), node.type, value, step,
                                    AxisAttr::get(builder.getContext(), node.axes[0]),
                                    node.region[0].getPositions());
  for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region))
    if (rows.isAll() && !isUniform(constant, axis))
      value = RollOp::create(builder, op->getLoc(), value, step,
                             AxisAttr::get(builder.getContext(), axis));
  return value;
}

/// Rows of a still value whose elements are not known at compile time.
Value StepEmitter::emitStillRows(const PlanNode &node, Value value) {
  for (auto [axis, rows] : llvm::zip_equal(node.axes, node.region)) {
    auto type = cast<RankedTensorType>(value.getType());
    if (rows.isAll()) {
      value = RollOp::create(builder, loc, value, step,
                             AxisAttr::get(builder.getContext(), axis));
      continue;
    }
    SmallVector<int64_t> shape(type.getShape());
    shape[axis.dim] = restrictedSize(shape[axis.dim], axis, rows);
    value = SelectRowsOp::create(builder, loc, type.clone(shape), value, axis.dim,
                                 axis.inner, axis.numRows(), rows.getPositions());
  }
  return value;
}

LogicalResult StepEmitter::emitApply(const PlanNode &node) {
  SmallVector<Value> operands;
  for (const PlanNode *operand : node.operands)
    operands.push_back(values.lookup(operand));
  if (node.kind == PlanNode::Kind::Whole) {
    Value &result = wholeResults[{node.op, node.resultNumber}];
    if (!result) {
      Operation *clone = builder.clone(*node.op);
      clone->setOperands(operands);
      for (OpResult made : clone->getResults())
        wholeResults[{node.op, made.getResultNumber()}] = made;
    }
    values[&node] = wholeResults[{node.op, node.resultNumber}];
    return success();
  }
  RowsRequest request{operands, node.type, node.axes, node.region,
                      *flows.getTransfer(node.op)};
  FailureOr<Value> made =
      cast<TokenFlowOpInterface>(node.op).buildOnRows(builder, request);
  if (failed(made))
    return node.op->emitOpError("cannot be computed on some rows only");
  values[&node] = *made;
  return success();
}

LogicalResult StepEmitter::emitNode(const PlanNode &node) {
  MLIRContext *context = builder.getContext();
  auto operand = [&] { return values.lookup(node.operands.front()); };
  auto axis = [&] { return AxisAttr::get(context, node.axis); };
  Location at = node.value.getLoc();
  switch (node.kind) {
  case PlanNode::Kind::Nothing:
  case PlanNode::Kind::NewTokens:
  case PlanNode::Kind::Window:
  case PlanNode::Kind::Push: {
    // Arguments are mapped already; a ring now becomes what the push leaves.
    if (node.kind == PlanNode::Kind::Push)
      values[&node] = RingPushOp::create(builder, at, operand(), values.lookup(&node),
                                         step, axis(), node.to.getPositions());
    return success();
  }
  case PlanNode::Kind::Still:
    values[&node] = emitStill(node);
    if (!values[&node])
      return emitError(at) << "a constant without readable elements varies along the "
                              "token axis";
    return success();
  case PlanNode::Kind::Apply:
  case PlanNode::Kind::Whole:
    return emitApply(node);
  case PlanNode::Kind::Read:
    values[&node] = RingReadOp::create(builder, at, node.type, operand(), step, axis(),
                                       node.to.getPositions());
    return success();
  case PlanNode::Kind::Roll:
    values[&node] = RollOp::create(builder, at, operand(), step, axis());
    return success();
  case PlanNode::Kind::Select: {
    SmallVector<int64_t> indices;
    for (int64_t position : node.to.getPositions())
      indices.push_back(llvm::find(node.from.getPositions(), position) -
                        node.from.getPositions().begin());
    values[&node] = SelectRowsOp::create(builder, at, node.type, operand(), node.axis.dim,
                                         node.axis.inner,
                                         node.from.size(node.axis.numRows()), indices);
    return success();
  }
  }
  return failure();
}

LogicalResult StepEmitter::emit() {
  collectStates();
  func::FuncOp function = declareStep();
  unsigned numInputs = window.getNumArguments();
  for (const PlanNode &node : plan.getNodes())
    if (node.kind == PlanNode::Kind::NewTokens || node.kind == PlanNode::Kind::Window)
      values[&node] =
          function.getArgument(cast<BlockArgument>(node.value).getArgNumber());
  for (BlockArgument argument : window.getArguments())
    if (flows.getFlow(argument).isStill)
      still.map(argument, function.getArgument(argument.getArgNumber()));
  Value counter = function.getArgument(numInputs);
  for (auto [index, ring] : llvm::enumerate(rings))
    values[ring] = function.getArgument(numInputs + 1 + index);
  Value count = tensor::ExtractOp::create(builder, loc, counter, ValueRange());
  step = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), count);
  for (const PlanNode &node : plan.getNodes())
    if (failed(emitNode(node)))
      return failure();
  SmallVector<Value> returned;
  Operation *terminator = window.getBody().front().getTerminator();
  for (auto [index, node] : llvm::enumerate(plan.getResults()))
    returned.push_back(node ? values.lookup(node)
                            : cloneStill(terminator->getOperand(index)));
  Value one = arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), 1);
  Value next = arith::AddIOp::create(builder, loc, count, one);
  returned.push_back(
      tensor::FromElementsOp::create(builder, loc, counterType(), ValueRange(next)));
  for (const PlanNode *ring : rings)
    returned.push_back(values.lookup(ring));
  func::ReturnOp::create(builder, loc, returned);
  emitInit();
  return success();
}

LogicalResult weir::emitStep(func::FuncOp window, const TokenFlowAnalysis &flows,
                             const StepPlan &plan) {
  return StepEmitter(window, flows, plan).emit();
}

LogicalResult weir::emitRecycledWindow(func::FuncOp window,
                                       const TokenFlowAnalysis &flows) {
  OpBuilder builder(window.getContext());
  builder.setInsertionPointAfter(window);
  IRMapping mapping;
  auto recycled = cast<func::FuncOp>(builder.clone(*window, mapping));
  recycled.setName("window_recycled");
  auto counterType = RankedTensorType::get({}, builder.getI64Type());
  NamedAttribute name = builder.getNamedAttr("weir.step", builder.getUnitAttr());
  if (failed(recycled.insertArgument(recycled.getNumArguments(), counterType,
                                     builder.getDictionaryAttr(name), window.getLoc())))
    return failure();
  Block &body = recycled.getBody().front();
  builder.setInsertionPointToStart(&body);
  Value count =
      tensor::ExtractOp::create(builder, window.getLoc(), body.getArguments().back(), {});
  Value step =
      arith::IndexCastOp::create(builder, window.getLoc(), builder.getIndexType(), count);
  for (const PositionTable &table : flows.getPositionTables()) {
    Operation *producer = table.use->get().getDefiningOp();
    Operation *user = mapping.lookup(table.use->getOwner());
    builder.setInsertionPoint(user);
    ElementsAttr aligned = alignTable(getConstantElements(table.use->get()), table.axis);
    Operation *constant = producer->getDialect()->materializeConstant(
        builder, aligned, aligned.getType(), producer->getLoc());
    Rows all = Rows::range(0, table.axis.numRows());
    Value rows = RingReadOp::create(
        builder, user->getLoc(), constant->getResult(0).getType(), constant->getResult(0),
        step, AxisAttr::get(builder.getContext(), table.axis), all.getPositions());
    user->setOperand(table.use->getOperandNumber(), rows);
  }
  return success();
}
