//===- AttentionBiasTest.cpp - Masks of keys, and other biases -------------===//

#include "mlir/Parser/Parser.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Pipelines/Registration.h"
#include "weir/Support/HostTensor.h"
#include "weir/Transforms/RaiseAttention.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace weir;

namespace {
class AttentionBiasTest : public ::testing::Test {
protected:
  /// An attention of 2 queries and 3 keys whose bias %b is made by `made` of the mask %m.
  AttentionOp attentionWith(StringRef made, StringRef type) {
    DialectRegistry registry;
    registry.insert<func::FuncDialect>();
    registerWeirDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    std::string text = (R"mlir(
      func.func @f(%q: tensor<2x4xf32>, %k: tensor<3x4xf32>, %v: tensor<3x4xf32>,
                   %m: tensor<1x3xf32>, %i: tensor<1x3xi1>) -> tensor<2x4xf32> {
        %zero = onnx.Constant dense<0.0> : tensor<f32>
        %one = onnx.Constant dense<1.0> : tensor<f32>
        %low = onnx.Constant dense<-1.0e4> : tensor<f32>
        %high = onnx.Constant dense<1.0e4> : tensor<f32>
        )mlir" + made + R"mlir(
        %y = weir.attention softmax %q, %k, %v bias %b : tensor<2x4xf32>,
          tensor<3x4xf32>, tensor<3x4xf32>, )mlir" +
                        type + R"mlir( -> tensor<2x4xf32>
        return %y : tensor<2x4xf32>
      })mlir")
                           .str();
    module = parseSourceString<ModuleOp>(text, &context);
    AttentionOp found;
    if (module)
      module->walk([&](AttentionOp op) { found = op; });
    return found;
  }

  AttentionBias classify(StringRef made, StringRef type = "tensor<1x3xf32>") {
    AttentionOp op = attentionWith(made, type);
    EXPECT_TRUE(op) << made.str();
    return op ? classifyBias(op) : AttentionBias::None;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};
} // namespace

TEST_F(AttentionBiasTest, KnowsTheMasksThatModelsMake) {
  for (StringRef made : {
           "%b = onnx.Constant dense<[[0.0, -1.0e9, 0.0]]> : tensor<1x3xf32>",
           "%b = onnx.Where %i, %zero, %low : (tensor<1x3xi1>, tensor<f32>, tensor<f32>)"
           " -> tensor<1x3xf32>",
           "%c = onnx.Sub %one, %m : (tensor<f32>, tensor<1x3xf32>) -> tensor<1x3xf32>\n"
           "%b = onnx.Mul %c, %low : (tensor<1x3xf32>, tensor<f32>) -> tensor<1x3xf32>",
           "%c = onnx.Sub %m, %one : (tensor<1x3xf32>, tensor<f32>) -> tensor<1x3xf32>\n"
           "%b = onnx.Mul %high, %c : (tensor<f32>, tensor<1x3xf32>) -> tensor<1x3xf32>",
           "%c = onnx.Mul %m, %high : (tensor<1x3xf32>, tensor<f32>) -> tensor<1x3xf32>\n"
           "%b = onnx.Neg %c : (tensor<1x3xf32>) -> tensor<1x3xf32>",
           "%c = onnx.Mul %m, %low : (tensor<1x3xf32>, tensor<f32>) -> tensor<1x3xf32>\n"
           "%d = onnx.Add %c, %c : (tensor<1x3xf32>, tensor<1x3xf32>) -> "
           "tensor<1x3xf32>\n"
           "%b = onnx.Max %d, %low : (tensor<1x3xf32>, tensor<f32>) -> tensor<1x3xf32>",
       })
    EXPECT_EQ(classify(made), AttentionBias::KeyMask) << made.str();
}

TEST_F(AttentionBiasTest, TakesNothingElseForAMask) {
  // A slope over positions, what raises scores, and what an input brings.
  for (StringRef made : {
           "%b = onnx.Constant dense<[[0.0, -0.5, -1.0]]> : tensor<1x3xf32>",
           "%b = onnx.Mul %m, %high : (tensor<1x3xf32>, tensor<f32>) -> tensor<1x3xf32>",
           "%b = onnx.Identity %m : (tensor<1x3xf32>) -> tensor<1x3xf32>",
           "%c = onnx.Mul %m, %low : (tensor<1x3xf32>, tensor<f32>) -> tensor<1x3xf32>\n"
           "%b = onnx.Add %c, %m : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>",
       })
    EXPECT_EQ(classify(made), AttentionBias::Position) << made.str();
  // Causal.
  EXPECT_EQ(classify("%b = onnx.Constant dense<[[0.0, -1.0e9, -1.0e9], "
                     "[0.0, 0.0, -1.0e9]]> : tensor<2x3xf32>",
                     "tensor<2x3xf32>"),
            AttentionBias::Position);
}

TEST_F(AttentionBiasTest, WeighsKeysByTheirMask) {
  AttentionOp op =
      attentionWith("%b = onnx.Constant dense<[[0.0, -1.0e9, 0.0]]> : tensor<1x3xf32>",
                    "tensor<1x3xf32>");
  ASSERT_TRUE(op);
  OpBuilder builder(op);
  Value weights = makeKeyWeights(builder, op);
  ElementsAttr constant = getConstantElements(weights);
  ASSERT_TRUE(constant); // folded
  EXPECT_EQ(cast<RankedTensorType>(weights.getType()).getShape(),
            ArrayRef<int64_t>({3, 1}));
  EXPECT_EQ(HostTensor::get(constant)->getFloats(), (std::vector<double>{1, 0, 1}));
}
