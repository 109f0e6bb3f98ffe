//===- ExternalModelTest.cpp - A foreign op joins by an external model ----===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Pipelines/Registration.h"
#include "weir/Transforms/MakeContinual.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace weir;

namespace {
/// All that a foreign dialect says of an elementwise op of its own.
struct TanhFlow : TokenFlowOpInterface::ExternalModel<TanhFlow, math::TanhOp> {
  FlowTransfer transferTokenFlow(Operation *, ArrayRef<TokenFlow> operands) const {
    FlowTransfer transfer;
    transfer.axes = operands[0].axes;
    auto &uses = transfer.uses.emplace_back();
    for (auto [index, axis] : llvm::enumerate(transfer.axes))
      uses.push_back({axis, RowMap::same(index)});
    return transfer;
  }
};

class ExternalModelTest : public ::testing::Test {
protected:
  /// The type on which the step function of a tanh and a mean computes the tanh.
  RankedTensorType tanhInStep(bool attach) {
    DialectRegistry registry;
    registry.insert<func::FuncDialect, arith::ArithDialect, tensor::TensorDialect,
                    math::MathDialect>();
    registerWeirDialects(registry);
    if (attach)
      registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
        math::TanhOp::attachInterface<TanhFlow>(*context);
      });
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    module = parseSourceString<ModuleOp>(R"mlir(
      func.func @window(%x: tensor<1x8x4xf32> {weir.input = "x"})
          -> (tensor<1x4xf32> {weir.output = "y"}) {
        %0 = math.tanh %x : tensor<1x8x4xf32>
        %axes = onnx.Constant dense<1> : tensor<1xi64>
        %1 = onnx.ReduceMean %0, %axes {keepdims = 0 : si64}
           : (tensor<1x8x4xf32>, tensor<1xi64>) -> tensor<1x4xf32>
        return %1 : tensor<1x4xf32>
      })mlir",
                                         &context);
    ContinualOptions options;
    options.tokenAxes = {"x=1"};
    EXPECT_TRUE(module && succeeded(makeContinual(*module, options)));
    RankedTensorType type;
    module->lookupSymbol<func::FuncOp>("step").walk(
        [&](math::TanhOp op) { type = cast<RankedTensorType>(op.getType()); });
    return type;
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
};

TEST_F(ExternalModelTest, WithoutAModelTheOpRunsOnTheWholeWindow) {
  EXPECT_EQ(tanhInStep(/*attach=*/false).getDimSize(1), 8);
}

TEST_F(ExternalModelTest, WithAModelTheOpRunsOnTheNewToken) {
  EXPECT_EQ(tanhInStep(/*attach=*/true).getDimSize(1), 1);
}
} // namespace
