//===- StepCost.cpp - What a planned step costs ---------------------------===//

#include "weir/Analysis/Frequencies.h"
#include "weir/Analysis/StepPlan.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;

SmallVector<std::pair<StringRef, RankedTensorType>>
weir::retroactiveStates(RetroactiveForm form, RankedTensorType scores,
                        RankedTensorType result) {
  RankedTensorType rows = scores.clone(scores.getShape().drop_back());
  auto integers = [&](RankedTensorType type) {
    return RankedTensorType::get(type.getShape(),
                                 IntegerType::get(scores.getContext(), 64));
  };
  SmallVector<std::pair<StringRef, RankedTensorType>> states = {
      {"reference", rows}, {"normalizer", rows}, {"bound", rows}, {"weighted", result}};
  states.push_back(
      {"rebuilt", integers(RankedTensorType::get(2, rows.getElementType()))});
  if (form == RetroactiveForm::Shadow)
    states.append({{"left", integers(rows)},
                   {"shadow_reference", rows},
                   {"shadow_normalizer", rows},
                   {"shadow_weighted", result}});
  return states;
}

/// Two sums gain each token that enters, two lose it when it leaves, two shadow sums gain
/// it; then two are read.
static int64_t countFrequencyMacs(const PlanNode &node) {
  auto op = cast<FrequencyOpInterface>(node.op);
  return getFrequencyType(op).getNumElements() * (6 * node.axis.chunk + 2) +
         op.countMacsFromFrequencies();
}

int64_t weir::countMacs(const PlanNode &node) {
  if (node.kind == PlanNode::Kind::Frequencies)
    return countFrequencyMacs(node);
  bool computes = node.kind == PlanNode::Kind::Apply ||
                  (node.kind == PlanNode::Kind::Whole && node.resultNumber == 0);
  auto interface = computes ? dyn_cast<TokenFlowOpInterface>(node.op) : nullptr;
  if (!interface)
    return 0;
  SmallVector<Type> types;
  for (auto [operand, made] : llvm::zip_equal(node.op->getOperands(), node.operands))
    types.push_back(made->type ? Type(made->type) : operand.getType());
  return interface.countMacs(types, node.type);
}

/// `builtRows`: how many queries of an updated attention are built from all keys.
int64_t
StepPlan::countMacs(function_ref<int64_t(const RetroactiveMatch &)> builtRows) const {
  llvm::DenseMap<unsigned, int64_t> runs; // of each body
  int64_t macs = 0;
  for (const PlanNode &node : nodes) {
    if (node.kind != PlanNode::Kind::Retroactive)
      continue;
    const RetroactiveMatch &match = getMatch(node);
    int64_t numRows = builtRows(match), size = node.type.getNumElements();
    runs[node.body] = numRows;
    // Each weighted row is scaled, loses a value and gains one; a built one sums all.
    macs += 3 * size * match.enteringKeys().size(match.keys.numRows()) +
            size / match.queries.numRows() * match.keys.numRows() * numRows;
  }
  for (const PlanNode &node : nodes)
    macs += weir::countMacs(node) *
            (node.scope >= PlanNode::FirstBody ? runs.lookup(node.scope) : 1);
  return macs;
}

int64_t StepPlan::countMacs() const {
  return countMacs([](const RetroactiveMatch &match) { return match.numNewQueries(); });
}

int64_t StepPlan::countWorstMacs() const {
  return countMacs([](const RetroactiveMatch &match) { return match.queries.numRows(); });
}

int64_t StepPlan::countStateBytes() const {
  auto bytesOf = [](RankedTensorType type) {
    return type.getNumElements() * HostTensor::elementBytes(type.getElementType());
  };
  int64_t bytes = 0;
  for (const auto &[value, ring] : rings)
    bytes += bytesOf(ring->type);
  for (const PlanNode &node : nodes) {
    if (node.kind == PlanNode::Kind::Frequencies)
      bytes += frequencyStates().size() *
               bytesOf(getFrequencyType(cast<FrequencyOpInterface>(node.op)));
    if (node.kind == PlanNode::Kind::Retroactive)
      for (auto [name, type] : retroactiveStates(
               *options.retroactive,
               cast<RankedTensorType>(getMatch(node).scores.getType()), node.type))
        bytes += bytesOf(type);
  }
  return bytes;
}
