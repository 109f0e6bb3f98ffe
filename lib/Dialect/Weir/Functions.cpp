//===- Functions.cpp - Operators of domain `weir` in ONNX files -----------===//

#include "weir/Dialect/Weir/Functions.h"
#include "mlir/IR/Verifier.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/NodeDiagnostics.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace weir;

static constexpr StringLiteral domainName = "weir";

namespace {
using Shape = SmallVector<int64_t>;

/// One call of an operator, its operands tensors of static shape.
class Call {
public:
  Call(OpBuilder &builder, Location loc, StringRef name, ValueRange operands,
       DictionaryAttr attributes)
      : builder(builder), loc(loc), name(name), operands(operands),
        attributes(attributes) {}

  template <typename... Ts>
  LogicalResult refuse(const char *format, Ts &&...values) const {
    return emitNodeError(loc, (domainName + "." + name).str())
           << llvm::formatv(format, std::forward<Ts>(values)...).str();
  }
  RankedTensorType typeOf(unsigned operand) const {
    return cast<RankedTensorType>(operands[operand].getType());
  }
  ArrayRef<int64_t> shape(unsigned operand) const { return typeOf(operand).getShape(); }
  LogicalResult wantRank(unsigned operand, int64_t least) const {
    if (typeOf(operand).getRank() >= least)
      return success();
    return refuse("wants input {0} of rank {1} or more, got rank {2}", operand, least,
                  typeOf(operand).getRank());
  }
  /// An integer from 1 to `most`.
  FailureOr<int64_t> count(StringRef attribute, int64_t most) const;
  /// One of the words of an enumeration; `-` and `_` are alike.
  template <typename Enum>
  FailureOr<Enum> word(StringRef attribute,
                       std::optional<Enum> (*symbolize)(StringRef)) const;
  FailureOr<int64_t> axis() const;
  /// The leading dimensions of two operands but for their last `a` and `b`, broadcast.
  FailureOr<Shape> leading(unsigned first, int64_t a, unsigned second, int64_t b) const;
  /// Makes the op, whose verifier has the last word.
  template <typename Op, typename... Args>
  FailureOr<Value> make(ArrayRef<int64_t> resultShape, Type element, Args &&...args);

  OpBuilder &builder;
  Location loc;
  StringRef name;
  ValueRange operands;
  DictionaryAttr attributes;
};
} // namespace

FailureOr<int64_t> Call::count(StringRef attribute, int64_t most) const {
  auto given = attributes.getAs<IntegerAttr>(attribute);
  if (!given)
    return refuse("lacks attribute '{0}', a number from 1 to {1}", attribute, most);
  int64_t value = given.getValue().getSExtValue();
  if (value >= 1 && value <= most)
    return value;
  return refuse("attribute '{0}' is {1}, outside 1 to {2}", attribute, value, most);
}

template <typename Enum>
FailureOr<Enum> Call::word(StringRef attribute,
                           std::optional<Enum> (*symbolize)(StringRef)) const {
  auto given = attributes.getAs<StringAttr>(attribute);
  if (!given)
    return refuse("lacks attribute '{0}'", attribute);
  std::string text = given.getValue().str();
  llvm::replace(text, '-', '_');
  if (std::optional<Enum> value = symbolize(text))
    return *value;
  return refuse("attribute '{0}' is '{1}', which is none that Weir knows", attribute,
                given.getValue());
}

FailureOr<int64_t> Call::axis() const {
  auto given = attributes.getAs<IntegerAttr>("axis");
  if (!given)
    return refuse("lacks attribute 'axis'");
  int64_t rank = typeOf(0).getRank(), axis = given.getValue().getSExtValue();
  if (axis < -rank || axis >= rank)
    return refuse("axis {0} is outside a tensor of rank {1}", axis, rank);
  return axis < 0 ? axis + rank : axis;
}

FailureOr<Shape> Call::leading(unsigned first, int64_t a, unsigned second,
                               int64_t b) const {
  if (failed(wantRank(first, a)) || failed(wantRank(second, b)))
    return failure();
  ArrayRef<int64_t> x = shape(first).drop_back(a), y = shape(second).drop_back(b);
  Shape joined(std::max(x.size(), y.size()), 1);
  for (ArrayRef<int64_t> from : {x, y})
    for (auto [to, size] : llvm::zip(llvm::reverse(joined), llvm::reverse(from))) {
      if (to != 1 && size != 1 && to != size)
        return refuse("leading dimensions {0} and {1} do not broadcast", to, size);
      to = std::max(to, size);
    }
  return joined;
}

template <typename Op, typename... Args>
FailureOr<Value> Call::make(ArrayRef<int64_t> resultShape, Type element, Args &&...args) {
  auto type = RankedTensorType::get(resultShape, element);
  auto op = Op::create(builder, loc, type, std::forward<Args>(args)...);
  if (failed(verify(op)))
    return failure();
  return Value(op->getResult(0));
}

//===----------------------------------------------------------------------===//
// Maps along the tokens
//===----------------------------------------------------------------------===//

/// weir.Dct(x) {axis, keep}; Resample, Pool
template <typename Op>
static FailureOr<Value> createFewer(Call &call) {
  FailureOr<int64_t> axis = call.axis();
  if (failed(axis))
    return failure();
  Shape shape(call.shape(0));
  FailureOr<int64_t> keep = call.count("keep", shape[*axis]);
  if (failed(keep))
    return failure();
  shape[*axis] = *keep;
  return call.make<Op>(shape, call.typeOf(0).getElementType(), call.operands[0], *axis);
}

/// weir.Idct(x) {axis, tokens}
static FailureOr<Value> createIdct(Call &call) {
  FailureOr<int64_t> axis = call.axis();
  if (failed(axis))
    return failure();
  FailureOr<int64_t> tokens = call.count("tokens", std::numeric_limits<int32_t>::max());
  if (failed(tokens))
    return failure();
  Shape shape(call.shape(0));
  if (*tokens < shape[*axis])
    return call.refuse("attribute 'tokens' is {0}, fewer than the {1} frequencies",
                       *tokens, shape[*axis]);
  shape[*axis] = *tokens;
  return call.make<IdctOp>(shape, call.typeOf(0).getElementType(), call.operands[0],
                           *axis);
}

//===----------------------------------------------------------------------===//
// Clusters
//===----------------------------------------------------------------------===//

/// weir.ClusterAffinity(queries, keys, phi) {function}
static FailureOr<Value> createAffinity(Call &call) {
  auto function = call.word("function", symbolizeAttentionFunction);
  FailureOr<Shape> both = call.leading(0, 2, 1, 2);
  if (failed(function) || failed(both))
    return failure();
  FailureOr<Shape> shape = call.leading(0, 2, 2, 2);
  if (failed(shape))
    return failure();
  for (auto [to, size] : llvm::zip(llvm::reverse(*shape), llvm::reverse(*both)))
    to = std::max(to, size);
  if (both->size() > shape->size())
    shape = *both;
  shape->append({call.shape(0).end()[-2], call.shape(0).back()});
  return call.make<ClusterAffinityOp>(*shape, call.typeOf(0).getElementType(), *function,
                                      call.operands[0], call.operands[1],
                                      call.operands[2]);
}

/// weir.ChooseClusters(affinity) {clustering, size}
static FailureOr<Value> createChoice(Call &call) {
  if (failed(call.wantRank(0, 2)))
    return failure();
  auto clustering = call.word("clustering", symbolizeClustering);
  Shape shape(call.shape(0));
  FailureOr<int64_t> size = call.count("size", shape.end()[-2]);
  if (failed(clustering) || failed(size))
    return failure();
  shape.end()[-2] = shape.back();
  shape.back() = *size;
  return call.make<ChooseClustersOp>(shape, call.builder.getI64Type(), *clustering,
                                     call.operands[0], *size);
}

/// weir.GatherTokens(tokens, indices)
static FailureOr<Value> createGather(Call &call) {
  FailureOr<Shape> shape = call.leading(0, 2, 1, 2);
  if (failed(shape))
    return failure();
  shape->append(call.shape(1).end() - 2, call.shape(1).end());
  shape->push_back(call.shape(0).back());
  return call.make<GatherTokensOp>(*shape, call.typeOf(0).getElementType(),
                                   call.operands[0], call.operands[1]);
}

/// weir.ScatterAddTokens(rows, indices) {tokens}
static FailureOr<Value> createScatter(Call &call) {
  FailureOr<Shape> shape = call.leading(0, 3, 1, 2);
  auto tokens = call.count("tokens", std::numeric_limits<int32_t>::max());
  if (failed(shape) || failed(tokens))
    return failure();
  shape->append({*tokens, call.shape(0).back()});
  return call.make<ScatterAddTokensOp>(*shape, call.typeOf(0).getElementType(),
                                       call.operands[0], call.operands[1], *tokens);
}

/// weir.ClusterMembers(indices) {tokens}
static FailureOr<Value> createMembers(Call &call) {
  if (failed(call.wantRank(0, 2)))
    return failure();
  auto tokens = call.count("tokens", std::numeric_limits<int32_t>::max());
  if (failed(tokens))
    return failure();
  Shape shape(call.shape(0));
  shape.back() = shape.end()[-2];
  shape.end()[-2] = *tokens;
  return call.make<ClusterMembersOp>(shape, call.builder.getF32Type(), call.operands[0],
                                     *tokens);
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

namespace {
struct Function {
  StringLiteral name;
  unsigned numOperands;
  std::array<StringLiteral, 2> attributes;
  FailureOr<Value> (*create)(Call &);
  enum Element { Like, Index, Float } element = Like;
};
} // namespace

static const Function functions[] = {
    {"Dct", 1, {"axis", "keep"}, createFewer<DctOp>},
    {"Idct", 1, {"axis", "tokens"}, createIdct},
    {"Resample", 1, {"axis", "keep"}, createFewer<ResampleOp>},
    {"Pool", 1, {"axis", "keep"}, createFewer<PoolOp>},
    {"ClusterAffinity", 3, {"function", ""}, createAffinity},
    {"ChooseClusters", 1, {"clustering", "size"}, createChoice, Function::Index},
    {"GatherTokens", 2, {"", ""}, createGather},
    {"ScatterAddTokens", 2, {"tokens", ""}, createScatter},
    {"ClusterMembers", 1, {"tokens", ""}, createMembers, Function::Float},
};

static const Function *find(StringRef name) {
  const auto *found = llvm::find_if(
      functions, [&](const Function &function) { return function.name == name; });
  return found == std::end(functions) ? nullptr : found;
}

bool weir::isWeirFunction(StringRef domain, StringRef name) {
  return domain == domainName && find(name);
}

Type weir::elementOfWeirFunction(StringRef name, ValueRange operands) {
  const Function *function = find(name);
  if (operands.empty())
    return nullptr;
  MLIRContext *context = operands.front().getContext();
  if (function->element == Function::Index)
    return IntegerType::get(context, 64);
  if (function->element == Function::Float)
    return Float32Type::get(context);
  return getElementTypeOrSelf(operands.front().getType());
}

FailureOr<Value> weir::createWeirFunction(OpBuilder &builder, Location location,
                                          StringRef name, ValueRange operands,
                                          DictionaryAttr attributes) {
  const Function *function = find(name);
  Call call(builder, location, name, operands, attributes);
  if (operands.size() != function->numOperands)
    return call.refuse("has {0} inputs, but takes {1}", operands.size(),
                       function->numOperands);
  for (auto [index, operand] : llvm::enumerate(operands)) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type || !type.hasStaticShape())
      return call.refuse("lacks input {0}", index);
  }
  for (NamedAttribute attribute : attributes)
    if (!llvm::is_contained(function->attributes, attribute.getName().getValue()))
      return call.refuse("has an attribute '{0}', which it does not take",
                         attribute.getName().getValue());
  return function->create(call);
}
