//===- TokenFlow.cpp - Which values slide, and why the others do not ------===//

#include "weir/Analysis/TokenFlow.h"
#include "LinearForms.h"
#include "mlir/IR/Matchers.h"
#include "weir/Support/HostTensor.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace weir;

TokenFlowAnalysis::TokenFlowAnalysis(func::FuncOp function,
                                     ArrayRef<std::optional<TokenAxis>> argumentAxes,
                                     Options options)
    : options(options) {
  do
    run(function, argumentAxes);
  while (spreadWants());
}

TokenFlowAnalysis::~TokenFlowAnalysis() = default;

void TokenFlowAnalysis::run(func::FuncOp function,
                            ArrayRef<std::optional<TokenAxis>> argumentAxes) {
  flows.clear();
  transfers.clear();
  tables.clear();
  forms = std::make_unique<LinearForms>(*this);
  numTokenSoftmaxes = numMisaligned = 0;
  for (auto [argument, axis] : llvm::zip_equal(function.getArguments(), argumentAxes)) {
    TokenFlow &flow = flows[argument];
    flow.isStill = !axis;
    if (!axis)
      continue;
    if (!streamed)
      streamed = axis;
    flow.axes.push_back(*axis);
    if (axis->chunk < axis->tokens)
      flow.margins.push_back({0, axis->chunk});
    else
      flow.reason = "every step brings a whole window";
  }
  for (Operation &op : function.getBody().front())
    visit(&op);
}

void TokenFlowAnalysis::want(Value value, const TokenAxis &axis) {
  auto &known = wants[value];
  if (llvm::is_contained(known, axis))
    return;
  known.push_back(axis);
  newWants.emplace_back(value, axis);
}

/// Hands wants on to the ops before; true when one of them adopts an axis.
bool TokenFlowAnalysis::spreadWants() {
  bool adopts = false;
  while (!newWants.empty()) {
    auto [value, axis] = newWants.pop_back_val();
    Operation *op = value.getDefiningOp();
    const FlowTransfer *transfer = op ? getTransfer(op) : nullptr;
    if (!transfer || transfer->isWhole || value != op->getResult(0))
      continue;
    FlowTransfer adopting = *transfer;
    for (const AxisWant &wanted : adoptAxis(op, axis, adopting))
      want(op->getOperand(wanted.operand), wanted.axis);
    adopts |= adopting.axes.size() > transfer->axes.size();
  }
  return adopts;
}

/// What the op wants of its operands in order to carry `axis`, unless it adopts it.
SmallVector<AxisWant> TokenFlowAnalysis::adoptAxis(Operation *op, const TokenAxis &axis,
                                                   FlowTransfer &transfer) {
  bool isFree = llvm::none_of(
      transfer.axes, [&](const TokenAxis &other) { return other.dim == axis.dim; });
  auto interface = dyn_cast<TokenFlowOpInterface>(op);
  if (!interface || !isFree || transfer.axes.size() > 1)
    return {};
  SmallVector<TokenFlow> operands;
  for (Value operand : op->getOperands())
    operands.push_back(getFlow(operand));
  return interface.adoptAxis(operands, axis, transfer);
}

const TokenFlow &TokenFlowAnalysis::getFlow(Value value) const {
  auto found = flows.find(value);
  assert(found != flows.end() && "a value of another function");
  return found->second;
}

unsigned TokenFlowAnalysis::countSliding() const {
  return llvm::count_if(flows, [](const auto &entry) { return entry.second.slides(); });
}

const FlowTransfer *TokenFlowAnalysis::getTransfer(Operation *op) const {
  auto found = transfers.find(op);
  return found == transfers.end() ? nullptr : &found->second;
}

bool TokenFlowAnalysis::isPositionTable(OpOperand &use) const {
  return llvm::any_of(tables,
                      [&](const PositionTable &table) { return table.use == &use; });
}

/// The first of `operands` that a step changes otherwise than by moving its tokens.
static const TokenFlow *firstFull(ArrayRef<TokenFlow> operands) {
  for (const TokenFlow &flow : operands)
    if (!flow.isStill && !flow.slides() && flow.culprit)
      return &flow;
  return nullptr;
}

/// The first of `operands` that a step changes.
static const TokenFlow *firstMoving(ArrayRef<TokenFlow> operands) {
  for (const TokenFlow &flow : operands)
    if (!flow.isStill)
      return &flow;
  return nullptr;
}

void TokenFlowAnalysis::visit(Operation *op) {
  SmallVector<TokenFlow> operands;
  for (Value operand : op->getOperands())
    operands.push_back(getFlow(operand));
  const TokenFlow *moving = firstMoving(operands);
  if (!moving) {
    for (Value result : op->getResults())
      flows[result].isStill = true;
    return;
  }
  bool hasAxes =
      llvm::any_of(operands, [](const TokenFlow &flow) { return !flow.axes.empty(); });
  FlowTransfer transfer;
  auto interface = dyn_cast<TokenFlowOpInterface>(op);
  std::optional<TokenAxis> made;
  if (interface && streamed)
    made = interface.getMadeAxis(*streamed);
  hasAxes |= made.has_value();
  if (!hasAxes)
    transfer = FlowTransfer::whole(moving->reason);
  else if (!interface)
    transfer = FlowTransfer::whole(
        llvm::formatv("'{0}' mixes tokens in a way that is not known", op->getName()));
  else
    transfer = interface.transferTokenFlow(operands);
  if (made && !transfer.isWhole)
    transfer.insertAxis(*made);
  if (op->getNumResults() > 0 && hasAxes && !transfer.isWhole)
    for (const TokenAxis &axis : wants.lookup(op->getResult(0)))
      adoptAxis(op, axis, transfer);
  // What an op makes of all tokens is no news where one of its operands was full before.
  const TokenFlow *full = transfer.isWhole ? firstFull(operands) : nullptr;
  for (Value result : op->getResults()) {
    flows[result].culprit = full ? full->culprit : hasAxes ? op : moving->culprit;
    flows[result].reason = full ? full->reason : transfer.reason;
  }
  if (op->getNumResults() > 0)
    join(op, transfer, flows[op->getResult(0)]);
  for (unsigned i = 1; transfer.sharesAxes && i < op->getNumResults(); ++i)
    flows[op->getResult(i)] = flows[op->getResult(0)];
  transfers[op] = std::move(transfer);
}

/// Adds what one operand says to the margins of the result; false when it ends sliding.
bool TokenFlowAnalysis::joinOperand(OpOperand &operand, ArrayRef<AxisUse> uses,
                                    const FlowTransfer &transfer, TokenFlow &flow) {
  const TokenFlow &source = flows[operand.get()];
  if (source.isStill)
    return joinConstant(operand, uses, transfer, flow);
  Operation *op = operand.getOwner();
  auto stop = [&](std::string reason, Operation *culprit) {
    if (flow.reason.empty()) {
      flow.reason = std::move(reason);
      flow.culprit = culprit;
    }
    return false;
  };
  for (const AxisUse &use : uses)
    if (!source.axisInDim(use.axis.dim))
      want(operand.get(), use.axis);
  numMisaligned += llvm::any_of(
      uses, [&](const AxisUse &use) { return !source.axisReadAs(use.axis); });
  if (!source.slides())
    return stop(source.reason, source.culprit);
  flow.isRounded |= source.isRounded;
  for (const AxisUse &use : uses) {
    std::optional<unsigned> index = source.axisReadAs(use.axis);
    if (!index)
      return stop("the token axes of the operands do not line up", op);
    Margins own = source.margins[*index];
    int64_t fineness = use.axis.tokens / source.axes[*index].tokens;
    std::optional<Margins> margins = use.map.carry(
        use.axis, {own.left * fineness, own.right * fineness}, transfer.axes);
    if (!margins)
      return stop(transfer.reason.empty() ? "reads all tokens" : transfer.reason, op);
    Margins &joined = flow.margins[*use.map.constrainedAxis()];
    if (!options.keepsPast)
      joined.left = std::max(joined.left, margins->left);
    joined.right = std::max(joined.right, margins->right);
  }
  return true;
}

bool TokenFlowAnalysis::joinConstant(OpOperand &operand, ArrayRef<AxisUse> uses,
                                     const FlowTransfer &transfer, TokenFlow &flow) {
  SmallVector<TokenAxis, 2> axes;
  for (const AxisUse &use : uses)
    axes.push_back(use.axis);
  if (axes.empty())
    return true;
  ElementsAttr constant = getConstantElements(operand.get());
  if (constant && slidesBitwise(constant, axes))
    return true;
  if (constant && transfer.isAdditive && axes.size() == 1 && transfer.axes.size() == 1) {
    tables.push_back({&operand, axes.front()});
    if (options.recyclePositions)
      return true;
  }
  if (flow.reason.empty()) {
    flow.reason = transfer.reason.empty() ? "a constant varies along the token axis"
                                          : transfer.reason;
    flow.culprit = operand.getOwner();
  }
  return false;
}

/// Joins the margins of all operands; false where the result does not slide.
bool TokenFlowAnalysis::joinOperands(Operation *op, const FlowTransfer &transfer,
                                     TokenFlow &flow) {
  bool slides = !transfer.axes.empty();
  numTokenSoftmaxes += transfer.meetsKeys;
  for (OpOperand &operand : op->getOpOperands()) {
    ArrayRef<AxisUse> uses = transfer.uses[operand.getOperandNumber()];
    slides &= joinOperand(operand, uses, transfer, flow);
    numTokenSoftmaxes += llvm::any_of(uses, [&](const AxisUse &use) {
      return use.map.getKind() == RowMap::Kind::Normalize && transfer.axes.size() == 2;
    });
  }
  if (slides || options.isExact)
    return slides;
  std::optional<SmallVector<Margins, 2>> margins = forms->productMargins(op, transfer);
  if (margins) {
    flow.margins = *margins;
    flow.isRounded = true;
  }
  return margins.has_value();
}

void TokenFlowAnalysis::join(Operation *op, const FlowTransfer &transfer,
                             TokenFlow &flow) {
  flow.axes = transfer.axes;
  flow.band = transfer.band;
  if (!transfer.isWhole) {
    flow.reason.clear();
    for (const TokenAxis &axis : transfer.axes)
      flow.margins.push_back({0, axis.chunk});
    bool slides = joinOperands(op, transfer, flow);
    for (auto [axis, margins] : llvm::zip_equal(transfer.axes, flow.margins))
      if (slides && margins.left + margins.right >= axis.tokens) {
        slides = false;
        flow.reason = "the new rows cover the window";
        flow.culprit = op;
      }
    if (slides) {
      flow.reason.clear();
      flow.culprit = nullptr;
      return;
    }
    if (flow.reason.empty())
      flow.reason = transfer.reason;
  }
  flow.margins.clear();
}
