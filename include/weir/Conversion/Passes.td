//===- Passes.td - Conversions from one dialect to another ----------------===//

#ifndef WEIR_CONVERSION_PASSES_TD
#define WEIR_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def GeneralizeLinalg : Pass<"weir-generalize-linalg"> {
  let summary = "Spell the linalg of other front ends as Weir spells its own";
  let description = [{
    Named ops become `linalg.generic`, `linalg.softmax` its four parts, and constants that
    are not splats `onnx.Constant`, so that weights are packed and never become text. Bodies
    read booleans from bytes. `linalg.fill` stays.

    ```mlir
    func.func @f(%x: tensor<2x3xf32>, %i: tensor<3x2xf32>) -> tensor<3x2xf32> {
      %y = linalg.transpose ins(%x : tensor<2x3xf32>) outs(%i : tensor<3x2xf32>)
          permutation = [1, 0]
      return %y : tensor<3x2xf32>
    }
    // ==> weir-generalize-linalg
    #turned = affine_map<(i, j) -> (j, i)>
    #same = affine_map<(i, j) -> (i, j)>
    func.func @f(%x: tensor<2x3xf32>, %i: tensor<3x2xf32>) -> tensor<3x2xf32> {
      %y = linalg.generic {indexing_maps = [#turned, #same],
                           iterator_types = ["parallel", "parallel"]}
          ins(%x : tensor<2x3xf32>) outs(%i : tensor<3x2xf32>) {
      ^bb0(%in: f32, %out: f32):
        linalg.yield %in : f32
      } -> tensor<3x2xf32>
      return %y : tensor<3x2xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect",
    "::weir::onnx::OnnxDialect"];
}

def ConvertOnnxToLinalg : Pass<"convert-onnx-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower onnx ops of static shape to linalg on tensors";
  let description = [{
    Every op becomes `linalg.generic`s, slices and reshapes of tensors. Elements are
    stored as signless integers, booleans as `i8`; f16 and bf16 are computed in f32.
    Constants stay `onnx.Constant`, so that large ones never become text or LLVM IR.

    What cannot be lowered is an error that names the node, its operator and the reason.

    ```mlir
    func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %y = onnx.Relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    }
    // ==> convert-onnx-to-linalg
    #same = affine_map<(i, j) -> (i, j)>
    func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %e = tensor.empty() : tensor<2x3xf32>
      %y = linalg.generic {indexing_maps = [#same, #same],
                           iterator_types = ["parallel", "parallel"]}
          ins(%x : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
      ^bb0(%in: f32, %out: f32):
        %zero = arith.constant 0.0 : f32
        %max = arith.maximumf %in, %zero : f32
        linalg.yield %max : f32
      } -> tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
  let options = [Option<"fold", "fold", "bool", "true",
                        "evaluate ops of constants instead of lowering them">];
}

def ConvertWeirToLinalg : Pass<"convert-weir-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower rings and rolls to slices of tensors";
  let description = [{
    A push writes its rows, and nothing else, into the ring it is given, on the ring's
    own type, so that bufferization keeps the state in place.

    ```mlir
    %r1 = weir.ring_push %x, %r0, %t {axis = #weir.axis<dim = 0, tokens = 8>,
      positions = array<i64: 7>} : tensor<1x4xf32>, tensor<8x4xf32>
    // ==> convert-weir-to-linalg, where %slot is (%t + 8) mod 8
    %r1 = tensor.insert_slice %x into %r0[%slot, 0] [1, 4] [1, 1]
        : tensor<1x4xf32> into tensor<8x4xf32>
    ```
  }];
  let dependentDialects = ["::weir::onnx::OnnxDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::mlir::vector::VectorDialect"];
}

def ConvertWeirToOnnx : Pass<"convert-weir-to-onnx", "::mlir::func::FuncOp"> {
  let summary = "Lower rings, shifts and the counter to ONNX's operators";
  let description = [{
    Slots are computed from the counter; scalars become tensors of rank 0. What has no
    counterpart is an error.

    ```mlir
    %w1 = weir.shift_push %x, %w0 {axis = #weir.axis<dim = 0, tokens = 8>,
      positions = array<i64: 7>} : tensor<1x4xf32>, tensor<8x4xf32>
    // ==> convert-weir-to-onnx, where %one, %end and %axis are the constants 1, 8 and 0
    %kept = onnx.Slice %w0, %one, %end, %axis, %none
      : (tensor<8x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<7x4xf32>
    %w1 = onnx.Concat %kept, %x {axis = 0 : si64}
      : (tensor<7x4xf32>, tensor<1x4xf32>) -> tensor<8x4xf32>
    ```
  }];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def ConvertTokenMapsToOnnx : Pass<"convert-token-maps-to-onnx", "::mlir::func::FuncOp"> {
  let summary = "Lower maps along the tokens to matrix products";
  let description = [{
    `weir.dct`, `weir.idct` and `weir.resample` become a product with a constant matrix;
    `weir.pool` becomes means. Of an inverse transform only the rows that are taken are
    made. In step functions and windows, on every way out.

    ```mlir
    %y = weir.dct %x {dim = 0} : tensor<3x8xf32> -> tensor<1x8xf32>
    // ==> convert-token-maps-to-onnx
    %d = onnx.Constant dense<0.57735026> : tensor<1x3xf32>
    %y = onnx.MatMul %d, %x : (tensor<1x3xf32>, tensor<3x8xf32>) -> tensor<1x8xf32>
    ```
  }];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def ConvertClustersToOnnx : Pass<"convert-clusters-to-onnx", "::mlir::func::FuncOp"> {
  let summary = "Lower the ops of clusters to ONNX's operators";
  let description = [{
    Affinities become element-wise operators; the best tokens of clusters TopK, and what
    moves tokens GatherND and ScatterElements. Of single assignment, which takes one token
    after the other, ONNX has no operator: an error. Under `only-affinity` the others stay,
    for `convert-weir-to-linalg`.

    ```mlir
    %a = weir.cluster_affinity softmax %q, %k, %phi
       : tensor<8x3xf32>, tensor<8x3xf32>, tensor<8x1xf32> -> tensor<8x3xf32>
    // ==> convert-clusters-to-onnx
    %fq = onnx.Softmax %q : (tensor<8x3xf32>) -> tensor<8x3xf32>
    %fk = onnx.Softmax %k : (tensor<8x3xf32>) -> tensor<8x3xf32>
    %gate = onnx.Sigmoid %phi : (tensor<8x1xf32>) -> tensor<8x1xf32>
    %d = onnx.Sub %fq, %fk : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
    %g = onnx.Mul %gate, %d : (tensor<8x1xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
    %a = onnx.Add %fk, %g : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
    ```
  }];
  let options = [Option<"onlyAffinity", "only-affinity", "bool", "false",
                        "leave what needs indices">];
  let dependentDialects = ["::weir::onnx::OnnxDialect"];
}

def ConvertOnnxConstants : Pass<"convert-onnx-constants", "::mlir::ModuleOp"> {
  let summary = "Give the constants of a model a place in memory";
  let description = [{
    Constants of more than `inline-bytes` become external globals that carry their value
    as `weir.value`, small ones `arith.constant`; equal ones share a global.

    ```mlir
    func.func @f() -> tensor<2x2xf32> {
      %w = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
      return %w : tensor<2x2xf32>
    }
    // ==> convert-onnx-constants{inline-bytes=4}
    memref.global constant @weight0 : memref<2x2xf32>
        {weir.value = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>}
    func.func @f() -> tensor<2x2xf32> {
      %m = memref.get_global @weight0 : memref<2x2xf32>
      %w = bufferization.to_tensor %m restrict : memref<2x2xf32> to tensor<2x2xf32>
      return %w : tensor<2x2xf32>
    }
    ```
  }];
  let options = [Option<"inlineBytes", "inline-bytes", "int64_t", "1024",
                        "constants of up to this size stay in the code">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"];
}

def ConvertLinalgToVector : Pass<"convert-linalg-to-vector", "::mlir::func::FuncOp"> {
  let summary = "Lower linalg ops on memrefs to loops over vectors";
  let description = [{
    Contractions become a register-blocked kernel, elementwise ops and reductions loops
    over strips of `lanes` elements. The order in which an output element is summed
    depends on the reduced dimension alone: results do not change with the number of
    rows. Sums that begin with a fill of a constant begin with it in registers, and the
    fill goes. Products with 8-bit weights in groups of four (`weir-narrow-weights`) sum digits
    of their rows with `dot` where there is one: exactly, in whole numbers. Ops whose
    operands are not contiguous where it counts are left alone.
  }];
  let options = [Option<"lanes", "lanes", "int64_t", "8",
                        "f32 elements of a vector register, a power of two">,
                 Option<"registers", "registers", "int64_t", "16", "vector registers">,
    Option<"dot", "dot", "::weir::ByteDot", "::weir::ByteDot::None",
           "the dot product of bytes that the processor has", [{::llvm::cl::values(
             clEnumValN(::weir::ByteDot::None, "none", "none"),
             clEnumValN(::weir::ByteDot::Avx, "avx", "vpdpbusd on 256 bits"),
             clEnumValN(::weir::ByteDot::Avx512, "avx512", "vpdpbusd on 512 bits"),
             clEnumValN(::weir::ByteDot::Neon, "neon", "sdot on 128 bits"))}]>];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ExpandMath : Pass<"weir-expand-math"> {
  let summary = "Expand transcendental functions to arithmetic, accurate to an ulp or two";
  let description = [{
    `exp`, `erf`, `tanh`, `log` of f32 become polynomials that run on vectors; the error
    is below 2e-7 of the value. bf16 conversions become integer arithmetic.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect"];
}

def ConvertFloatToField : Pass<"convert-float-to-field", "::mlir::ModuleOp"> {
  let summary = "Compute with residues instead of floats";
  let description = [{
    Every float type becomes `i64`, which holds a `FieldNumber` (weir/Support/FieldNumber.h):
    residues of the number modulo two primes. Constants become their residues, exactly;
    arithmetic becomes calls of `weir_field_...`, which whoever runs the code supplies.
    What two functions compute alike as formulas, in whatever order they sum, is then
    equal bit for bit; what they do not differs.

    Rounding is not modelled: a conversion between float types is nothing. A function
    without algebra (`sqrt`, `erf`, ...) is a random function of its operand.

    C1: floats are computed by `arith` and `math` ops, inside of `linalg` ops on tensors
    and outside; a float that becomes an integer or a string of bits is an error.

    ```mlir
    func.func @f(%x: f32, %y: f32) -> f32 {
      %s = arith.addf %x, %y : f32
      return %s : f32
    }
    // ==> convert-float-to-field
    llvm.func @weir_field_add(i64, i64) -> i64
    func.func @f(%x: i64, %y: i64) -> i64 {
      %s = llvm.call @weir_field_add(%x, %y) : (i64, i64) -> i64
      return %s : i64
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::tensor::TensorDialect"];
}

#endif // WEIR_CONVERSION_PASSES_TD
