//===- FixInputs.cpp - Inputs that always hold one number -----------------===//
// func @window(%x, %mask: tensor<1x8xi64>)  ==>  func @window(%x), %mask = dense<1>
// Legal always: it is the same model, asked for one value of that input only.

#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Transforms/Specialize.h"

using namespace mlir;
using namespace weir;

/// `text` as every element of a tensor; fails where the type cannot hold it.
static FailureOr<ElementsAttr> parseSplat(RankedTensorType type, StringRef text) {
  HostTensor number(RankedTensorType::get({}, type.getElementType()));
  if (isa<FloatType>(type.getElementType())) {
    double value;
    if (text.getAsDouble(value))
      return failure();
    number.setFloat(0, value);
  } else {
    int64_t value;
    if (text.getAsInteger(10, value))
      return failure();
    number.setInt(0, value);
    if (number.getInt(0) != value)
      return failure();
  }
  auto scalar = cast<DenseElementsAttr>(number.toAttr());
  return cast<ElementsAttr>(scalar.resizeSplat(type));
}

FailureOr<SmallVector<FixedInput>> weir::findFixedInputs(func::FuncOp function,
                                                         ArrayRef<std::string> fixed) {
  SmallVector<FixedInput> found;
  for (StringRef text : fixed) {
    auto [name, number] = text.rsplit('=');
    std::optional<unsigned> argument;
    for (unsigned i = 0, e = function.getNumArguments(); i < e; ++i)
      if (auto given = function.getArgAttrOfType<StringAttr>(i, "weir.input");
          given && given.getValue() == name)
        argument = i;
    if (!argument || number.empty())
      return function.emitError("'") << text << "' fixes no input; write INPUT=NUMBER";
    found.push_back({*argument, number.str()});
  }
  return found;
}

LogicalResult weir::fixInputs(func::FuncOp function, ArrayRef<FixedInput> fixed) {
  auto builder = OpBuilder::atBlockBegin(&function.front());
  llvm::BitVector erased(function.getNumArguments());
  for (const FixedInput &input : fixed) {
    BlockArgument argument = function.getArgument(input.argument);
    auto type = cast<RankedTensorType>(argument.getType());
    FailureOr<ElementsAttr> value = parseSplat(type, input.number);
    if (failed(value))
      return function.emitError("'")
             << input.number << "' is no " << type.getElementType() << ", which input '"
             << function.getArgAttrOfType<StringAttr>(input.argument, "weir.input")
                    .getValue()
             << "' takes";
    argument.replaceAllUsesWith(
        onnx::ConstantOp::create(builder, function.getLoc(), *value));
    erased.set(input.argument);
  }
  return function.eraseArguments(erased);
}
