// RUN: weir-opt %s --convert-weir-to-onnx --cse | FileCheck %s

// A push scatters its row to the slot that the counter tells.
// CHECK-LABEL: func @push(
// CHECK-SAME:    %[[X:.*]]: tensor<2x1x4xf32>, %[[R:.*]]: tensor<2x8x4xf32>, %[[T:.*]]: tensor<i64>
// CHECK:         %[[FIRST:.*]] = onnx.Constant dense<0> : tensor<1xi64>
// CHECK:         %[[SUM:.*]] = onnx.Add %[[T]], %[[FIRST]]
// CHECK:         %[[EIGHT:.*]] = onnx.Constant dense<8> : tensor<1xi64>
// CHECK:         %[[SLOT:.*]] = onnx.Mod %[[SUM]], %[[EIGHT]]
// CHECK:         %[[COLUMN:.*]] = onnx.Reshape %[[SLOT]]
// CHECK:         %[[LAST:.*]] = onnx.Expand %[[COLUMN]], {{.*}} -> tensor<2x1x1xi64>
// CHECK:         %[[BATCH:.*]] = onnx.Constant dense<{{\[\[\[}}0]], {{\[\[}}1]]]> : tensor<2x1x1xi64>
// CHECK:         %[[INDEX:.*]] = onnx.Concat %[[BATCH]], %[[LAST]]
// CHECK:         onnx.ScatterND %[[R]], %[[INDEX]], %[[X]]
func.func @push(%x: tensor<2x1x4xf32>, %r: tensor<2x8x4xf32>, %t: tensor<i64>) -> tensor<2x8x4xf32> {
  %c = tensor.extract %t[] : tensor<i64>
  %i = arith.index_cast %c : i64 to index
  %0 = weir.ring_push %x, %r, %i {axis = #weir.axis<dim = 1, tokens = 8>,
    positions = array<i64: 7>} : tensor<2x1x4xf32>, tensor<2x8x4xf32>
  return %0 : tensor<2x8x4xf32>
}

// The class token keeps its place: fixed rows neither move nor wrap.
// CHECK-LABEL: func @fixed(
// CHECK:         %[[SPEED:.*]] = onnx.Constant dense<[0, 3]> : tensor<2xi64>
// CHECK:         %[[WAY:.*]] = onnx.Mul %{{.*}}, %[[SPEED]]
// CHECK:         %[[START:.*]] = onnx.Constant dense<[0, 2]> : tensor<2xi64>
// CHECK:         %[[SUM:.*]] = onnx.Add %[[WAY]], %[[START]]
// CHECK:         %[[SIZE:.*]] = onnx.Constant dense<[6, 5]> : tensor<2xi64>
// CHECK:         %[[REST:.*]] = onnx.Mod %[[SUM]], %[[SIZE]]
// CHECK:         %[[LEAD:.*]] = onnx.Constant dense<[0, 1]> : tensor<2xi64>
// CHECK:         %[[SLOTS:.*]] = onnx.Add %[[REST]], %[[LEAD]]
// CHECK:         onnx.Gather %{{.*}}, %[[SLOTS]]
func.func @fixed(%r: tensor<6x4xf32>, %t: tensor<i64>) -> tensor<2x4xf32> {
  %c = tensor.extract %t[] : tensor<i64>
  %i = arith.index_cast %c : i64 to index
  %0 = weir.ring_read %r, %i {axis = #weir.axis<dim = 0, lead = 1, tokens = 5, chunk = 3>,
    positions = array<i64: 0, 5>} : tensor<6x4xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Window order: what stays, joined with what comes; no counter.
// CHECK-LABEL: func @shift(
// CHECK-SAME:    %[[X:.*]]: tensor<1x2x4xf32>, %[[W:.*]]: tensor<1x8x4xf32>
// CHECK:         %[[KEPT:.*]] = onnx.Slice %[[W]], {{.*}} -> tensor<1x6x4xf32>
// CHECK:         onnx.Concat %[[KEPT]], %[[X]] {axis = 1 : si64}
func.func @shift(%x: tensor<1x2x4xf32>, %w: tensor<1x8x4xf32>) -> tensor<1x8x4xf32> {
  %0 = weir.shift_push %x, %w {axis = #weir.axis<dim = 1, tokens = 8, chunk = 2>,
    positions = array<i64: 6, 7>} : tensor<1x2x4xf32>, tensor<1x8x4xf32>
  return %0 : tensor<1x8x4xf32>
}

// Tokens that share their dimension with batch and heads get one of their own.
// CHECK-LABEL: func @merged(
// CHECK-SAME:    %[[W:.*]]: tensor<12x4xf32>
// CHECK:         %[[V:.*]] = onnx.Reshape %[[W]], {{.*}} -> tensor<2x3x2x4xf32>
// CHECK:         %[[ROWS:.*]] = onnx.Gather %[[V]], {{.*}} {axis = 1 : si64} : {{.*}} -> tensor<2x2x2x4xf32>
// CHECK:         onnx.Reshape %[[ROWS]], {{.*}} -> tensor<8x4xf32>
func.func @merged(%w: tensor<12x4xf32>) -> tensor<8x4xf32> {
  %0 = weir.select_rows %w {dim = 0, inner = 2, extent = 3, indices = array<i64: 2, 0>}
     : tensor<12x4xf32> -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// A roll gathers each slot's position; never from a negative number.
// CHECK-LABEL: func @roll(
// CHECK-SAME:    %[[W:.*]]: tensor<4x2xf32>, %[[T:.*]]: tensor<i64>
// CHECK:         %[[SPEED:.*]] = onnx.Constant dense<3> : tensor<1xi64>
// CHECK:         %[[WAY:.*]] = onnx.Mul %[[T]], %[[SPEED]]
// CHECK:         %[[START:.*]] = onnx.Constant dense<[3, 0, 1, 2]> : tensor<4xi64>
// CHECK:         %[[SUM:.*]] = onnx.Add %[[WAY]], %[[START]]
// CHECK:         %[[P:.*]] = onnx.Mod %[[SUM]]
// CHECK:         onnx.Gather %[[W]], %[[P]]
func.func @roll(%w: tensor<4x2xf32>, %t: tensor<i64>) -> tensor<4x2xf32> {
  %c = tensor.extract %t[] : tensor<i64>
  %i = arith.index_cast %c : i64 to index
  %0 = weir.roll %w, %i {axis = #weir.axis<dim = 0, tokens = 4>} : tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// Arithmetic on the counter, as scalars without a rank cannot be written.
// CHECK-LABEL: func @counter(
// CHECK-SAME:    %[[T:.*]]: tensor<i64>
// CHECK:         %[[ONE:.*]] = onnx.Constant dense<1> : tensor<i64>
// CHECK:         %[[NEXT:.*]] = onnx.Add %[[T]], %[[ONE]] : (tensor<i64>, tensor<i64>) -> tensor<i64>
// CHECK:         %[[FULL:.*]] = onnx.Less %[[NEXT]], %{{.*}} -> tensor<i1>
// CHECK:         %[[LEFT:.*]] = onnx.Where %[[FULL]]
// CHECK:         return %[[LEFT]] : tensor<i64>
func.func @counter(%t: tensor<i64>) -> tensor<i64> {
  %c = tensor.extract %t[] : tensor<i64>
  %one = arith.constant 1 : i64
  %n = arith.addi %c, %one : i64
  %four = arith.constant 4 : i64
  %full = arith.cmpi slt, %n, %four : i64
  %left = arith.select %full, %n, %four : i64
  %0 = tensor.from_elements %left : tensor<i64>
  return %0 : tensor<i64>
}

// Rows of tokens that have not come: by their positions, or by the slots that they have.
// CHECK-LABEL: func @absent(
// CHECK-SAME:    %[[X:.*]]: tensor<3x2xf32>, %[[W:.*]]: tensor<4x2xf32>, %[[T:.*]]: tensor<i64>
// CHECK:         %[[TOKENS:.*]] = onnx.Constant dense<[1, 2, 3]> : tensor<3xi64>
// CHECK:         %[[THERE:.*]] = onnx.GreaterOrEqual %[[TOKENS]]
// CHECK:         %[[COLUMN:.*]] = onnx.Reshape %[[THERE]], {{.*}} -> tensor<3x1xi1>
// CHECK:         %[[ZERO:.*]] = onnx.Constant dense<0.000000e+00> : tensor<f32>
// CHECK:         onnx.Where %[[COLUMN]], %[[X]], %[[ZERO]]
// CHECK:         %[[SLOTS:.*]] = onnx.Mod
// CHECK:         %[[HAVE:.*]] = onnx.GreaterOrEqual %[[SLOTS]]
// CHECK:         %[[LOWEST:.*]] = onnx.Constant dense<0xFF800000> : tensor<f32>
// CHECK:         onnx.Where {{.*}}, %[[W]], %[[LOWEST]]
// CHECK:         %[[SHARE:.*]] = onnx.Div
// CHECK:         onnx.Mul {{.*}}, %[[SHARE]]
func.func @absent(%x: tensor<3x2xf32>, %w: tensor<4x2xf32>, %t: tensor<i64>)
    -> (tensor<3x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) {
  %c = tensor.extract %t[] : tensor<i64>
  %i = arith.index_cast %c : i64 to index
  %0 = weir.mask_absent zero %x, %i {axis = #weir.axis<dim = 0, tokens = 4>, positions = array<i64: 1, 2, 3>} : tensor<3x2xf32>
  %1 = weir.mask_absent lowest %w, %i {axis = #weir.axis<dim = 0, tokens = 4>} : tensor<4x2xf32>
  %2 = weir.scale_to_present %1, %i {axis = #weir.axis<dim = 0, tokens = 4>} : tensor<4x2xf32>
  return %0, %1, %2 : tensor<3x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>
}
