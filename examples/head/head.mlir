// One attention head over a window of four tokens.
func.func @window(%x: tensor<1x4x2xf32> {weir.input = "x"}) -> (tensor<1x4x2xf32> {weir.output = "y"}) {
  %w = onnx.Constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %k = onnx.MatMul %x, %w : (tensor<1x4x2xf32>, tensor<2x2xf32>) -> tensor<1x4x2xf32> loc("keys")
  %t = onnx.Transpose %k {perm = [0, 2, 1]} : (tensor<1x4x2xf32>) -> tensor<1x2x4xf32>
  %s = onnx.MatMul %x, %t : (tensor<1x4x2xf32>, tensor<1x2x4xf32>) -> tensor<1x4x4xf32>
  %p = onnx.Softmax %s {axis = -1 : si64} : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32> loc("softmax")
  %y = onnx.MatMul %p, %x : (tensor<1x4x4xf32>, tensor<1x4x2xf32>) -> tensor<1x4x2xf32>
  return %y : tensor<1x4x2xf32>
}
