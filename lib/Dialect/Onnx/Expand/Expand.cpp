//===- Expand.cpp - Operators that other operators spell out --------------===//

#include "weir/Dialect/Onnx/Expand.h"
#include "Expansion.h"
#include "weir/Dialect/Onnx/Quantization.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

static std::string keyOf(StringRef domain, StringRef name) {
  return (domain + ":" + name).str();
}

static const ExpandedOperator *find(StringRef domain, StringRef name) {
  static const llvm::StringMap<const ExpandedOperator *> table = [] {
    llvm::StringMap<const ExpandedOperator *> rows;
    for (ArrayRef<ExpandedOperator> family :
         {expandedActivations(), expandedNorms(), expandedProducts(),
          expandedAttentions(), expandedEmbeddings(), expandedMoves(), expandedResizes(),
          expandedSignals()})
      for (const ExpandedOperator &row : family)
        rows[keyOf(row.domain, row.name)] = &row;
    return rows;
  }();
  return table.lookup(keyOf(domain, name));
}

namespace {
struct OperatorName {
  StringRef domain, name;
};
} // namespace

/// The operator for which an op without a definition stands; empty for other ops.
static OperatorName operatorOf(Operation *op) {
  if (auto custom = dyn_cast<CustomOp>(op))
    return {custom.getDomainName(), custom.getFunctionName()};
  StringRef name = op->getName().getStringRef();
  if (op->isRegistered() || !name.consume_front("onnx."))
    return {};
  return {"", name};
}

static const ExpandedOperator *find(Operation *op) {
  OperatorName name = operatorOf(op);
  return find(name.domain, name.name);
}

bool weir::onnx::isExpanded(StringRef domain, StringRef name) {
  return find(domain, name) != nullptr;
}
bool weir::onnx::isExpanded(Operation *op) { return find(op) != nullptr; }

bool weir::onnx::isKnown(Operation *op) {
  return (op->isRegistered() && !isa<CustomOp>(op)) || isExpanded(op);
}

Type weir::onnx::elementOfResult(StringRef domain, StringRef name, unsigned result,
                                 ValueRange operands, DictionaryAttr attributes) {
  const ExpandedOperator *row = find(domain, name);
  if (auto stated = attributes.getAs<TypeAttr>("dtype"))
    return stated.getValue();
  int like = result < row->like.size() ? row->like[result] : 0;
  if (like == anIndex)
    return IntegerType::get(attributes.getContext(), 64);
  if (like == aNumber)
    return Float32Type::get(attributes.getContext());
  return static_cast<size_t>(like) < operands.size() ? getElementType(operands[like])
                                                     : Type();
}

//===----------------------------------------------------------------------===//
// Expansion
//===----------------------------------------------------------------------===//

std::optional<HostTensor> Expansion::constantOf(unsigned operand) const {
  ElementsAttr attr =
      has(operand) ? getConstantElements(op->getOperand(operand)) : nullptr;
  if (!attr || !attr.getElementType().isIntOrFloat())
    return std::nullopt;
  FailureOr<HostTensor> tensor = HostTensor::get(attr);
  return failed(tensor) ? std::nullopt : std::optional<HostTensor>(*tensor);
}

template <typename AttrT>
AttrT Expansion::getAttrOf(StringRef name) {
  Attribute attr = op->getAttr(name);
  auto typed = dyn_cast_or_null<AttrT>(attr);
  if (attr && !typed && bad.empty())
    bad = name.str();
  return typed;
}

int64_t Expansion::getInt(StringRef name, int64_t otherwise) {
  auto attr = getAttrOf<IntegerAttr>(name);
  return attr ? attr.getValue().getSExtValue() : otherwise;
}

double Expansion::getFloat(StringRef name, double otherwise) {
  auto attr = getAttrOf<FloatAttr>(name);
  return attr ? attr.getValueAsDouble() : otherwise;
}

StringRef Expansion::getString(StringRef name, StringRef otherwise) {
  auto attr = getAttrOf<StringAttr>(name);
  return attr ? attr.getValue() : otherwise;
}

template <typename AttrT>
ArrayAttr Expansion::getArrayOf(StringRef name) {
  auto attr = getAttrOf<ArrayAttr>(name);
  if (!attr || llvm::all_of(attr, llvm::IsaPred<AttrT>))
    return attr;
  if (bad.empty())
    bad = name.str();
  return nullptr;
}

std::optional<Shape> Expansion::getIntArray(StringRef name) {
  ArrayAttr attr = getArrayOf<IntegerAttr>(name);
  return attr ? std::optional<Shape>(getInts(attr)) : std::nullopt;
}

std::optional<SmallVector<double>> Expansion::getFloatArray(StringRef name) {
  ArrayAttr attr = getArrayOf<FloatAttr>(name);
  if (!attr)
    return std::nullopt;
  return llvm::map_to_vector(attr.getAsRange<FloatAttr>(),
                             [](FloatAttr number) { return number.getValueAsDouble(); });
}

LogicalResult Expansion::wantRank(unsigned operand, StringRef name, size_t rank) const {
  if (shape(operand).size() == rank)
    return success();
  return refuse("wants '{0}' of rank {1}, got rank {2}", name, rank,
                shape(operand).size());
}

Value Expansion::numbers(ArrayRef<double> values, ArrayRef<int64_t> shape, Type element) {
  auto type = RankedTensorType::get(shape, element);
  return constant(HostTensor::fromFloats(type, values).toAttr());
}

Value Expansion::positions(int64_t size, int64_t dim, int64_t rank, Type element) {
  Shape shape(rank, 1);
  shape[dim] = size;
  return numbers(llvm::to_vector_of<double>(llvm::seq<int64_t>(0, size)), shape, element);
}

Value Expansion::layerNorm(Value x, Value scale, Value bias, double epsilon) {
  return makeAll<LayerNormalizationOp>(3, x, scale, bias, int64_t(-1),
                                       APFloat(float(epsilon)), int64_t(1))
      .front();
}

Value Expansion::rmsNorm(Value x, Value scale, double epsilon, int64_t axis) {
  return make<RMSNormalizationOp>(x, scale, axis, APFloat(float(epsilon)), int64_t(1));
}

//===----------------------------------------------------------------------===//
// Replacement
//===----------------------------------------------------------------------===//

static LogicalResult checkArity(const Expansion &x, Operation *op,
                                const ExpandedOperator &row) {
  if (op->getNumOperands() > row.mostOperands)
    return x.refuse("has {0} inputs, but takes at most {1}", op->getNumOperands(),
                    row.mostOperands);
  for (unsigned i = 0; i < row.leastOperands; ++i)
    if (!x.has(i))
      return x.refuse("lacks input {0} of at least {1}", i, row.leastOperands);
  for (Value operand : op->getOperands())
    if (!isNone(operand) && !getElementType(operand).isIntOrFloat())
      return x.refuse("computes on {0}, but Weir on numbers only",
                      getElementType(operand));
  if (op->getNumResults() > row.mostResults)
    return x.refuse("has {0} outputs, but returns at most {1}", op->getNumResults(),
                    row.mostResults);
  return success();
}

LogicalResult weir::onnx::expand(Operation *op, OpBuilder &builder) {
  const ExpandedOperator *row = find(op);
  builder.setInsertionPoint(op);
  Expansion expansion(builder, op);
  if (failed(checkArity(expansion, op, *row)))
    return failure();
  Results results = row->expand(expansion);
  if (failed(results) || expansion.hasFailed())
    return failure();
  if (!expansion.badAttribute().empty())
    return expansion.refuse(
        "attribute '{0}' is of a kind that its operator does not take",
        expansion.badAttribute());
  results->resize(op->getNumResults());
  for (auto [index, from, to] : llvm::enumerate(op->getResults(), *results)) {
    if (!to && !from.use_empty())
      return expansion.refuse("output {0} is read, but Weir does not compute it", index);
    if (to)
      from.replaceAllUsesWith(to);
  }
  op->erase();
  return success();
}

//===----------------------------------------------------------------------===//
// Operators that are not spelled out
//===----------------------------------------------------------------------===//

StringRef weir::onnx::adviceFor(Operation *op) {
  OperatorName name = operatorOf(op);
  if (isQuantizedOperator(name.name))
    return "quantize the model in the QDQ format (quant_format=QuantFormat.QDQ)";
  if (name.domain == "com.microsoft.nchwc")
    return "it is a layout of one processor: let onnxruntime optimise the model with "
           "ORT_ENABLE_EXTENDED, which leaves the layout alone";
  if (name.domain != microsoft)
    return "";
  if (name.name == "GroupQueryAttention" || name.name == "SparseAttention" ||
      name.name.starts_with("Decoder") || name.name == "PagedAttention")
    return "it is the attention of a decoder with a cache: export the encoder with plain "
           "attention";
  if (name.name.starts_with("Packed") || name.name == "RemovePadding" ||
      name.name == "RestorePadding")
    return "it packs sequences of several lengths: optimise the model without packing";
  return "let onnxruntime optimise the model with ORT_ENABLE_BASIC, which fuses nothing";
}
