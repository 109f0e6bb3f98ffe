//===- Passes.td - Passes that run what they are given --------------------===//

#ifndef WEIR_RUNNER_PASSES_TD
#define WEIR_RUNNER_PASSES_TD

include "mlir/Pass/PassBase.td"

def Calibrate : Pass<"weir-calibrate", "::mlir::ModuleOp"> {
  let summary = "Choose by data what attentions keep, and their surrogates";
  let description = [{
    Raises the attentions of `@window`, runs it on data and writes to each weir.attention
    what `weir-dct` and `weir-cast` ask for:

    - `weir.keep`, with `energy=E`: the smallest m for which frequencies 1 to m - 1 of
      keys and of values (their DCT along the tokens, summed over windows, heads and
      features) hold the part E of the energy of 1 to n - 1. Frequency 0, their mean, is
      kept by every m and not counted. Padding counts as zeros.
    - `weir.surrogates`, with `clusters=C`: [C, heads * features], the centres that k-means
      finds among queries and keys, with the heads side by side; of each head alone with
      `per-head`. Seeds are fixed: the same data gives the same centres.

    A file of `data` holds a stream, cut into windows that do not overlap, or several of
    them along one more leading axis.

    ```mlir
    func.func @window(%q: tensor<8x4xf32> {weir.input = "q"})
        -> (tensor<8x4xf32> {weir.output = "y"}) {
      %y = weir.attention softmax %q, %q, %q
         : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
      return %y : tensor<8x4xf32>
    }
    // ==> weir-calibrate{data=slow.npy energy=0.99}
    func.func @window(%q: tensor<8x4xf32> {weir.input = "q"})
        -> (tensor<8x4xf32> {weir.output = "y"}) {
      %y = weir.attention softmax %q, %q, %q {weir.keep = 3 : i64}
         : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32> -> tensor<8x4xf32>
      return %y : tensor<8x4xf32>
    }
    ```
  }];
  let options = [
    ListOption<"data", "data", "std::string",
               "[INPUT=]FILE.npy of each input with a token axis">,
    ListOption<"statics", "static", "std::string",
               "INPUT=FILE.npy of each input without one">,
    ListOption<"tokenAxes", "token-axis", "std::string",
               "INPUT=AXIS of streamed inputs; inferred when left out">,
    Option<"energy", "energy", "double", "0", "part of the energy to keep; 0: write no weir.keep">,
    Option<"clusters", "clusters", "int64_t", "0", "surrogates to make; 0: write none">,
    Option<"perHead", "per-head", "bool", "false", "surrogates of each head alone">];
}

#endif // WEIR_RUNNER_PASSES_TD
