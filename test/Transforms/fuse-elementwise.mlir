// RUN: weir-opt %s --weir-fuse-elementwise --split-input-file | FileCheck %s
// RUN: weir-opt %s --weir-fuse-elementwise --split-input-file -o /dev/null \
// RUN:   --remarks-filter=weir --remark-format=emitRemark --verify-diagnostics

#same = affine_map<(i, j) -> (i, j)>

// A producer joins its only consumer.
// CHECK-LABEL: func @chain(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[X]] : tensor<2x3xf32>)
// CHECK:           %[[E:.*]] = math.exp
// CHECK-NEXT:      arith.negf %[[E]]
// CHECK-NOT:     linalg.generic
func.func @chain(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %e = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = math.exp %in : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  %1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = arith.negf %in : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

#same = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>

// A row that every line reads would be computed again for each of them.
// CHECK-LABEL: func @broadcast(
// CHECK:         linalg.generic
// CHECK:           math.exp
// CHECK:         linalg.generic
// CHECK:           arith.negf
func.func @broadcast(%x: tensor<3xf32>) -> tensor<2x3xf32> {
  %e = tensor.empty() : tensor<3xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      ins(%x : tensor<3xf32>) outs(%e : tensor<3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = math.exp %in : f32
    linalg.yield %2 : f32
  } -> tensor<3xf32>
  %f = tensor.empty() : tensor<2x3xf32>
  %1 = linalg.generic {indexing_maps = [#row, #same], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<3xf32>) outs(%f : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = arith.negf %in : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

#same = affine_map<(i, j) -> (i, j)>
#turned = affine_map<(i, j) -> (j, i)>

// A transpose computes nothing: all of its readers read the original.
// CHECK-LABEL: func @copies(
// CHECK-SAME:    %[[X:.*]]: tensor<3x2xf32>
// CHECK-COUNT-2: linalg.generic {{.*}} ins(%[[X]] : tensor<3x2xf32>)
// CHECK-NOT:     linalg.generic
func.func @copies(%x: tensor<3x2xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %e = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [#turned, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x2xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x3xf32>
  %1 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %3 = math.exp %in : f32
    linalg.yield %3 : f32
  } -> tensor<2x3xf32>
  %2 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %3 = arith.negf %in : f32
    linalg.yield %3 : f32
  } -> tensor<2x3xf32>
  return %1, %2 : tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

#same = affine_map<(i, j) -> (i, j)>
#turned = affine_map<(i, j) -> (j, i)>
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>

// Keys turned for a product: read as they lie, both operands go along k.
// CHECK-DAG:   #[[$KEYS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func @scores(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x4xf32>, %[[K:.*]]: tensor<3x4xf32>
// CHECK:         linalg.generic {{.*}}#[[$KEYS]]{{.*}} ins(%[[Q]], %[[K]] :
func.func @scores(%q: tensor<2x4xf32>, %k: tensor<3x4xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %e = tensor.empty() : tensor<4x3xf32>
  %0 = linalg.generic {indexing_maps = [#turned, #same], iterator_types = ["parallel", "parallel"]}
      ins(%k : tensor<3x4xf32>) outs(%e : tensor<4x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<4x3xf32>
  %1 = linalg.generic {indexing_maps = [#rows, #columns, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%q, %0 : tensor<2x4xf32>, tensor<4x3xf32>) outs(%y : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %2 = arith.mulf %a, %b : f32
    %3 = arith.addf %sum, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

#same = affine_map<(i, j) -> (i, j)>
#turned = affine_map<(i, j) -> (j, i)>
#rows = affine_map<(m, n, k) -> (m, k)>
#columns = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>

// Rows turned for a product: as they lie, only they would not go along k. The copy stays.
// CHECK-LABEL: func @turned_rows(
// CHECK-SAME:    %[[X:.*]]: tensor<4x2xf32>
// CHECK:         %[[T:.*]] = linalg.generic {{.*}} ins(%[[X]] :
// CHECK:         linalg.generic {{.*}} ins(%[[T]], %
func.func @turned_rows(%x: tensor<4x2xf32>, %w: tensor<4x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %e = tensor.empty() : tensor<2x4xf32>
  %0 = linalg.generic {indexing_maps = [#turned, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x2xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x4xf32>
  // expected-remark@+1 {{reads a copy: the original does not lie along the product}}
  %1 = linalg.generic {indexing_maps = [#rows, #columns, #result],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%0, %w : tensor<2x4xf32>, tensor<4x3xf32>) outs(%y : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %2 = arith.mulf %a, %b : f32
    %3 = arith.addf %sum, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// A copy in front of a loop is made once; in the loop it would be read in its odd order every time.
// CHECK-LABEL: func @in_front(
// CHECK-SAME:    %[[X:.*]]: tensor<4x2xf32>
// CHECK:         %[[T:.*]] = linalg.generic {{.*}} ins(%[[X]] :
// CHECK:         scf.for
// CHECK:           linalg.generic {{.*}} ins(%[[T]] :
func.func @in_front(%x: tensor<4x2xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %e = tensor.empty() : tensor<2x4xf32>
  %0 = linalg.generic {indexing_maps = [#turned, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x2xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x4xf32>
  %1 = scf.for %i = %c0 to %c3 step %c1 iter_args(%sum = %y) -> (tensor<2x4xf32>) {
    %2 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
        ins(%0 : tensor<2x4xf32>) outs(%sum : tensor<2x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %3 = arith.addf %in, %out : f32
      linalg.yield %3 : f32
    } -> tensor<2x4xf32>
    scf.yield %2 : tensor<2x4xf32>
  }
  return %1 : tensor<2x4xf32>
}

// -----

#same = affine_map<(i, j) -> (i, j)>
#same3 = affine_map<(b, i, j) -> (b, i, j)>

// Two ops join across a change of shape.
// CHECK-LABEL: func @reshaped(
// CHECK:         linalg.generic
// CHECK:           %[[E:.*]] = math.exp
// CHECK-NEXT:      arith.negf %[[E]]
// CHECK-NOT:     linalg.generic
func.func @reshaped(%x: tensor<2x3xf32>) -> tensor<1x2x3xf32> {
  %e = tensor.empty() : tensor<2x3xf32>
  %f = tensor.empty() : tensor<1x2x3xf32>
  %0 = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = math.exp %in : f32
    linalg.yield %2 : f32
  } -> tensor<2x3xf32>
  %s = tensor.expand_shape %0 [[0, 1], [2]] output_shape [1, 2, 3] : tensor<2x3xf32> into tensor<1x2x3xf32>
  %1 = linalg.generic {indexing_maps = [#same3, #same3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<1x2x3xf32>) outs(%f : tensor<1x2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %2 = arith.negf %in : f32
    linalg.yield %2 : f32
  } -> tensor<1x2x3xf32>
  return %1 : tensor<1x2x3xf32>
}
