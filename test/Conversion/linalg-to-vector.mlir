// RUN: weir-opt %s --convert-linalg-to-vector | FileCheck %s
// RUN: weir-opt %s --convert-linalg-to-vector='lanes=4 registers=32' | FileCheck %s --check-prefix=MANY
// RUN: weir-opt %s --convert-linalg-to-vector -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

#row = affine_map<(m, n, k) -> (m, k)>
#column = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>

// Twelve sums live in registers: 6 rows of 2 vectors; 7 rows are 4 + 3.
// CHECK-LABEL: func @product(
// CHECK:         scf.for %{{.*}} iter_args({{(%[^,]*, ){7}[^,]*}}) ->
// CHECK-COUNT-8:   math.fma %{{.*}} : vector<8xf32>
// CHECK:         scf.for %{{.*}} iter_args({{(%[^,]*, ){5}[^,]*}}) ->
// CHECK-COUNT-6:   math.fma %{{.*}} : vector<8xf32>
// CHECK-NOT:     linalg.generic
// Of 32 registers 24 are sums: rows of 4 vectors.
// MANY-LABEL:  func @product(
// MANY:          scf.for %{{.*}} iter_args({{(%[^,]*, ){15}[^,]*}}) ->
// MANY-COUNT-16: math.fma %{{.*}} : vector<4xf32>
func.func @product(%a: memref<7x5xf32>, %b: memref<5x16xf32>, %c: memref<7x16xf32>) {
  linalg.generic {indexing_maps = [#row, #column, #result],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<7x5xf32>, memref<5x16xf32>) outs(%c : memref<7x16xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// Sums that a fill begins are never loaded, and the fill is not needed.
// CHECK-LABEL: func @from_zero(
// CHECK:         %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-NOT:     vector.store
// CHECK:         %[[SUMS:.*]]:3 = scf.for
// CHECK:         %[[START:.*]] = vector.broadcast %[[ZERO]] : f32 to vector<8xf32>
// CHECK:         arith.addf %[[START]], %[[SUMS]]#0
// CHECK-NOT:     linalg.fill
func.func @from_zero(%a: memref<3x5xf32>, %b: memref<5x8xf32>, %c: memref<3x8xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<3x8xf32>)
  linalg.generic {indexing_maps = [#row, #column, #result],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<3x5xf32>, memref<5x8xf32>) outs(%c : memref<3x8xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

#diagonal = affine_map<(m, k) -> (m, m)>
#wide = affine_map<(m, k) -> (m, k)>

// Of a fill that sums do not cover, the rest is read by others: both are written.
// CHECK-LABEL: func @diagonal(
// CHECK:         vector.store
// CHECK:         memref.load
// CHECK:         memref.store
func.func @diagonal(%a: memref<8x8xf32>, %c: memref<8x8xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<8x8xf32>)
  linalg.generic {indexing_maps = [#wide, #diagonal], iterator_types = ["parallel", "reduction"]}
      ins(%a : memref<8x8xf32>) outs(%c : memref<8x8xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %0 = arith.addf %sum, %x : f32
    linalg.yield %0 : f32
  }
  return
}

// Weights of 8 bits make a product like others: they are widened in registers.
// CHECK-LABEL: func @narrow(
// CHECK:         scf.for %{{.*}} iter_args({{(%[^,]*, ){5}[^,]*}}) ->
// CHECK:           %[[W:.*]] = arith.sitofp %{{.*}} : vector<8xi8> to vector<8xf32>
// CHECK-NEXT:      math.fma %{{.*}}, %[[W]], %{{.*}} : vector<8xf32>
func.func @narrow(%a: memref<3x5xf32>, %b: memref<5x16xi8>, %c: memref<3x16xf32>) {
  linalg.generic {indexing_maps = [#row, #column, #result],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<3x5xf32>, memref<5x16xi8>) outs(%c : memref<3x16xf32>) {
  ^bb0(%x: f32, %y: i8, %sum: f32):
    %w = arith.sitofp %y : i8 to f32
    %0 = arith.mulf %x, %w : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// Many rows of great depth pass the columns in blocks of 96; the rest is a block.
// CHECK-LABEL: func @row_blocks(
// CHECK-DAG:     %[[BLOCK:.*]] = arith.constant 96 : index
// CHECK:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step %[[BLOCK]] {
// CHECK:           scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK:             math.fma
func.func @row_blocks(%a: memref<199x2048xf32>, %b: memref<2048x32xf32>, %c: memref<199x32xf32>) {
  linalg.generic {indexing_maps = [#row, #column, #result],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<199x2048xf32>, memref<2048x32xf32>) outs(%c : memref<199x32xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// Sums along a great depth are those of blocks, which begin at zeros: 515 is 171 + 172 +
// 172. All rows meet a block, then the next.
// CHECK-LABEL: func @depth_blocks(
// CHECK:           scf.for
// CHECK:             %[[FIRST:.*]] = arith.constant 171 : index
// CHECK:             scf.for %{{.*}} = %{{.*}} to %[[FIRST]] {{.*}} iter_args
// CHECK:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c172{{.*}} {
// CHECK:           scf.for
// CHECK:             %[[ZERO:.*]] = arith.constant 0.0
// CHECK:             %[[START:.*]] = vector.broadcast %[[ZERO]]
// CHECK:             %[[SUMS:.*]]:4 = scf.for {{.*}} iter_args(%{{.*}} = %[[START]],
// CHECK:             %[[NEXT:.*]] = arith.addf %{{.*}}, %[[SUMS]]#0 : vector<8xf32>
// CHECK:             vector.store %[[NEXT]]
func.func @depth_blocks(%a: memref<8x515xf32>, %b: memref<515x8xf32>, %c: memref<8x8xf32>) {
  linalg.generic {indexing_maps = [#row, #column, #result],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<8x515xf32>, memref<515x8xf32>) outs(%c : memref<8x8xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// One row has the same blocks. It reads all of them for some columns, then for others.
// CHECK-LABEL: func @depth_blocks_of_a_row(
// CHECK:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK:           scf.for {{.*}} iter_args
// CHECK:           scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c172{{.*}} {
// CHECK:             scf.for {{.*}} iter_args
func.func @depth_blocks_of_a_row(%a: memref<1x515xf32>, %b: memref<12x515x16xf32>, %c: memref<1x12x16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, j, k, v) -> (m, k)>,
                                   affine_map<(m, j, k, v) -> (j, k, v)>,
                                   affine_map<(m, j, k, v) -> (m, j, v)>],
                  iterator_types = ["parallel", "parallel", "reduction", "parallel"]}
      ins(%a, %b : memref<1x515xf32>, memref<12x515x16xf32>) outs(%c : memref<1x12x16xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// Of two loops that reduce the inner one runs whole: 40 times 20 is 10 + 10 + 10 + 10
// times 20.
// CHECK-LABEL: func @two_depths(
// CHECK:         %[[SIZE:.*]] = arith.constant 10 : index
// CHECK:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step %[[SIZE]] {
// CHECK:           scf.for %{{.*}} = %{{.*}} to %c10{{.*}} iter_args
// CHECK:             scf.for %{{.*}} = %{{.*}} to %c20{{.*}} iter_args
func.func @two_depths(%a: memref<40x20xf32>, %b: memref<20x40x8xf32>, %c: memref<8xf32>) {
  linalg.generic {indexing_maps = [affine_map<(h, k, n) -> (h, k)>, affine_map<(h, k, n) -> (k, h, n)>,
                                   affine_map<(h, k, n) -> (n)>],
                  iterator_types = ["reduction", "reduction", "parallel"]}
      ins(%a, %b : memref<40x20xf32>, memref<20x40x8xf32>) outs(%c : memref<8xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// A row is summed in lanes, which are joined in a tree; narrower ones take the rest.
// CHECK-LABEL: func @row_sums(
// CHECK:         arith.addf %{{.*}} : vector<8xf32>
// CHECK:         vector.extract_strided_slice {{.*}} : vector<8xf32> to vector<4xf32>
// CHECK:         arith.addf %{{.*}} : vector<4xf32>
// CHECK:         memref.store
func.func @row_sums(%x: memref<3x19xf32>, %y: memref<3xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<3x19xf32>) outs(%y : memref<3xf32>) {
  ^bb0(%in: f32, %sum: f32):
    %0 = arith.addf %sum, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// Rows shorter than a vector are summed in narrower ones. The loop over heads runs inside
// of that over tokens, as memory lies.
// CHECK-LABEL: func @short_rows(
// CHECK:         scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK:           scf.for %[[H:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK:             arith.muli %[[H]], %
// CHECK:             math.fma {{.*}} : vector<4xf32>
// CHECK:             math.fma {{.*}} : vector<2xf32>
// CHECK-NOT:         math.fma {{.*}} : f32
// CHECK:             memref.store
func.func @short_rows(%q: memref<3x6xf32>, %k: memref<8x3x6xf32>, %s: memref<3x8xf32>) {
  linalg.generic {indexing_maps = [affine_map<(h, t, d) -> (h, d)>, affine_map<(h, t, d) -> (t, h, d)>,
                                   affine_map<(h, t, d) -> (h, t)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<3x6xf32>, memref<8x3x6xf32>) outs(%s : memref<3x8xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %0 = arith.mulf %x, %y : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// Where each element of a matrix is used once, rows are read in long pieces: both heads.
// CHECK-LABEL: func @scaled_rows(
// CHECK:         scf.for {{.*}} iter_args
// CHECK-COUNT-4:   math.fma {{.*}} : vector<8xf32>
// CHECK-COUNT-4: vector.store %{{.*}} : memref<32xf32>, vector<8xf32>
func.func @scaled_rows(%p: memref<2x5xf32>, %v: memref<5x2x16xf32>, %y: memref<2x16xf32>) {
  linalg.generic {indexing_maps = [affine_map<(h, d, t) -> (h, t)>, affine_map<(h, d, t) -> (t, h, d)>,
                                   affine_map<(h, d, t) -> (h, d)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%p, %v : memref<2x5xf32>, memref<5x2x16xf32>) outs(%y : memref<2x16xf32>) {
  ^bb0(%x: f32, %y0: f32, %sum: f32):
    %0 = arith.mulf %x, %y0 : f32
    %1 = arith.addf %sum, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// What the output holds is an operand like others: it is updated in place.
// CHECK-LABEL: func @in_place(
// CHECK-SAME:    %[[S:[a-z0-9]*]]: memref<2x8xf32>,
// CHECK:         %[[OLD:.*]] = vector.load %[[FLAT:[a-z0-9_]*]][%{{.*}}] : memref<16xf32>, vector<8xf32>
// CHECK:         %[[NEW:.*]] = arith.mulf %[[OLD]], %{{.*}} : vector<8xf32>
// CHECK:         vector.store %[[NEW]], %[[FLAT]]
// CHECK-NOT:     linalg.generic
func.func @in_place(%s: memref<2x8xf32>, %f: memref<2xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n) -> (m)>, affine_map<(m, n) -> (m, n)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%f : memref<2xf32>) outs(%s : memref<2x8xf32>) {
  ^bb0(%in: f32, %old: f32):
    %0 = arith.mulf %old, %in : f32
    linalg.yield %0 : f32
  }
  return
}

// A body that reads memory by computed index is left to scalar loops.
// CHECK-LABEL: func @gather(
// CHECK:         linalg.generic
func.func @gather(%table: memref<9xf32>, %i: memref<4xi64>, %y: memref<4xf32>) {
  // expected-remark@+1 {{runs in scalar loops: it is no arithmetic on rows of memory}}
  linalg.generic {indexing_maps = [affine_map<(m) -> (m)>, affine_map<(m) -> (m)>],
                  iterator_types = ["parallel"]}
      ins(%i : memref<4xi64>) outs(%y : memref<4xf32>) {
  ^bb0(%in: i64, %out: f32):
    %0 = arith.index_cast %in : i64 to index
    %1 = memref.load %table[%0] : memref<9xf32>
    linalg.yield %1 : f32
  }
  return
}

// Three elements are a vector of two and a scalar; two rows of a matrix are one row twice
// as long.
// CHECK-LABEL: func @short(
// CHECK:         vector.load %{{.*}} : memref<3xf32>, vector<2xf32>
// CHECK:         memref.load
// CHECK-LABEL: func @joined(
// CHECK:         vector.load %{{.*}} : memref<24xf32>, vector<8xf32>
// CHECK-NOT:     memref.load
func.func @short(%x: memref<3xf32>, %y: memref<3xf32>) {
  linalg.exp ins(%x : memref<3xf32>) outs(%y : memref<3xf32>)
  return
}
func.func @joined(%x: memref<2x12xf32>, %y: memref<2x12xf32>) {
  linalg.exp ins(%x : memref<2x12xf32>) outs(%y : memref<2x12xf32>)
  return
}

// Every second element is loaded one by one.
// CHECK-LABEL: func @strided(
// CHECK-NOT:     vector.load
// CHECK:         memref.load
func.func @strided(%x: memref<3x4xf32, strided<[8, 2]>>) {
  linalg.exp ins(%x : memref<3x4xf32, strided<[8, 2]>>) outs(%x : memref<3x4xf32, strided<[8, 2]>>)
  return
}

// A copy of a part would become a call of a library; as a loop it needs none.
// CHECK-LABEL: func @copy(
// CHECK-NOT:     memref.copy
// CHECK:         vector.store
func.func @copy(%x: memref<9xf32>, %y: memref<4x9xf32>) {
  %row = memref.subview %y[2, 0] [1, 9] [1, 1] : memref<4x9xf32> to memref<9xf32, strided<[1], offset: 18>>
  memref.copy %x, %row : memref<9xf32> to memref<9xf32, strided<[1], offset: 18>>
  return
}

// Rows that lie in parts are read in the order of memory, one of each part at a time: the loop over heads is inside of that over rows.
// CHECK-LABEL: func @parts(
// CHECK:         %[[ROWS:.*]] = arith.constant 5 : index
// CHECK:         scf.for {{.*}} to %[[ROWS]]
// CHECK:           %[[HEADS:.*]] = arith.constant 3 : index
// CHECK:           scf.for {{.*}} to %[[HEADS]]
// CHECK:             scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
func.func @parts(%q: memref<3x16xf32>, %k: memref<4x5x3x16xf32>, %s: memref<3x5x4xf32>) {
  linalg.generic {indexing_maps = [affine_map<(h, i, p, d) -> (h, d)>, affine_map<(h, i, p, d) -> (p, i, h, d)>, affine_map<(h, i, p, d) -> (h, i, p)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %k : memref<3x16xf32>, memref<4x5x3x16xf32>) outs(%s : memref<3x5x4xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %acc, %0 : f32
    linalg.yield %1 : f32
  }
  return
}

// Of no terms the sum is what it begins with.
// CHECK-LABEL: func @no_terms(
// CHECK:         scf.for {{.*}} -> (vector<8xf32>)
// CHECK-NOT:     scf.for
// CHECK:         return
func.func @no_terms(%x: memref<0x8xf32>, %y: memref<8xf32>) {
  linalg.generic {indexing_maps = [affine_map<(n, k) -> (k, n)>, affine_map<(n, k) -> (n)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<0x8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %0 = arith.addf %acc, %a : f32
    linalg.yield %0 : f32
  }
  return
}
