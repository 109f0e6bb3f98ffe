// RUN: weir-opt %s --convert-onnx-constants=inline-bytes=8 --split-input-file --verify-diagnostics | FileCheck %s

// Large constants are external globals, which equal ones share.
// CHECK-DAG:   memref.global constant @weight0 : memref<3xf32> {weir.value = dense<[1.0{{.*}}, 2.0{{.*}}, 3.0{{.*}}]> : tensor<3xf32>}
// CHECK-DAG:   memref.global constant @weight1 : memref<3xf32> {weir.value = dense<[4.0{{.*}}, 5.0{{.*}}, 6.0{{.*}}]> : tensor<3xf32>}
// CHECK-LABEL: func @large(
// CHECK:         %[[A:.*]] = memref.get_global @weight0
// CHECK:         %[[TA:.*]] = bufferization.to_tensor %[[A]] restrict : memref<3xf32>
// CHECK:         %[[B:.*]] = memref.get_global @weight0
// CHECK:         %[[TB:.*]] = bufferization.to_tensor %[[B]] restrict
// CHECK:         memref.get_global @weight1
// CHECK:         return %[[TA]], %[[TB]], %
func.func @large() -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %0 = onnx.Constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %1 = onnx.Constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %2 = onnx.Constant dense<[4.0, 5.0, 6.0]> : tensor<3xf32>
  return %0, %1, %2 : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// -----

// Up to the limit they stay in the code.
// CHECK-LABEL: func @small(
// CHECK-NEXT:    %[[C:.*]] = arith.constant dense<[1.0{{.*}}, 2.0{{.*}}]> : tensor<2xf32>
// CHECK-NEXT:    return %[[C]]
func.func @small() -> tensor<2xf32> {
  %0 = onnx.Constant dense<[1.0, 2.0]> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// One value throughout is filled in, whatever the size; a constant that nobody reads goes.
// CHECK-NOT:   memref.global
// CHECK-LABEL: func @splat(
// CHECK-NEXT:    %[[V:.*]] = arith.constant 2.0{{.*}} : f32
// CHECK-NEXT:    %[[E:.*]] = tensor.empty() : tensor<3x5xf32>
// CHECK-NEXT:    %[[F:.*]] = linalg.fill ins(%[[V]] : f32) outs(%[[E]] :
// CHECK-NEXT:    return %[[F]]
func.func @splat() -> tensor<3x5xf32> {
  %0 = onnx.Constant dense<2.0> : tensor<3x5xf32>
  %1 = onnx.Constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  return %0 : tensor<3x5xf32>
}

// -----

func.func @no_bytes() -> tensor<2xf32> {
  // expected-error@+1 {{holds no bytes: 'tensor<2xf32>'}}
  %0 = onnx.Constant dense_resource<nowhere> : tensor<2xf32>
  return %0 : tensor<2xf32>
}
