//===- LinearForms.cpp - Values that are linear in sliding ones -----------===//

#include "LinearForms.h"
#include "weir/Support/HostTensor.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace weir;

/// Sums of more terms are no rotations: their value stands for itself.
static constexpr size_t maxTerms = 8;
/// Ops between a product and the values that it is linear in.
static constexpr unsigned maxDepth = 64;

LinearForms::LinearForms(const TokenFlowAnalysis &flows) : flows(flows), columns(1) {}

SmallVector<int64_t> LinearForms::rowShape(Value value, const TokenAxis &axis) {
  return restrictedShape(cast<RankedTensorType>(value.getType()).getShape(), axis,
                         Rows::range(0, 1));
}

static int64_t countEntries(ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
}

/// Calls `visit` with the index of each entry of `shape`, row-major.
static void forEachIndex(ArrayRef<int64_t> shape,
                         function_ref<void(ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t i = 0, e = countEntries(shape); i < e; ++i) {
    visit(index);
    for (int64_t dim = shape.size() - 1; dim >= 0 && ++index[dim] == shape[dim]; --dim)
      index[dim] = 0;
  }
}

/// Where a tensor of shape `from` that broadcasts is read at an index of the result.
static int64_t broadcastOffset(ArrayRef<int64_t> from, ArrayRef<int64_t> index) {
  int64_t offset = 0;
  for (auto [size, at] : llvm::zip_equal(from, index.take_back(from.size())))
    offset = offset * size + (size == 1 ? 0 : at);
  return offset;
}

const AxisUse *LinearForms::rowUse(Value value, ArrayRef<AxisUse> uses) const {
  const TokenFlow &flow = flows.getFlow(value);
  bool isRow = uses.size() == 1 && uses.front().map.getKind() == RowMap::Kind::Same &&
               (flow.isStill || llvm::is_contained(flow.axes, uses.front().axis));
  return isRow ? &uses.front() : nullptr;
}

//===----------------------------------------------------------------------===//
// Columns and sums
//===----------------------------------------------------------------------===//

std::pair<unsigned, double> LinearForms::intern(std::vector<double> column) {
  if (llvm::all_equal(column))
    return {0, column.front()};
  auto [found, isNew] = columnIds.try_emplace(column, columns.size());
  if (isNew)
    columns.push_back(std::move(column));
  return {found->second, 1};
}

unsigned LinearForms::multiply(unsigned a, unsigned b) {
  if (a == 0 || b == 0)
    return a + b;
  auto [found, isNew] = products.try_emplace(std::minmax(a, b));
  if (isNew) {
    std::vector<double> product(columns[a]);
    for (auto [value, other] : llvm::zip_equal(product, columns[b]))
      value *= other;
    // Not in its factor: a product has but one.
    found->second = columnIds.try_emplace(product, columns.size()).first->second;
    if (found->second == columns.size())
      columns.push_back(std::move(product));
  }
  return found->second;
}

bool LinearForms::append(SmallVectorImpl<Term> &sum, Term term) {
  for (Term &other : sum)
    if (std::tie(other.base, other.entry, other.column) ==
        std::tie(term.base, term.entry, term.column)) {
      other.factor += term.factor;
      return true;
    }
  sum.push_back(term);
  return sum.size() <= maxTerms;
}

//===----------------------------------------------------------------------===//
// Forms of values
//===----------------------------------------------------------------------===//

const LinearForms::Form *LinearForms::get(Value value, unsigned depth) {
  auto found = forms.find(value.getAsOpaquePointer());
  if (found != forms.end())
    return found->second.get();
  const TokenFlow &flow = flows.getFlow(value);
  std::optional<Form> form;
  if (!flow.isStill && flow.axes.size() == 1) {
    if (value.getDefiningOp() && depth < maxDepth)
      form = derive(value.getDefiningOp(), depth + 1);
    if (!form && flow.slides())
      form = identity(value);
  }
  std::unique_ptr<Form> &known = forms[value.getAsOpaquePointer()];
  known = form ? std::make_unique<Form>(std::move(*form)) : nullptr;
  return known.get();
}

LinearForms::Form LinearForms::identity(Value value) {
  const TokenFlow &flow = flows.getFlow(value);
  unsigned base = bases.try_emplace(value, bases.size()).first->second;
  Form form;
  form.margins = flow.margins.front();
  form.entries.resize(countEntries(rowShape(value, flow.axes.front())));
  for (auto [entry, sum] : llvm::enumerate(form.entries))
    sum.push_back({base, static_cast<int64_t>(entry), 0, 1});
  return form;
}

std::optional<LinearForms::Form> LinearForms::derive(Operation *op, unsigned depth) {
  const FlowTransfer *transfer = flows.getTransfer(op);
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType()));
  if (!transfer || transfer->isWhole || transfer->axes.size() != 1 || !isFloat)
    return std::nullopt;
  switch (transfer->linearity) {
  case Linearity::None:
    return std::nullopt;
  case Linearity::Moves:
    return move(op, *transfer, depth);
  case Linearity::Adds:
  case Linearity::Subtracts:
  case Linearity::Negates:
    return add(op, *transfer, depth);
  case Linearity::Multiplies:
  case Linearity::Divides:
    return scale(op, *transfer, depth);
  }
  return std::nullopt;
}

/// Folds the ops of `block`, of which `known` are the arguments.
static Attribute evaluate(Block &block, Value wanted,
                          llvm::DenseMap<Value, Attribute> known) {
  for (Operation &op : block) {
    SmallVector<Attribute> operands;
    for (Value operand : op.getOperands()) {
      Attribute attr = known.lookup(operand);
      operands.push_back(attr ? attr : getConstantElements(operand));
    }
    if (ElementsAttr constant = getConstantElements(op.getResult(0))) {
      known[op.getResult(0)] = constant;
      continue;
    }
    SmallVector<OpFoldResult> results;
    if (failed(op.fold(operands, results)) || results.size() != op.getNumResults())
      continue;
    for (auto [result, folded] : llvm::zip_equal(op.getResults(), results)) {
      auto attr = dyn_cast<Attribute>(folded);
      known[result] = attr ? attr : known.lookup(cast<Value>(folded));
    }
  }
  return known.lookup(wanted);
}

/// Runs the op on the numbers of its operands' entries, and so finds where each went.
std::optional<LinearForms::Form>
LinearForms::move(Operation *op, const FlowTransfer &transfer, unsigned depth) {
  Type number = IntegerType::get(op->getContext(), 64);
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<Value> operands;
  std::vector<const SmallVector<Term, 2> *> sums; // by number
  llvm::DenseMap<Value, Attribute> known;
  Form form;
  Block scratch;
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = operand.get();
    ArrayRef<AxisUse> uses = transfer.uses[operand.getOperandNumber()];
    if (flows.getFlow(value).isStill) {
      bool isData = getElementTypeOrSelf(value.getType()) == resultType.getElementType();
      if (isData || !uses.empty())
        return std::nullopt;
      operands.push_back(value);
      continue;
    }
    const Form *source = rowUse(value, uses) ? get(value, depth) : nullptr;
    if (!source)
      return std::nullopt;
    form.margins = {std::max(form.margins.left, source->margins.left),
                    std::max(form.margins.right, source->margins.right)};
    auto type = RankedTensorType::get(rowShape(value, uses.front().axis), number);
    operands.push_back(scratch.addArgument(type, op->getLoc()));
    std::vector<int64_t> numbers(source->entries.size());
    std::iota(numbers.begin(), numbers.end(), sums.size());
    known[operands.back()] = DenseElementsAttr::get(type, ArrayRef(numbers));
    for (const SmallVector<Term, 2> &sum : source->entries)
      sums.push_back(&sum);
  }
  const TokenAxis &axis = transfer.axes.front();
  RowRegion region = {Rows::list(axis.lead)};
  SmallVector<int64_t> shape = restrictedShape(resultType.getShape(), axis, region);
  OpBuilder builder(op->getContext());
  builder.setInsertionPointToEnd(&scratch);
  FailureOr<Value> made = cast<TokenFlowOpInterface>(op).buildOnRows(
      builder,
      {operands, RankedTensorType::get(shape, number), transfer.axes, region, transfer});
  Attribute moved = succeeded(made) ? evaluate(scratch, *made, known) : Attribute();
  scratch.dropAllReferences();
  auto elements = dyn_cast_or_null<ElementsAttr>(moved);
  FailureOr<HostTensor> numbers =
      elements ? HostTensor::get(elements) : FailureOr<HostTensor>();
  if (failed(numbers) || numbers->getNumElements() != countEntries(shape))
    return std::nullopt;
  for (int64_t index : numbers->getInts())
    form.entries.push_back(*sums[index]);
  return form;
}

std::optional<LinearForms::Form>
LinearForms::add(Operation *op, const FlowTransfer &transfer, unsigned depth) {
  SmallVector<int64_t> shape = rowShape(op->getResult(0), transfer.axes.front());
  Form form;
  form.entries.resize(countEntries(shape));
  for (OpOperand &operand : op->getOpOperands()) {
    ArrayRef<AxisUse> uses = transfer.uses[operand.getOperandNumber()];
    const Form *source =
        rowUse(operand.get(), uses) ? get(operand.get(), depth) : nullptr;
    if (!source)
      return std::nullopt;
    bool isNegative =
        transfer.linearity == Linearity::Negates ||
        (transfer.linearity == Linearity::Subtracts && operand.getOperandNumber() == 1);
    form.margins = {std::max(form.margins.left, source->margins.left),
                    std::max(form.margins.right, source->margins.right)};
    SmallVector<int64_t> from = rowShape(operand.get(), uses.front().axis);
    bool fits = true;
    int64_t entry = 0;
    forEachIndex(shape, [&](ArrayRef<int64_t> index) {
      auto &sum = form.entries[entry++];
      for (Term term : source->entries[broadcastOffset(from, index)]) {
        term.factor *= isNegative ? -1 : 1;
        fits &= append(sum, term);
      }
    });
    if (!fits)
      return std::nullopt;
  }
  return form;
}

std::optional<LinearForms::Form>
LinearForms::scale(Operation *op, const FlowTransfer &transfer, unsigned depth) {
  bool divides = transfer.linearity == Linearity::Divides;
  unsigned moving = flows.getFlow(op->getOperand(0)).isStill && !divides ? 1 : 0;
  Value still = op->getOperand(1 - moving);
  const Form *source = rowUse(op->getOperand(moving), transfer.uses[moving])
                           ? get(op->getOperand(moving), depth)
                           : nullptr;
  ElementsAttr constant = source ? getConstantElements(still) : nullptr;
  FailureOr<HostTensor> tensor =
      constant ? HostTensor::get(constant) : FailureOr<HostTensor>();
  ArrayRef<AxisUse> uses = transfer.uses[1 - moving];
  if (failed(tensor) || (!uses.empty() && !rowUse(still, uses)))
    return std::nullopt;
  std::vector<double> numbers = tensor->getFloats();
  for (double &factor : numbers) {
    factor = divides ? 1 / factor : factor;
    if (!std::isfinite(factor))
      return std::nullopt;
  }
  const TokenAxis &axis = transfer.axes.front();
  SmallVector<int64_t> shape = rowShape(op->getResult(0), axis);
  SmallVector<int64_t> from =
      rowShape(op->getOperand(moving), transfer.uses[moving].front().axis);
  ArrayRef<int64_t> table = tensor->getShape();
  // Elements of the table from one row to the next.
  int64_t step = uses.empty() ? 0 : uses.front().axis.inner;
  for (int64_t size :
       uses.empty() ? table.take_front(0) : table.drop_front(uses.front().axis.dim + 1))
    step *= size;
  std::map<int64_t, std::pair<unsigned, double>> columnAt;
  Form form;
  form.margins = source->margins;
  forEachIndex(shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> first(index.take_back(table.size()));
    if (!uses.empty()) { // of row 0: outer blocks stand further apart
      const TokenAxis &use = uses.front().axis;
      int64_t &at = first[use.dim];
      at = at / use.inner * use.numRows() * use.inner + at % use.inner;
    }
    int64_t offset = broadcastOffset(table, first);
    auto [known, isNew] = columnAt.try_emplace(offset);
    if (isNew) {
      std::vector<double> column(axis.numRows());
      for (auto [row, number] : llvm::enumerate(column))
        number = numbers[offset + row * step];
      known->second = intern(std::move(column));
    }
    auto &sum = form.entries.emplace_back(source->entries[broadcastOffset(from, index)]);
    for (Term &term : sum) {
      term.column = multiply(term.column, known->second.first);
      term.factor *= known->second.second;
    }
  });
  return form;
}
