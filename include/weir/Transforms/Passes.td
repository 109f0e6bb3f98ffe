//===- Passes.td - Passes over models and step functions ------------------===//

#ifndef WEIR_TRANSFORMS_PASSES_TD
#define WEIR_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"
include "weir/Transforms/AttentionPasses.td"

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
               "sizes: NAME=SIZE for a symbolic dimension, INPUT:AXIS=SIZE for any">,
    ListOption<"fixed", "fix", "std::string",
               "INPUT=NUMBER of inputs that always hold one number">,
    Option<"noPadding", "no-padding", "bool", "false",
           "ids by which the model numbers tokens are never its padding">];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def WidenFloats : Pass<"weir-widen-floats", "::mlir::func::FuncOp"> {
  let summary = "Compute in f32 what a model computes in f16 or bf16";
  let description = [{
    Arguments and results keep their types, and constants become f32. What the model rounds
    itself, by a Cast to a narrow type, is rounded; the results of other operators are not.
    A function that computes narrow floats in another dialect than `onnx` stays as it is.

    ```mlir
    func.func @f(%x: tensor<4xf16>) -> tensor<4xf16> {
      %y = onnx.Exp %x : (tensor<4xf16>) -> tensor<4xf16>
      return %y : tensor<4xf16>
    }
    // ==> weir-widen-floats
    func.func @f(%x: tensor<4xf16>) -> tensor<4xf16> {
      %0 = onnx.Cast %x {to = f32} : (tensor<4xf16>) -> tensor<4xf32>
      %1 = onnx.Exp %0 : (tensor<4xf32>) -> tensor<4xf32>
      %2 = onnx.Cast %1 {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
      return %2 : tensor<4xf16>
    }
    ```
  }];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def Canonicalize : Pass<"weir-canonicalize", "::mlir::func::FuncOp"> {
  let summary = "Bring operators to one spelling each";
  let description = [{
    Ops that return an operand go, views become Reshape and Transpose, cuts become
    Slices of one axis, fused operators become their parts.

    ```mlir
    func.func @f(%x: tensor<4x8xf32>, %w: tensor<3x8xf32>) -> tensor<4x3xf32> {
      %n = onnx.NoValue
      %y = onnx.Gemm %x, %w, %n {transB = 1 : si64}
         : (tensor<4x8xf32>, tensor<3x8xf32>, none) -> tensor<4x3xf32>
      return %y : tensor<4x3xf32>
    }
    // ==> weir-canonicalize
    func.func @f(%x: tensor<4x8xf32>, %w: tensor<3x8xf32>) -> tensor<4x3xf32> {
      %t = onnx.Transpose %w {perm = [1, 0]} : (tensor<3x8xf32>) -> tensor<8x3xf32>
      %y = onnx.MatMul %x, %t : (tensor<4x8xf32>, tensor<8x3xf32>) -> tensor<4x3xf32>
      return %y : tensor<4x3xf32>
    }
    ```
  }];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def SplitPackedProjections : Pass<"weir-split-packed-projections", "::mlir::func::FuncOp"> {
  let summary = "Give each slice of a packed projection a product of its own";
  let description = [{
    Queries are wanted for few tokens and keys for all: one product that makes both makes
    too much. Only when slices that do not overlap are all that is left of the product.

    ```mlir
    func.func @f(%x: tensor<4x8xf32>, %w: tensor<8x6xf32>) -> tensor<4x2xf32> {
      %n = onnx.NoValue
      %0 = onnx.Constant dense<0> : tensor<1xi64>
      %1 = onnx.Constant dense<1> : tensor<1xi64>
      %2 = onnx.Constant dense<2> : tensor<1xi64>
      %c = onnx.Constant dense<0.5> : tensor<8x6xf32>
      %p = onnx.MatMul %x, %c : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32>
      %q = onnx.Slice %p, %0, %2, %1, %n
         : (tensor<4x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<4x2xf32>
      return %q : tensor<4x2xf32>
    }
    // ==> weir-split-packed-projections
    func.func @f(%x: tensor<4x8xf32>, %w: tensor<8x6xf32>) -> tensor<4x2xf32> {
      %c = onnx.Constant dense<0.5> : tensor<8x2xf32>
      %q = onnx.MatMul %x, %c : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
      return %q : tensor<4x2xf32>
    }
    ```
  }];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def AnnotateTokenFlow : Pass<"weir-annotate-token-flow", "::mlir::func::FuncOp"> {
  let summary = "Write what is known of every value, and why, into the IR";
  let description = [{
    Sets `weir.flow` on every op: the token axes of its first result, the margins
    between which it slides or the reason why it does not.

    ```mlir
    func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> tensor<1x8x4xf32> {
      %0 = onnx.Relu %x : (tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
      return %0 : tensor<1x8x4xf32>
    }
    // ==> weir-annotate-token-flow{token-axis=x=1}
    func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"}) -> tensor<1x8x4xf32> {
      %0 = onnx.Relu %x {weir.flow = "8 tokens in dim 1; slides with margins (0, 1)"}
         : (tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
      return %0 : tensor<1x8x4xf32>
    }
    ```
  }];
  let options = [
    ListOption<"tokenAxes", "token-axis", "std::string", "INPUT=AXIS of streamed inputs">,
    Option<"chunk", "chunk", "int64_t", "1", "tokens that enter per step">,
    Option<"recyclePositions", "recycle", "bool", "false",
           "position tables follow their tokens">,
    Option<"keepsPast", "keeps-past", "bool", "false",
           "values are those on the whole stream so far, not on its last window">];
}

def BandAttention : Pass<"weir-band-attention", "::mlir::func::FuncOp"> {
  let summary = "Let each query see the keys of a band only";
  let description = [{
    Adds a mask to the scores of every softmax over a token axis: query i keeps the keys
    [i - before, i + after]. This is another model. Attentions whose queries or keys are
    not just the tokens stay as they are, and a remark says so.

    ```mlir
    func.func @window(%s: tensor<1x2x2xf32> {weir.input = "x"}) -> tensor<1x2x2xf32> {
      %k = onnx.Transpose %s {perm = [0, 2, 1]} : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
      %q = onnx.MatMul %s, %k : (tensor<1x2x2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
      %p = onnx.Softmax %q : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
      return %p : tensor<1x2x2xf32>
    }
    // ==> weir-band-attention{token-axis=x=1 before=1}
    func.func @window(%s: tensor<1x2x2xf32> {weir.input = "x"}) -> tensor<1x2x2xf32> {
      %k = onnx.Transpose %s {perm = [0, 2, 1]} : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
      %q = onnx.MatMul %s, %k : (tensor<1x2x2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
      %c = onnx.Constant dense<[[[0.0, 0xFF800000], [0.0, 0.0]]]> : tensor<1x2x2xf32>
      %m = onnx.Add %q, %c : (tensor<1x2x2xf32>, tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
      %p = onnx.Softmax %m : (tensor<1x2x2xf32>) -> tensor<1x2x2xf32>
      return %p : tensor<1x2x2xf32>
    }
    ```
  }];
  let options = [
    ListOption<"tokenAxes", "token-axis", "std::string",
               "INPUT=AXIS of streamed inputs; inferred when left out">,
    Option<"chunk", "chunk", "int64_t", "1", "tokens that enter per step">,
    Option<"before", "before", "int64_t", "0", "tokens that a query sees before its own">,
    Option<"after", "after", "int64_t", "0", "tokens that it sees after its own">];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def MakeContinualPass : Pass<"weir-continual", "::mlir::ModuleOp"> {
  let summary = "Rewrite a window function into a step function with explicit state";
  let description = [{
    Beside `@window` it makes `@step`, which takes the newest tokens and the states and
    gives what the window would give, and `@init`, which gives the first states. With
    `entries=all` also `@push`, a step without outputs, `@predict`, the outputs of the
    last push, and `@prime`, the first full window at once with the states that its
    tokens leave.
    `@window` has static shapes and is canonical (`weir-specialize`, `weir-canonicalize`).

    ```mlir
    func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"})
        -> (tensor<1x4xf32> {weir.output = "y"}) {
      %n = onnx.NoValue
      %axes = onnx.Constant dense<1> : tensor<1xi64>
      %y = onnx.ReduceMean %x, %axes {keepdims = 0 : si64}
         : (tensor<1x8x4xf32>, tensor<1xi64>) -> tensor<1x4xf32>
      return %y : tensor<1x4xf32>
    }
    // ==> weir-continual{token-axis=x=1}: @step takes one row of x, pushes it into a
    // ring and reduces over the ring.
    ```
  }];
  let options = [
    ListOption<"tokenAxes", "token-axis", "std::string",
               "INPUT=AXIS of streamed inputs; inferred when left out">,
    Option<"chunk", "chunk", "int64_t", "1", "tokens that enter per step">,
    Option<"semantics", "semantics", "::weir::Semantics", "::weir::Semantics::Window",
           "what a step equals", [{::llvm::cl::values(
             clEnumValN(::weir::Semantics::Window, "window", "the model on the last window"),
             clEnumValN(::weir::Semantics::Stream, "stream",
                        "the model on the whole stream so far"),
             clEnumValN(::weir::Semantics::Deep, "deep",
                        "that of the model whose attentions see a window each"))}]>,
    Option<"positions", "positions", "::weir::Positions", "::weir::Positions::Reject",
           "what a table of absolute positions means", [{::llvm::cl::values(
             clEnumValN(::weir::Positions::Reject, "reject", "an error"),
             clEnumValN(::weir::Positions::Exact, "exact", "tied to window slots"),
             clEnumValN(::weir::Positions::Recycle, "recycle", "follows the tokens"))}]>,
    Option<"period", "period", "int64_t", "0",
           "tokens after which a recycled table begins again; 0 is the window">,
    Option<"rotary", "rotary", "::weir::Rotary", "::weir::Rotary::Slide",
           "scores of rotary positions", [{::llvm::cl::values(
             clEnumValN(::weir::Rotary::Slide, "slide", "kept, up to the rounding of tables"),
             clEnumValN(::weir::Rotary::Recompute, "recompute", "computed again"))}]>,
    Option<"rows", "rows", "std::string", "\"all\"",
           "rows of outputs: all, last, first or a position">,
    Option<"layout", "state-layout", "::weir::StateOrder", "::weir::StateOrder::Ring",
           "the order of tokens in a state", [{::llvm::cl::values(
             clEnumValN(::weir::StateOrder::Ring, "ring", "slot order: nothing moves"),
             clEnumValN(::weir::StateOrder::Shift, "shift",
                        "window order: every token moves each step"))}]>,
    Option<"requireIncremental", "require-incremental", "bool", "false",
           "refuse a step that saves nothing over the window">,
    Option<"warmup", "warmup", "::weir::Warmup", "::weir::Warmup::Wait",
           "steps before the window is full", [{::llvm::cl::values(
             clEnumValN(::weir::Warmup::Wait, "wait", "give no output"),
             clEnumValN(::weir::Warmup::Partial, "partial",
                        "give that of the tokens that have come"))}]>,
    Option<"retroactive", "retroactive", "::weir::Retroactive",
           "::weir::Retroactive::Auto", "when a step updates attentions of all rows",
           [{::llvm::cl::values(
             clEnumValN(::weir::Retroactive::Auto, "auto", "where it is cheaper"),
             clEnumValN(::weir::Retroactive::Always, "always", "wherever it can"),
             clEnumValN(::weir::Retroactive::Never, "never", "they are recomputed"))}]>,
    Option<"form", "retroactive-form", "::weir::RetroactiveForm",
           "::weir::RetroactiveForm::Guarded", "how it updates them",
           [{::llvm::cl::values(
             clEnumValN(::weir::RetroactiveForm::Guarded, "guarded", "rows are rebuilt where they lose precision"),
             clEnumValN(::weir::RetroactiveForm::Shadow, "shadow", "fewer are, for twice the state"),
             clEnumValN(::weir::RetroactiveForm::Published, "published", "as in the paper: unstable"))}]>,
    Option<"frequencies", "frequencies", "::weir::Frequencies",
           "::weir::Frequencies::Auto", "when a step updates the frequencies of tokens",
           [{::llvm::cl::values(
             clEnumValN(::weir::Frequencies::Auto, "auto", "where it is cheaper"),
             clEnumValN(::weir::Frequencies::Always, "always", "wherever it can"),
             clEnumValN(::weir::Frequencies::Never, "never", "they are recomputed"))}]>,
    Option<"entries", "entries", "::weir::Entries", "::weir::Entries::Step",
           "functions beside @window", [{::llvm::cl::values(
             clEnumValN(::weir::Entries::Step, "step", "@init and @step"),
             clEnumValN(::weir::Entries::All, "all", "and @push, @predict, @prime"))}]>];
  let dependentDialects = ["::weir::WeirDialect", "::weir::onnx::OnnxDialect",
    "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def ReassociateProducts : Pass<"weir-reassociate-products", "::mlir::func::FuncOp"> {
  let summary = "Multiply chains of matrices in the cheapest order";
  let description = [{
    A fixed map along a dimension, which is a product with a constant matrix or a transform
    of the `weir` dialect, moves over the matrix product beside it where that takes fewer
    multiply-accumulates: (M X) Z = M (X Z), (X M) Z = X (M Z), and so on, through
    transposes. Few rows of queries then never meet tokens, only frequencies. Keys and
    values that are heads of a projection X W + b, and that nothing but a product with few
    queries or weights reads, are not made: q_h K_h^T = (q_h W_h^T) X^T + q_h b_h and
    p_h V_h = (p_h X) W_h + (p_h 1) b_h.

    ```mlir
    %v = weir.idct %c {dim = 0} : tensor<8x32xf32> -> tensor<8x32xf32>
    %y = onnx.MatMul %p, %v : (tensor<1x8xf32>, tensor<8x32xf32>) -> tensor<1x32xf32>
    // ==> weir-reassociate-products
    %f = weir.dct %p {dim = 1} : tensor<1x8xf32> -> tensor<1x8xf32>
    %y = onnx.MatMul %f, %c : (tensor<1x8xf32>, tensor<8x32xf32>) -> tensor<1x32xf32>
    ```
  }];
  let dependentDialects = ["::weir::WeirDialect", "::weir::onnx::OnnxDialect"];
}

def DropDeadStates : Pass<"weir-drop-dead-states", "::mlir::ModuleOp"> {
  let summary = "Drop states that no output depends on";
  let description = [{
    A state stays where, in any entry, an output or the new value of a state that stays
    is computed from it. It runs where all is plain values: before states are tied.

    ```mlir
    func.func @step(%x: tensor<4xf32>, %t: tensor<i64> {weir.state = "step"})
        -> (tensor<4xf32>, tensor<i64> {weir.state = "step"}) {
      %one = onnx.Constant dense<1> : tensor<i64>
      %next = onnx.Add %t, %one : (tensor<i64>, tensor<i64>) -> tensor<i64>
      return %x, %next : tensor<4xf32>, tensor<i64>
    }
    // ==> weir-drop-dead-states
    func.func @step(%x: tensor<4xf32>) -> tensor<4xf32> {
      return %x : tensor<4xf32>
    }
    ```
  }];
}

def PackStates : Pass<"weir-pack-states", "::mlir::ModuleOp"> {
  let summary = "Join the floating-point states into one";
  let description = [{
    The states of `@step` that have the type of its first floating-point one become a
    single state `states`, flattened and one behind the other, in all entries.

    ```mlir
    func.func @step(%a: tensor<2x3xf32> {weir.state = "a"}, %b: tensor<4xf32> {weir.state = "b"})
        -> (tensor<2x3xf32> {weir.state = "a"}, tensor<4xf32> {weir.state = "b"}) {
      return %a, %b : tensor<2x3xf32>, tensor<4xf32>
    }
    // ==> weir-pack-states: @step(%s: tensor<10xf32> {weir.state = "states"})
    ```
  }];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def LowerToOpset : Pass<"weir-lower-to-opset", "::mlir::func::FuncOp"> {
  let summary = "Take apart operators that came after an opset";
  let description = [{
    ```mlir
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = onnx.Swish %x : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    // ==> weir-lower-to-opset{opset=17}
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
      %s = onnx.Sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
      %y = onnx.Mul %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
  }];
  let options = [Option<"opset", "opset", "int64_t", "17", "the operator set to write">];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

include "weir/Transforms/LoweringPasses.td"

#endif // WEIR_TRANSFORMS_PASSES_TD
