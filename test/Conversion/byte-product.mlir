// RUN: weir-opt %s --convert-linalg-to-vector='lanes=16 registers=32 dot=avx512' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: weir-opt %s --convert-linalg-to-vector='dot=avx' | FileCheck %s --check-prefixes=CHECK,AVX
// RUN: weir-opt %s --convert-linalg-to-vector='lanes=4 registers=32 dot=neon' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,NEON
// RUN: weir-opt %s --convert-linalg-to-vector | FileCheck %s --check-prefix=NONE
// RUN: weir-opt %s --weir-to-cpu='lanes=16 registers=32 dot=avx512' \
// RUN:   | FileCheck %s --check-prefix=CODE

#row = affine_map<(m, j, k, v, r) -> (m, k * 4 + r)>
#weights = affine_map<(m, j, k, v, r) -> (j, k, v, r)>
#scale = affine_map<(m, j, k, v, r) -> (j, v)>
#result = affine_map<(m, j, k, v, r) -> (m, j, v)>

// Rows become digits, whose products with four weights at a time are summed exactly.
// Where one factor has no sign, weights move up by 128 and sums begin below.
// CHECK-LABEL: func @product(
// CHECK:         llvm.intr.stacksave
// CHECK:         memref.alloca() {alignment = 64 : i64} : memref<432xi8>
// CHECK:         arith.shrsi %{{.*}} : vector<16xi32>
// CHECK:         arith.trunci %{{.*}} : vector<16xi32> to vector<16xi8>
// CHECK:         vector.reduction <add>
// WIDE:          arith.xori %{{.*}} : vector<64xi8>
// WIDE:          llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// WIDE-SAME:       (vector<16xi32>, vector<64xi8>, vector<64xi8>) -> vector<16xi32>
// AVX:           llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
// NEON-NOT:      arith.xori
// NEON:          llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
// CHECK:         arith.sitofp
// CHECK:         llvm.intr.stackrestore
// NONE-LABEL:  func @product(
// NONE-NOT:      llvm.intr.stacksave
// NONE:          vector.load %{{.*}} : memref<{{.*}}xi8>, vector<32xi8>
// NONE:          arith.shli %{{.*}} : vector<8xi32>
// NONE:          arith.shrsi %{{.*}} : vector<8xi32>
// NONE:          arith.sitofp %{{.*}} : vector<8xi32> to vector<8xf32>
// NONE:          math.fma
// NONE-NOT:      linalg.generic
// CODE-LABEL:  llvm.func @product(
// CODE:          llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
func.func @product(%x: memref<6x36xf32>, %w: memref<3x9x16x4xi8>, %s: memref<3x16xf32>,
                   %y: memref<6x3x16xf32>) {
  linalg.generic {indexing_maps = [#row, #weights, #scale, #result],
                  iterator_types = ["parallel", "parallel", "reduction", "parallel",
                                    "reduction"]}
      ins(%x, %w, %s : memref<6x36xf32>, memref<3x9x16x4xi8>, memref<3x16xf32>)
      outs(%y : memref<6x3x16xf32>) {
  ^bb0(%a: f32, %q: i8, %scale: f32, %sum: f32):
    %0 = arith.sitofp %q : i8 to f32
    %1 = arith.mulf %0, %scale : f32
    %2 = arith.mulf %a, %1 : f32
    %3 = arith.addf %sum, %2 : f32
    linalg.yield %3 : f32
  }
  return
}

// Sums of 32 bits hold no deeper ones: weights are widened.
// CHECK-LABEL: func @deep(
// CHECK-NOT:     llvm.call_intrinsic
// CHECK:         math.fma
func.func @deep(%x: memref<1x131076xf32>, %w: memref<1x32769x16x4xi8>,
                %s: memref<1x16xf32>, %y: memref<1x1x16xf32>) {
  linalg.generic {indexing_maps = [#row, #weights, #scale, #result],
                  iterator_types = ["parallel", "parallel", "reduction", "parallel",
                                    "reduction"]}
      ins(%x, %w, %s : memref<1x131076xf32>, memref<1x32769x16x4xi8>, memref<1x16xf32>)
      outs(%y : memref<1x1x16xf32>) {
  ^bb0(%a: f32, %q: i8, %scale: f32, %sum: f32):
    %0 = arith.sitofp %q : i8 to f32
    %1 = arith.mulf %0, %scale : f32
    %2 = arith.mulf %a, %1 : f32
    %3 = arith.addf %sum, %2 : f32
    linalg.yield %3 : f32
  }
  return
}

// Bytes of another order are factors like others.
// CHECK-LABEL: func @rows(
// CHECK-NOT:     llvm.call_intrinsic
// CHECK:         arith.sitofp %{{.*}} : vector<{{.*}}xi8> to vector<{{.*}}xf32>
// CHECK:         math.fma
func.func @rows(%x: memref<1x6xf32>, %w: memref<6x32xi8>, %s: memref<32xf32>,
                %y: memref<1x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
                                   affine_map<(m, n, k) -> (k, n)>,
                                   affine_map<(m, n, k) -> (n)>,
                                   affine_map<(m, n, k) -> (m, n)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w, %s : memref<1x6xf32>, memref<6x32xi8>, memref<32xf32>)
      outs(%y : memref<1x32xf32>) {
  ^bb0(%a: f32, %q: i8, %scale: f32, %sum: f32):
    %0 = arith.sitofp %q : i8 to f32
    %1 = arith.mulf %0, %scale : f32
    %2 = arith.mulf %a, %1 : f32
    %3 = arith.addf %sum, %2 : f32
    linalg.yield %3 : f32
  }
  return
}
