//===- TokenFlowOpInterface.td - How an op carries tokens -----------------===//

#ifndef WEIR_INTERFACES_TOKENFLOWOPINTERFACE_TD
#define WEIR_INTERFACES_TOKENFLOWOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def TokenFlowOpInterface : OpInterface<"TokenFlowOpInterface"> {
  let cppNamespace = "::weir";
  let description = [{
    All that the continual rewrite knows of an op: how token axes run through it, how
    to compute only some rows of its result, and what that costs. An op without this
    interface is recomputed on the whole window each step, exactly. A dialect joins by
    attaching an external model for its ops.
  }];
  let methods = [
    InterfaceMethod<[{
        Axes of the result, and the rows that they need of each operand. `operands`
        holds the facts of each operand, in order.
      }],
      "::weir::FlowTransfer", "transferTokenFlow",
      (ins "::llvm::ArrayRef<::weir::TokenFlow>":$operands)>,
    InterfaceMethod<[{
        The axis of tokens that the op makes out of an operand that has none, as an inverse
        transform does; `streamed` is the axis of the streamed input.
      }],
      "::std::optional<::weir::TokenAxis>", "getMadeAxis",
      (ins "const ::weir::TokenAxis &":$streamed), "", [{ return ::std::nullopt; }]>,
    InterfaceMethod<[{
        A user sees one more `axis` in the result than `transfer` gives it. Either adds
        the axis to the transfer, where the op may read it out of constants or repeats
        its operand along it, or tells which operands should carry it first; neither
        where the result has no such axis.
      }],
      "::llvm::SmallVector<::weir::AxisWant>", "adoptAxis",
      (ins "::llvm::ArrayRef<::weir::TokenFlow>":$operands,
           "const ::weir::TokenAxis &":$axis, "::weir::FlowTransfer &":$transfer), "",
      [{ return {}; }]>,
    InterfaceMethod<[{
        Build the op for some rows of its result. All ops that are needed are made at
        the builder's insertion point. Fails when it cannot; nothing is left behind.
      }],
      "::mlir::FailureOr<::mlir::Value>", "buildOnRows",
      (ins "::mlir::OpBuilder &":$builder, "const ::weir::RowsRequest &":$request), "",
      [{ return ::weir::cloneOnRows($_op, builder, request); }]>,
    InterfaceMethod<[{
        Multiply-accumulates of the op on operands and a result of these shapes.
      }],
      "int64_t", "countMacs",
      (ins "::llvm::ArrayRef<::mlir::Type>":$operandTypes, "::mlir::Type":$resultType),
      "", [{ return 0; }]>
  ];
}

#endif // WEIR_INTERFACES_TOKENFLOWOPINTERFACE_TD
