// RUN: weir-opt %s --weir-to-cpu --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-to-cpu=lanes=4 --split-input-file | FileCheck %s --check-prefix=NARROW

// Bare pointers, vectors as wide as the machine's, a scalar for the rest; nothing of any
// other dialect is left, and no function of a library is called.
// CHECK-NOT:   llvm.func @{{(exp|malloc|memrefCopy)}}
// CHECK-LABEL: llvm.func @step(
// CHECK-SAME:    %{{.*}}: !llvm.ptr {weir.input = "x"}, %{{.*}}: !llvm.ptr {weir.output = "y"}, %{{.*}}: !llvm.ptr {weir.scratch}) {
// CHECK:         llvm.load %{{.*}} : !llvm.ptr -> vector<8xf32>
// CHECK:         llvm.intr.fma({{.*}}) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
// CHECK:         llvm.load %{{.*}} : !llvm.ptr -> f32
// CHECK:         llvm.return
// CHECK-NOT:   {{(memref|scf|arith|math|vector|linalg|builtin)[.][a-z_]+}}
// NARROW-LABEL: llvm.func @step(
// NARROW-NOT:    vector<8xf32>
// NARROW:        llvm.load %{{.*}} : !llvm.ptr -> vector<4xf32>
func.func @step(%x: memref<9xf32> {weir.input = "x"}, %y: memref<9xf32> {weir.output = "y"},
                %scratch: memref<0xi8> {weir.scratch}) {
  linalg.exp ins(%x : memref<9xf32>) outs(%y : memref<9xf32>)
  return
}

// -----

// What has no formula of its own and none in LLVM is called, element by element.
// CHECK:       llvm.func @erf(f64) -> f64
// CHECK-LABEL: llvm.func @double(
// CHECK-COUNT-4: llvm.call @erf(
// NARROW-LABEL: llvm.func @double(
func.func @double(%x: memref<4xf64>) {
  linalg.erf ins(%x : memref<4xf64>) outs(%x : memref<4xf64>)
  return
}
