// RUN: weir-opt %s | weir-opt | FileCheck %s
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt | FileCheck %s

// Every op of OnnxElementwiseOps.td is read, printed and read again, in short and in generic form.

// CHECK-LABEL: func @Add(
// CHECK:         onnx.Add %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @Add(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.Add %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Sub(
// CHECK:         onnx.Sub %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @Sub(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.Sub %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Mul(
// CHECK:         onnx.Mul %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @Mul(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.Mul %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Div(
// CHECK:         onnx.Div %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @Div(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.Div %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Pow(
// CHECK:         onnx.Pow %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @Pow(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.Pow %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @PRelu(
// CHECK:         onnx.PRelu %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @PRelu(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.PRelu %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Mod(
// CHECK:         onnx.Mod %{{.*}}, %{{.*}} : (tensor<2x3xi64>, tensor<3xi64>) -> tensor<2x3xi64>
func.func @Mod(%a: tensor<2x3xi64>, %b: tensor<3xi64>) {
  %c = onnx.Mod %a, %b : (tensor<2x3xi64>, tensor<3xi64>) -> tensor<2x3xi64>
  return
}

// CHECK-LABEL: func @And(
// CHECK:         onnx.And %{{.*}}, %{{.*}} : (tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
func.func @And(%a: tensor<2x3xi1>, %b: tensor<3xi1>) {
  %c = onnx.And %a, %b : (tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @Or(
// CHECK:         onnx.Or %{{.*}}, %{{.*}} : (tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
func.func @Or(%a: tensor<2x3xi1>, %b: tensor<3xi1>) {
  %c = onnx.Or %a, %b : (tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @Xor(
// CHECK:         onnx.Xor %{{.*}}, %{{.*}} : (tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
func.func @Xor(%a: tensor<2x3xi1>, %b: tensor<3xi1>) {
  %c = onnx.Xor %a, %b : (tensor<2x3xi1>, tensor<3xi1>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @Equal(
// CHECK:         onnx.Equal %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
func.func @Equal(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.Equal %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @Greater(
// CHECK:         onnx.Greater %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
func.func @Greater(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.Greater %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @GreaterOrEqual(
// CHECK:         onnx.GreaterOrEqual %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
func.func @GreaterOrEqual(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.GreaterOrEqual %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @Less(
// CHECK:         onnx.Less %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
func.func @Less(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.Less %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @LessOrEqual(
// CHECK:         onnx.LessOrEqual %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
func.func @LessOrEqual(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %c = onnx.LessOrEqual %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @Max(
// CHECK:         onnx.Max %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @Max(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %y = onnx.Max %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Min(
// CHECK:         onnx.Min %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @Min(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %y = onnx.Min %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Sum(
// CHECK:         onnx.Sum %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
func.func @Sum(%a: tensor<2x3xf32>, %b: tensor<3xf32>) {
  %y = onnx.Sum %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Abs(
// CHECK:         onnx.Abs %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Abs(%x: tensor<2x3xf32>) {
  %y = onnx.Abs %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Neg(
// CHECK:         onnx.Neg %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Neg(%x: tensor<2x3xf32>) {
  %y = onnx.Neg %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Sqrt(
// CHECK:         onnx.Sqrt %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Sqrt(%x: tensor<2x3xf32>) {
  %y = onnx.Sqrt %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Exp(
// CHECK:         onnx.Exp %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Exp(%x: tensor<2x3xf32>) {
  %y = onnx.Exp %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Log(
// CHECK:         onnx.Log %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Log(%x: tensor<2x3xf32>) {
  %y = onnx.Log %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Reciprocal(
// CHECK:         onnx.Reciprocal %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Reciprocal(%x: tensor<2x3xf32>) {
  %y = onnx.Reciprocal %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Erf(
// CHECK:         onnx.Erf %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Erf(%x: tensor<2x3xf32>) {
  %y = onnx.Erf %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Tanh(
// CHECK:         onnx.Tanh %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Tanh(%x: tensor<2x3xf32>) {
  %y = onnx.Tanh %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Sigmoid(
// CHECK:         onnx.Sigmoid %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Sigmoid(%x: tensor<2x3xf32>) {
  %y = onnx.Sigmoid %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Relu(
// CHECK:         onnx.Relu %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Relu(%x: tensor<2x3xf32>) {
  %y = onnx.Relu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Floor(
// CHECK:         onnx.Floor %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Floor(%x: tensor<2x3xf32>) {
  %y = onnx.Floor %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Ceil(
// CHECK:         onnx.Ceil %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Ceil(%x: tensor<2x3xf32>) {
  %y = onnx.Ceil %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Round(
// CHECK:         onnx.Round %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Round(%x: tensor<2x3xf32>) {
  %y = onnx.Round %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Sign(
// CHECK:         onnx.Sign %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Sign(%x: tensor<2x3xf32>) {
  %y = onnx.Sign %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Cos(
// CHECK:         onnx.Cos %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Cos(%x: tensor<2x3xf32>) {
  %y = onnx.Cos %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Sin(
// CHECK:         onnx.Sin %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Sin(%x: tensor<2x3xf32>) {
  %y = onnx.Sin %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Softplus(
// CHECK:         onnx.Softplus %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Softplus(%x: tensor<2x3xf32>) {
  %y = onnx.Softplus %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Softsign(
// CHECK:         onnx.Softsign %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Softsign(%x: tensor<2x3xf32>) {
  %y = onnx.Softsign %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Mish(
// CHECK:         onnx.Mish %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Mish(%x: tensor<2x3xf32>) {
  %y = onnx.Mish %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @HardSwish(
// CHECK:         onnx.HardSwish %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @HardSwish(%x: tensor<2x3xf32>) {
  %y = onnx.HardSwish %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Identity(
// CHECK:         onnx.Identity %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Identity(%x: tensor<2x3xf32>) {
  %y = onnx.Identity %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Not(
// CHECK:         onnx.Not %{{.*}} : (tensor<2x3xi1>) -> tensor<2x3xi1>
func.func @Not(%x: tensor<2x3xi1>) {
  %y = onnx.Not %x : (tensor<2x3xi1>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @LeakyRelu(
// CHECK:         onnx.LeakyRelu %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @LeakyRelu(%x: tensor<2x3xf32>) {
  %y = onnx.LeakyRelu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Elu(
// CHECK:         onnx.Elu %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Elu(%x: tensor<2x3xf32>) {
  %y = onnx.Elu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Selu(
// CHECK:         onnx.Selu %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Selu(%x: tensor<2x3xf32>) {
  %y = onnx.Selu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @HardSigmoid(
// CHECK:         onnx.HardSigmoid %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @HardSigmoid(%x: tensor<2x3xf32>) {
  %y = onnx.HardSigmoid %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Swish(
// CHECK:         onnx.Swish %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Swish(%x: tensor<2x3xf32>) {
  %y = onnx.Swish %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Gelu(
// CHECK:         onnx.Gelu %{{.*}} {approximate = "tanh"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
func.func @Gelu(%x: tensor<2x3xf32>) {
  %y = onnx.Gelu %x {approximate = "tanh"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @IsNaN(
// CHECK:         onnx.IsNaN %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xi1>
func.func @IsNaN(%x: tensor<2x3xf32>) {
  %y = onnx.IsNaN %x : (tensor<2x3xf32>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @IsInf(
// CHECK:         onnx.IsInf %{{.*}} {detect_negative = 0 : si64} : (tensor<2x3xf32>) -> tensor<2x3xi1>
func.func @IsInf(%x: tensor<2x3xf32>) {
  %y = onnx.IsInf %x {detect_negative = 0 : si64} : (tensor<2x3xf32>) -> tensor<2x3xi1>
  return
}

// CHECK-LABEL: func @Cast(
// CHECK:         onnx.Cast %{{.*}} {to = f32} : (tensor<2x3xi64>) -> tensor<2x3xf32>
func.func @Cast(%x: tensor<2x3xi64>) {
  %y = onnx.Cast %x {to = f32} : (tensor<2x3xi64>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Clip(
// CHECK:         onnx.Clip %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
func.func @Clip(%x: tensor<2x3xf32>, %min: tensor<f32>, %max: tensor<f32>) {
  %y = onnx.Clip %x, %min, %max : (tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Where(
// CHECK:         onnx.Where %{{.*}}, %{{.*}}, %{{.*}} : (tensor<3xi1>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
func.func @Where(%c: tensor<3xi1>, %x: tensor<2x3xf32>, %y: tensor<f32>) {
  %o = onnx.Where %c, %x, %y : (tensor<3xi1>, tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  return
}

// CHECK-LABEL: func @Dropout(
// CHECK:         onnx.Dropout %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, none, none) -> (tensor<2x3xf32>, tensor<2x3xi1>)
func.func @Dropout(%x: tensor<2x3xf32>) {
  %n = onnx.NoValue
  %y, %m = onnx.Dropout %x, %n, %n : (tensor<2x3xf32>, none, none) -> (tensor<2x3xf32>, tensor<2x3xi1>)
  return
}
