//===- UnknownShapesTest.cpp - Where static shapes end --------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Transforms/Specialize.h"
#include <gtest/gtest.h>

using namespace mlir;

TEST(UnknownShapes, NamesTheFirstOpOnly) {
  MLIRContext context;
  context.loadDialect<func::FuncDialect, weir::onnx::OnnxDialect>();
  auto module = parseSourceString<ModuleOp>(R"(
    func.func @window(%x: tensor<2x3xf32>) -> tensor<*xf32> {
      %0 = "onnx.Warp"(%x) : (tensor<2x3xf32>) -> tensor<*xf32>
      %1 = onnx.Relu %0 : (tensor<*xf32>) -> tensor<*xf32>
      return %1 : tensor<*xf32>
    })",
                                            &context);
  ASSERT_TRUE(module);
  auto unknown = weir::findUnknownShapes(*module->getOps<func::FuncOp>().begin());
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_EQ(unknown[0].op->getName().getStringRef(), "onnx.Warp");
  EXPECT_EQ(unknown[0].reason, "operator 'Warp' is not known");
}
