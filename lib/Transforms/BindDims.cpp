//===- BindDims.cpp - Give the dynamic dimensions of inputs their sizes ---===//

#include "weir/Transforms/Specialize.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace weir;

namespace {
/// One `NAME=SIZE` or `INPUT:AXIS=SIZE`.
struct Binding {
  std::string name;
  std::optional<int64_t> axis;
  int64_t size = 0;
  bool used = false;
};
} // namespace

static std::string inputName(func::FuncOp function, unsigned index) {
  if (auto name = function.getArgAttrOfType<StringAttr>(index, "weir.input"))
    return name.str();
  return ("#" + Twine(index)).str();
}

/// The symbolic name of a dimension, "" if it has none.
static StringRef dimName(func::FuncOp function, unsigned index, size_t axis) {
  auto names = function.getArgAttrOfType<ArrayAttr>(index, "weir.dims");
  if (!names || axis >= names.size())
    return "";
  auto name = dyn_cast<StringAttr>(names[axis]);
  return name ? name.getValue() : "";
}

/// Input names may hold any character, so the last `=` and the last `:` count.
static FailureOr<Binding> parseBinding(func::FuncOp function, StringRef text) {
  auto [left, size] = text.rsplit('=');
  Binding binding{left.str(), std::nullopt};
  if (left.empty() || size.getAsInteger(10, binding.size) || binding.size < 0)
    return function.emitError("'")
           << text << "' is no binding of a size; write NAME=SIZE or INPUT:AXIS=SIZE";
  auto [input, axis] = left.rsplit(':');
  int64_t number;
  for (unsigned i = 0, e = function.getNumArguments(); i < e && !axis.empty(); ++i)
    if (inputName(function, i) == input && !axis.getAsInteger(10, number)) {
      binding.name = input.str();
      binding.axis = number;
    }
  return binding;
}

/// The size that `bindings` give to a dimension; the exact form wins over the symbolic.
static std::optional<int64_t> lookUp(MutableArrayRef<Binding> bindings, StringRef input,
                                     int64_t axis, int64_t rank, StringRef symbol) {
  std::optional<int64_t> size;
  for (Binding &binding : bindings) {
    bool exact = binding.axis && binding.name == input &&
                 (*binding.axis == axis || *binding.axis + rank == axis);
    bool symbolic = !binding.axis && !symbol.empty() && binding.name == symbol;
    if (exact || (symbolic && !size))
      size = binding.size;
    binding.used |= exact || symbolic;
  }
  return size;
}

static LogicalResult reportUnused(func::FuncOp function, ArrayRef<Binding> bindings) {
  llvm::SmallSetVector<StringRef, 4> known;
  for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
    if (auto type = dyn_cast<RankedTensorType>(function.getArgumentTypes()[i]))
      for (int64_t axis = 0; axis < type.getRank(); ++axis)
        if (StringRef name = dimName(function, i, axis); !name.empty())
          known.insert(name);
  for (const Binding &binding : bindings)
    if (!binding.used)
      return function.emitError("no input has a dimension '")
             << binding.name << "'" << (known.empty() ? "" : "; there are: ")
             << llvm::join(known, ", ");
  return success();
}

FailureOr<SmallVector<SmallVector<int64_t>>> weir::bindDims(func::FuncOp function,
                                                            ArrayRef<std::string> dims) {
  SmallVector<Binding> bindings;
  for (const std::string &text : dims) {
    FailureOr<Binding> binding = parseBinding(function, text);
    if (failed(binding))
      return failure();
    bindings.push_back(*binding);
  }
  SmallVector<SmallVector<int64_t>> shapes;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    std::string input = inputName(function, index);
    auto ranked = dyn_cast<RankedTensorType>(type);
    if (!ranked)
      return function.emitError("input '")
             << input << "' is " << type << "; its number of dimensions must be known";
    SmallVector<int64_t> &shape = shapes.emplace_back(ranked.getShape());
    for (auto [axis, size] : llvm::enumerate(shape)) {
      StringRef symbol = dimName(function, index, axis);
      auto bound = lookUp(bindings, input, axis, ranked.getRank(), symbol);
      if (bound && !ShapedType::isDynamic(size) && *bound != size)
        return function.emitError("axis ")
               << axis << " of input '" << input << "' is fixed to " << size
               << ", but the size asked for is " << *bound;
      if (!bound && ShapedType::isDynamic(size))
        return function.emitError("axis ")
               << axis << " of input '" << input << "' has no size; give it by "
               << (symbol.empty() ? input + ":" + std::to_string(axis) : symbol.str())
               << "=SIZE";
      if (bound)
        size = *bound;
    }
  }
  if (failed(reportUnused(function, bindings)))
    return failure();
  return shapes;
}
