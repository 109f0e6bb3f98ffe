//===- FrequencyOpInterface.td - What follows from frequencies of tokens --===//

#ifndef WEIR_INTERFACES_FREQUENCYOPINTERFACE_TD
#define WEIR_INTERFACES_FREQUENCYOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def FrequencyOpInterface : OpInterface<"FrequencyOpInterface"> {
  let cppNamespace = "::weir";
  let description = [{
    An op whose result follows from the lowest frequencies of operand 0 along its tokens:
    the first rows of the orthonormal DCT-II. Where the operand slides, a step updates
    them by the tokens that leave and enter, and never computes them again.
  }];
  let methods = [
    InterfaceMethod<"The dimension of the tokens, and in the result of what they become.",
      "int64_t", "getTokenDim">,
    InterfaceMethod<"How many frequencies the result needs.",
      "int64_t", "getNumFrequencies">,
    InterfaceMethod<"A factor of the frequencies that `buildFromFrequencies` takes.",
      "double", "getFrequencyScale">,
    InterfaceMethod<"The result, from scaled frequencies in place of the tokens.",
      "::mlir::Value", "buildFromFrequencies",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$frequencies)>,
    InterfaceMethod<"Multiply-accumulates of what `buildFromFrequencies` makes.",
      "int64_t", "countMacsFromFrequencies">
  ];
}

#endif // WEIR_INTERFACES_FREQUENCYOPINTERFACE_TD
