// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// Every op of OnnxShapeOps.td is read, printed and read again, in short and in generic form.

// CHECK-LABEL: func @NoValue(
// CHECK:         onnx.NoValue
func.func @NoValue() {
  %n = onnx.NoValue
  return
}

// CHECK-LABEL: func @Constant(
// CHECK:         onnx.Constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
func.func @Constant() {
  %c = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
  return
}

// CHECK-LABEL: func @Custom(
// CHECK:         onnx.Custom %{{.*}} {domain_name = "com.acme", function_name = "Warp"} : (tensor<2x3xf32>) -> tensor<*xf32>
func.func @Custom(%x: tensor<2x3xf32>) {
  %y = onnx.Custom %x {domain_name = "com.acme", function_name = "Warp"} : (tensor<2x3xf32>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @Reshape(
// CHECK:         onnx.Reshape %{{.*}}, %{{.*}} : (tensor<2x6xf32>, tensor<3xi64>) -> tensor<*xf32>
func.func @Reshape(%x: tensor<2x6xf32>, %s: tensor<3xi64>) {
  %y = onnx.Reshape %x, %s : (tensor<2x6xf32>, tensor<3xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @Transpose(
// CHECK:         onnx.Transpose %{{.*}} {perm = [1, 0]} : (tensor<2x3xf32>) -> tensor<3x2xf32>
func.func @Transpose(%x: tensor<2x3xf32>) {
  %y = onnx.Transpose %x {perm = [1, 0]} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// CHECK-LABEL: func @Squeeze(
// CHECK:         onnx.Squeeze %{{.*}}, %{{.*}} : (tensor<2x1x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @Squeeze(%x: tensor<2x1x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.Squeeze %x, %axes : (tensor<2x1x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @Unsqueeze(
// CHECK:         onnx.Unsqueeze %{{.*}}, %{{.*}} : (tensor<2x1x3xf32>, tensor<1xi64>) -> tensor<*xf32>
func.func @Unsqueeze(%x: tensor<2x1x3xf32>, %axes: tensor<1xi64>) {
  %y = onnx.Unsqueeze %x, %axes : (tensor<2x1x3xf32>, tensor<1xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @Flatten(
// CHECK:         onnx.Flatten %{{.*}} {axis = 2 : si64} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
func.func @Flatten(%x: tensor<2x3x4xf32>) {
  %y = onnx.Flatten %x {axis = 2 : si64} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  return
}

// CHECK-LABEL: func @Expand(
// CHECK:         onnx.Expand %{{.*}}, %{{.*}} : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<*xf32>
func.func @Expand(%x: tensor<1x3xf32>, %s: tensor<2xi64>) {
  %y = onnx.Expand %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @Tile(
// CHECK:         onnx.Tile %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
func.func @Tile(%x: tensor<2x3xf32>, %r: tensor<2xi64>) {
  %y = onnx.Tile %x, %r : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @Concat(
// CHECK:         onnx.Concat %{{.*}}, %{{.*}} {axis = 1 : si64} : (tensor<2x1xf32>, tensor<2x3xf32>) -> tensor<2x4xf32>
func.func @Concat(%a: tensor<2x1xf32>, %b: tensor<2x3xf32>) {
  %y = onnx.Concat %a, %b {axis = 1 : si64} : (tensor<2x1xf32>, tensor<2x3xf32>) -> tensor<2x4xf32>
  return
}

// CHECK-LABEL: func @Split(
// CHECK:         onnx.Split %{{.*}}, %{{.*}} {axis = 1 : si64, num_outputs = 2 : si64} : (tensor<2x6xf32>, none) -> (tensor<2x3xf32>, tensor<2x3xf32>)
func.func @Split(%x: tensor<2x6xf32>) {
  %n = onnx.NoValue
  %a, %b = onnx.Split %x, %n {axis = 1 : si64, num_outputs = 2 : si64} : (tensor<2x6xf32>, none) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  return
}

// CHECK-LABEL: func @Slice(
// CHECK:         onnx.Slice %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
func.func @Slice(%x: tensor<2x6xf32>, %starts: tensor<1xi64>, %ends: tensor<1xi64>, %axes: tensor<1xi64>) {
  %n = onnx.NoValue
  %y = onnx.Slice %x, %starts, %ends, %axes, %n : (tensor<2x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, none) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @Gather(
// CHECK:         onnx.Gather %{{.*}}, %{{.*}} : (tensor<50x8xf32>, tensor<1x4xi64>) -> tensor<1x4x8xf32>
func.func @Gather(%x: tensor<50x8xf32>, %i: tensor<1x4xi64>) {
  %y = onnx.Gather %x, %i {axis = 0 : si64} : (tensor<50x8xf32>, tensor<1x4xi64>) -> tensor<1x4x8xf32>
  return
}

// CHECK-LABEL: func @GatherElements(
// CHECK:         onnx.GatherElements %{{.*}}, %{{.*}} {axis = 1 : si64} : (tensor<2x6xf32>, tensor<2x3xi64>) -> tensor<2x3xf32>
func.func @GatherElements(%x: tensor<2x6xf32>, %i: tensor<2x3xi64>) {
  %y = onnx.GatherElements %x, %i {axis = 1 : si64} : (tensor<2x6xf32>, tensor<2x3xi64>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @GatherND(
// CHECK:         onnx.GatherND %{{.*}}, %{{.*}} : (tensor<4x6xf32>, tensor<3x1xi64>) -> tensor<3x6xf32>
func.func @GatherND(%x: tensor<4x6xf32>, %i: tensor<3x1xi64>) {
  %y = onnx.GatherND %x, %i : (tensor<4x6xf32>, tensor<3x1xi64>) -> tensor<3x6xf32>
  return
}

// CHECK-LABEL: func @ScatterND(
// CHECK:         onnx.ScatterND %{{.*}}, %{{.*}}, %{{.*}} : (tensor<4x6xf32>, tensor<3x1xi64>, tensor<3x6xf32>) -> tensor<4x6xf32>
func.func @ScatterND(%x: tensor<4x6xf32>, %i: tensor<3x1xi64>, %u: tensor<3x6xf32>) {
  %y = onnx.ScatterND %x, %i, %u : (tensor<4x6xf32>, tensor<3x1xi64>, tensor<3x6xf32>) -> tensor<4x6xf32>
  return
}

// CHECK-LABEL: func @Pad(
// CHECK:         onnx.Pad %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<4xi64>, none, none) -> tensor<*xf32>
func.func @Pad(%x: tensor<2x3xf32>, %p: tensor<4xi64>) {
  %n = onnx.NoValue
  %y = onnx.Pad %x, %p, %n, %n : (tensor<2x3xf32>, tensor<4xi64>, none, none) -> tensor<*xf32>
  return
}

// CHECK-LABEL: func @Trilu(
// CHECK:         onnx.Trilu %{{.*}}, %{{.*}} : (tensor<4x4xf32>, none) -> tensor<4x4xf32>
func.func @Trilu(%x: tensor<4x4xf32>) {
  %n = onnx.NoValue
  %y = onnx.Trilu %x, %n : (tensor<4x4xf32>, none) -> tensor<4x4xf32>
  return
}

// CHECK-LABEL: func @Shape(
// CHECK:         onnx.Shape %{{.*}} : (tensor<2x3xf32>) -> tensor<2xi64>
func.func @Shape(%x: tensor<2x3xf32>) {
  %s = onnx.Shape %x : (tensor<2x3xf32>) -> tensor<2xi64>
  return
}

// CHECK-LABEL: func @Size(
// CHECK:         onnx.Size %{{.*}} : (tensor<2x3xf32>) -> tensor<i64>
func.func @Size(%x: tensor<2x3xf32>) {
  %s = onnx.Size %x : (tensor<2x3xf32>) -> tensor<i64>
  return
}

// CHECK-LABEL: func @Range(
// CHECK:         onnx.Range %{{.*}}, %{{.*}}, %{{.*}} : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
func.func @Range(%start: tensor<i64>, %limit: tensor<i64>, %delta: tensor<i64>) {
  %y = onnx.Range %start, %limit, %delta : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<*xi64>
  return
}

// CHECK-LABEL: func @ConstantOfShape(
// CHECK:         onnx.ConstantOfShape %{{.*}} {value = dense<1> : tensor<1xi64>} : (tensor<2xi64>) -> tensor<*xi64>
func.func @ConstantOfShape(%s: tensor<2xi64>) {
  %y = onnx.ConstantOfShape %s {value = dense<1> : tensor<1xi64>} : (tensor<2xi64>) -> tensor<*xi64>
  return
}

// CHECK-LABEL: func @ScatterElements(
// CHECK:         onnx.ScatterElements %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : si64, reduction = "add"} : (tensor<2x6xf32>, tensor<2x3xi64>, tensor<2x3xf32>) -> tensor<2x6xf32>
func.func @ScatterElements(%x: tensor<2x6xf32>, %i: tensor<2x3xi64>, %u: tensor<2x3xf32>) {
  %y = onnx.ScatterElements %x, %i, %u {axis = 1 : si64, reduction = "add"} : (tensor<2x6xf32>, tensor<2x3xi64>, tensor<2x3xf32>) -> tensor<2x6xf32>
  return
}
