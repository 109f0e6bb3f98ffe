//===- Passes.td - Passes that are pipelines with a decision --------------===//

#ifndef WEIR_PIPELINES_PASSES_TD
#define WEIR_PIPELINES_PASSES_TD

include "mlir/Pass/PassBase.td"

def PrepareModel : Pass<"weir-prepare-model", "::mlir::ModuleOp"> {
  let summary = "Fix the sizes of an imported model and canonicalize it";
  let description = [{
    Finds the token axis of the inputs (the one under which queries meet keys in a
    softmax), binds the window and all other sizes, folds shape arithmetic and brings
    operators to their canonical form: what `weir-continual` starts from. Inputs that are
    fixed to a number become constants. Under `assume=no-padding` the ids by which a model
    numbers tokens are taken to never hold its padding, which fixes the numbers.

    ```mlir
    func.func @window(%x: tensor<?x4xf32> {weir.input = "x", weir.dims = ["n", ""]})
        -> (tensor<*xf32> {weir.output = "y"}) {
      %k = onnx.Transpose %x {perm = [1, 0]} : (tensor<?x4xf32>) -> tensor<*xf32>
      %s = onnx.MatMul %x, %k : (tensor<?x4xf32>, tensor<*xf32>) -> tensor<*xf32>
      %p = onnx.Softmax %s : (tensor<*xf32>) -> tensor<*xf32>
      return %p : tensor<*xf32>
    }
    // ==> weir-prepare-model{window=8}: x is tensor<8x4xf32>, y tensor<8x8xf32>
    ```

    With `table-rows=P` an op that adds a position table as its operand 1 carries
    `weir.table.1`, the table as the model has it for P tokens: what `weir-continual` needs
    for positions that recycle after P.
  }];
  let options = [
    Option<"window", "window", "int64_t", "0",
           "tokens of the window; 0 where the model fixes it">,
    ListOption<"dims", "dims", "std::string",
               "sizes: NAME=SIZE for a symbolic dimension, INPUT:AXIS=SIZE for any">,
    ListOption<"tokenAxes", "token-axis", "std::string",
               "INPUT=AXIS of streamed inputs; inferred when left out">,
    ListOption<"fixed", "fix", "std::string",
               "INPUT=NUMBER of inputs that always hold one number">,
    ListOption<"assumptions", "assume", "std::string",
               "what is known of the streams: no-padding, where no token is padding">,
    Option<"chunk", "chunk", "int64_t", "1", "tokens that enter per step">,
    Option<"tableRows", "table-rows", "int64_t", "0",
           "rows of position tables to keep, where that is more than the window">];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

#endif // WEIR_PIPELINES_PASSES_TD
