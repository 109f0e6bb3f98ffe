//===- LoweringPasses.td - Passes on the way to buffers and kernels -------===//

#ifndef WEIR_TRANSFORMS_LOWERINGPASSES_TD
#define WEIR_TRANSFORMS_LOWERINGPASSES_TD

include "mlir/Pass/PassBase.td"

def FuseElementwise : Pass<"weir-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Join elementwise linalg ops where nothing is computed twice";
  let description = [{
    A producer joins its only consumer, also across a change of shape, and a copy
    (transpose, broadcast) all of them.
    Contractions take copies alone, where they still read along memory.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def StartSums : Pass<"weir-start-sums", "::mlir::func::FuncOp"> {
  let summary = "Start sums of products at what is added to them";
  let description = [{
    `f(0 + sum_k x[m, k] w[k, n] + b)` becomes `f(b + sum_k x[m, k] w[k, n])`: a bias, a
    residual or their sum is what the output of the product holds at first. The product
    has no other user. Sums round in another order.

    ```mlir
    #row = affine_map<(m, n, k) -> (m, k)>
    #column = affine_map<(m, n, k) -> (k, n)>
    #result = affine_map<(m, n, k) -> (m, n)>
    #id = affine_map<(m, n) -> (m, n)>
    func.func @f(%x: tensor<3x2xf32>, %w: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<3x4xf32> {
      %zero = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<3x4xf32>
      %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
      %p = linalg.generic {indexing_maps = [#row, #column, #result],
                           iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%x, %w : tensor<3x2xf32>, tensor<2x4xf32>) outs(%z : tensor<3x4xf32>) {
      ^bb0(%a: f32, %c: f32, %acc: f32):
        %0 = arith.mulf %a, %c : f32
        %1 = arith.addf %acc, %0 : f32
        linalg.yield %1 : f32
      } -> tensor<3x4xf32>
      %y = linalg.generic {indexing_maps = [#id, affine_map<(m, n) -> (n)>, #id],
                           iterator_types = ["parallel", "parallel"]}
          ins(%p, %b : tensor<3x4xf32>, tensor<4xf32>) outs(%e : tensor<3x4xf32>) {
      ^bb0(%a: f32, %c: f32, %out: f32):
        %0 = arith.addf %a, %c : f32
        linalg.yield %0 : f32
      } -> tensor<3x4xf32>
      return %y : tensor<3x4xf32>
    }
    // ==> weir-start-sums
    #row = affine_map<(m, n, k) -> (m, k)>
    #column = affine_map<(m, n, k) -> (k, n)>
    #result = affine_map<(m, n, k) -> (m, n)>
    #id = affine_map<(m, n) -> (m, n)>
    func.func @f(%x: tensor<3x2xf32>, %w: tensor<2x4xf32>, %b: tensor<4xf32>) -> tensor<3x4xf32> {
      %e = tensor.empty() : tensor<3x4xf32>
      %s = linalg.generic {indexing_maps = [affine_map<(m, n) -> (n)>, #id],
                           iterator_types = ["parallel", "parallel"]}
          ins(%b : tensor<4xf32>) outs(%e : tensor<3x4xf32>) {
      ^bb0(%a: f32, %out: f32):
        linalg.yield %a : f32
      } -> tensor<3x4xf32>
      %y = linalg.generic {indexing_maps = [#row, #column, #result],
                           iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%x, %w : tensor<3x2xf32>, tensor<2x4xf32>) outs(%s : tensor<3x4xf32>) {
      ^bb0(%a: f32, %c: f32, %acc: f32):
        %0 = arith.mulf %a, %c : f32
        %1 = arith.addf %acc, %0 : f32
        linalg.yield %1 : f32
      } -> tensor<3x4xf32>
      return %y : tensor<3x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

def PackWeights : Pass<"weir-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Lay constant matrices out in panels of 16 columns";
  let description = [{
    `y[m, n] += x[m, k] w[k, n]` becomes `y[m, j, v] += x[m, k] p[j, k, v]` with
    `n = 16 j + v`, where `w` is constant and its columns are a multiple of 16. Equal
    constants are packed once.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
    "::weir::onnx::OnnxDialect"];
}

def NarrowWeights : Pass<"weir-narrow-weights", "::mlir::ModuleOp"> {
  let summary = "Store the weights of products in fewer bits";
  let description = [{
    Constants that a product multiplies its rows with become bf16 or f16, rounded to the
    nearest, or whole numbers of 8 bits with a scale for each column. They are widened
    where they are used: rows, sums and results stay f32. Biases, scales of norms and
    tables are left alone, as are weights that the type has no number for.

    The body `acc + x w` becomes `acc + x extf(q)`, or `acc + x (sitofp(q) scale)`.

    Of some constants, by the digest of their bytes, `weir.products` of the module says
    more: another kind, or mean and variance of each element of the rows, by which 8 bits
    are then rounded.

    Run it after `weir-pack-weights`, whose panels `[j][k][16]` of 8-bit weights become
    `[j][k / 4][16][4]`.
  }];
  let options = [
    Option<"kind", "kind", "::weir::WeightKind", "::weir::WeightKind::F32",
           "how weights are stored; f32: as `weir.weights` of the module says",
           [{::llvm::cl::values(
             clEnumValN(::weir::WeightKind::F32, "f32", "as the module says"),
             clEnumValN(::weir::WeightKind::BF16, "bf16", "16 bits, 8 of them exponent"),
             clEnumValN(::weir::WeightKind::F16, "f16", "16 bits, 5 of them exponent"),
             clEnumValN(::weir::WeightKind::Int8, "int8", "8 bits, a scale a column"))}]>,
    Option<"minElements", "min-elements", "int64_t", "1024",
           "weights of a constant below which it stays f32">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::weir::onnx::OnnxDialect"];
}

def TieState : Pass<"weir-tie-state", "::mlir::func::FuncOp"> {
  let summary = "Bind every state and output to the buffer it ends in";
  let description = [{
    On tensors, before bufferization: a result with `weir.state = "k"` is bound to the
    argument "k", any other result to a new argument with the result's attributes. Run it
    before and after `eliminate-empty-tensors`; the second run drops circular bindings.

    ```mlir
    func.func @step(%x: tensor<4xf32>, %k: tensor<4xf32> {weir.state = "k"})
        -> (tensor<4xf32> {weir.state = "k"}) {
      %k1 = arith.addf %x, %k : tensor<4xf32>
      return %k1 : tensor<4xf32>
    }
    // ==> weir-tie-state
    func.func @step(%x: tensor<4xf32> {bufferization.writable = false},
                    %k: tensor<4xf32> {weir.state = "k"})
        -> (tensor<4xf32> {weir.state = "k"}) attributes {weir.tied} {
      %k1 = arith.addf %x, %k : tensor<4xf32>
      %k2 = bufferization.materialize_in_destination %k1 in %k
          : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      return %k2 : tensor<4xf32>
    }
    ```
  }];
  let options = [Option<"copyStates", "copy-states", "bool", "false",
                        "read every state from a copy made at entry">];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def SettleState : Pass<"weir-settle-state", "::mlir::func::FuncOp"> {
  let summary = "Prove that states are updated in place and drop the results";
  let description = [{
    After bufferization: each result is the argument of its name, or is copied to it. The
    function then returns nothing. A state that is copied from a temporary gets a remark.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def DistributeWork : Pass<"weir-distribute-work", "::mlir::ModuleOp"> {
  let summary = "Share the work of a function out to a team of threads";
  let description = [{
    After bufferization, before temporaries are placed. A function with enough work gets an
    argument `memref<2xi64>` with `weir.team`, the number of this thread and how many there
    are; all threads of the team run it. Parallel loops of linalg ops are cut into pieces of
    static size, loops with `weir.parallel` are shared out by iterations, small work is done
    by each thread in temporaries of its own (`weir.private`), and the rest by thread 0.
    `@weir_barrier` stands where a thread needs what another one has written. No sum is cut:
    results are those of one thread, bit for bit.

    ```mlir
    func.func @f(%x: memref<4xf32>, %y: memref<4xf32>) {
      linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
      return
    }
    // ==> weir-distribute-work{threads=2 min-work=1}: for pieces of two elements
    ```
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "1", "most threads of a team; 1 changes nothing">,
    Option<"minWork", "min-work", "int64_t", "32768",
           "iterations of shared work below which a function stays on one thread">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def PlanScratch : Pass<"weir-plan-scratch", "::mlir::func::FuncOp"> {
  let summary = "Put all temporaries of a function into one argument";
  let description = [{
    Every `memref.alloc` becomes a view of a last argument `memref<Nxi8>` that carries
    `weir.scratch`; temporaries that are never alive together share bytes. In a function
    with `weir.threads`, those with `weir.private` lie behind the others, once for each
    thread, and what threads share stays untouched until they have met behind its last use.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def LayoutState : Pass<"weir-layout-state", "::mlir::ModuleOp"> {
  let summary = "Put the states of all entry functions into one arena";
  let description = [{
    After bufferization. The states of functions with `weir.entry` become views of a
    first argument `memref<Nxi8>` that carries `weir.arena`; a name is one place for all
    functions. 64 bytes in front stay free for a header, and each state is aligned to 64.
    `weir.state_bytes` and `weir.state_layout` on the module tell what is where.

    C1: all states of one name have one type.
    C2: states are buffers of static shape, and no results.

    ```mlir
    func.func @step(%k: memref<8x4xf32> {weir.state = "k"}) attributes {weir.entry} {
      return
    }
    // ==> weir-layout-state
    func.func @step(%arena: memref<192xi8> {weir.arena}) attributes {weir.entry} {
      %c64 = arith.constant 64 : index
      %k = memref.view %arena[%c64][] : memref<192xi8> to memref<8x4xf32>
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def BatchStreams : Pass<"weir-batch-streams", "::mlir::ModuleOp"> {
  let summary = "Step a group of streams at once";
  let description = [{
    After `weir-layout-state`, before `weir-plan-scratch`. For each size N in `streams`, a
    function `@step_groupN(%group, %count)` with `weir.group = N` steps the first `%count`
    streams of a group of at most N. Temporaries get a row a stream; products of at most
    16 rows by constants, and what continues them, become one op on N times the rows; all
    else runs in loops over streams that carry `weir.parallel`. `@group_state`,
    `@group_input0`, `@group_output0` and so on find the memory of one stream of a group.

    C1: the states of a stream are views of its arena at different offsets.

    ```mlir
    memref.global constant @w : memref<6x16xf32>
    func.func @step(%arena: memref<128xi8> {weir.arena}, %x: memref<1x6xf32> {weir.input = "x"},
                    %y: memref<1x16xf32> {weir.output = "y"}) attributes {weir.entry} {
      %w = memref.get_global @w : memref<6x16xf32>
      %t = memref.alloc() : memref<1x16xf32>
      linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                                       affine_map<(m, n, k) -> (m, n)>],
                      iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%x, %w : memref<1x6xf32>, memref<6x16xf32>) outs(%t : memref<1x16xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %0 = arith.mulf %a, %b : f32
        %1 = arith.addf %c, %0 : f32
        linalg.yield %1 : f32
      }
      memref.copy %t, %y : memref<1x16xf32> to memref<1x16xf32>
      return
    }
    // ==> weir-batch-streams{streams=8}
    memref.global constant @w : memref<6x16xf32>
    func.func private @group_input0(memref<i8>, index) -> memref<1x6xf32>
    func.func private @group_output0(memref<i8>, index) -> memref<1x16xf32>
    func.func @step_group8(%group: memref<i8>, %count: index) attributes {weir.group = 8} {
      %w = memref.get_global @w : memref<6x16xf32>
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c24 = arith.constant 24 : index
      %c64 = arith.constant 64 : index
      %xs = memref.alloc() : memref<192xi8>
      scf.for %s = %c0 to %count step %c1 {
        %x = func.call @group_input0(%group, %s) : (memref<i8>, index) -> memref<1x6xf32>
        %at = arith.muli %s, %c24 : index
        %row = memref.view %xs[%at][] : memref<192xi8> to memref<1x6xf32>
        memref.copy %x, %row : memref<1x6xf32> to memref<1x6xf32>
      } {weir.parallel}
      %rows = memref.view %xs[%c0][] : memref<192xi8> to memref<8x6xf32>
      %ts = memref.alloc() : memref<512xi8>
      %t = memref.view %ts[%c0][] : memref<512xi8> to memref<8x16xf32>
      linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                                       affine_map<(m, n, k) -> (m, n)>],
                      iterator_types = ["parallel", "parallel", "reduction"]}
          ins(%rows, %w : memref<8x6xf32>, memref<6x16xf32>) outs(%t : memref<8x16xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32):
        %0 = arith.mulf %a, %b : f32
        %1 = arith.addf %c, %0 : f32
        linalg.yield %1 : f32
      }
      scf.for %s = %c0 to %count step %c1 {
        %at = arith.muli %s, %c64 : index
        %row = memref.view %ts[%at][] : memref<512xi8> to memref<1x16xf32>
        %y = func.call @group_output0(%group, %s) : (memref<i8>, index) -> memref<1x16xf32>
        memref.copy %row, %y : memref<1x16xf32> to memref<1x16xf32>
      } {weir.parallel}
      return
    }
    ```
  }];
  let options = [ListOption<"streams", "streams", "int64_t", "sizes of groups">,
                 Option<"leastWeightBytes", "least-weight-bytes", "int64_t", "0",
                        "fewer bytes of weights are not worth it">,
                 Option<"mostBytes", "most-bytes", "int64_t", "int64_t(1) << 40",
                        "largest room for temporaries of a group">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::func::FuncDialect"];
}

def ShareKernels : Pass<"weir-share-kernels", "::mlir::ModuleOp"> {
  let summary = "Compile equal linalg ops once, as a function";
  let description = [{
    linalg ops on whole memrefs that are equal but for their operands become calls of one
    private function, together with the fill that begins their sums.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

#endif // WEIR_TRANSFORMS_LOWERINGPASSES_TD
