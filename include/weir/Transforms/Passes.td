//===- Passes.td - Passes over models and step functions ------------------===//

#ifndef WEIR_TRANSFORMS_PASSES_TD
#define WEIR_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def Specialize : Pass<"weir-specialize", "::mlir::func::FuncOp"> {
  let summary = "Fix the input sizes, infer all types again and fold constants";
  let description = [{
    Binds the symbolic dimensions of the arguments (`weir.dims`), after which every
    value has a static shape and shape arithmetic is gone.

    ```mlir
    func.func @window(%x: tensor<?x8xf32> {weir.input = "x", weir.dims = ["seq", ""]})
        -> tensor<*xi64> {
      %0 = onnx.Shape %x : (tensor<?x8xf32>) -> tensor<*xi64>
      return %0 : tensor<*xi64>
    }
    // ==> weir-specialize{dims=seq=4}
    func.func @window(%x: tensor<4x8xf32> {weir.input = "x", weir.dims = ["seq", ""]})
        -> tensor<2xi64> {
      %0 = onnx.Constant dense<[4, 8]> : tensor<2xi64>
      return %0 : tensor<2xi64>
    }
    ```
  }];
  let options = [
    ListOption<"dims", "dims", "std::string",
               "sizes: NAME=SIZE for a symbolic dimension, INPUT:AXIS=SIZE for any">];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

#endif // WEIR_TRANSFORMS_PASSES_TD
