//===- Products.cpp - Products of tokens with constant matrices -----------===//
// From one row, which reads all weights for a multiply-add each, to many, which compute.

#include "Program.h"
#include "llvm/Support/FormatVariadic.h"

using namespace kernels;

static std::unique_ptr<Program> makeProduct(int rows, int depth, int columns) {
  std::string text = llvm::formatv(
      R"(func.func @window(%x: tensor<{0}x{1}xf32> {{weir.input = "x"},
             %w: tensor<{1}x{2}xf32>, %b: tensor<{2}xf32>)
          -> (tensor<{0}x{2}xf32> {{weir.output = "y"}) {{
        %p = onnx.MatMul %x, %w
          : (tensor<{0}x{1}xf32>, tensor<{1}x{2}xf32>) -> tensor<{0}x{2}xf32>
        %y = onnx.Add %p, %b
          : (tensor<{0}x{2}xf32>, tensor<{2}xf32>) -> tensor<{0}x{2}xf32>
        return %y : tensor<{0}x{2}xf32>
      })",
      rows, depth, columns);
  return std::make_unique<Program>(text);
}

void kernels::addProducts() {
  struct Matrix {
    int depth, columns;
  };
  for (Matrix matrix : {Matrix{192, 384},
                        {384, 1536},
                        {512, 512},
                        {512, 2048},
                        {1024, 1024},
                        {2048, 512},
                        {250, 50}})
    for (int rows : {1, 4, 16, 64, 512}) {
      double weights = double(matrix.depth) * matrix.columns;
      double tokens = double(rows) * (matrix.depth + matrix.columns);
      add(llvm::formatv("product/{0}x{1}x{2}", rows, matrix.depth, matrix.columns),
          {2 * weights * rows, 4 * (weights + tokens)},
          [=] { return makeProduct(rows, matrix.depth, matrix.columns); });
    }
}
