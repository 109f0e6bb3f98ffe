//===- Elementwise.cpp - Norms, activations and softmax -------------------===//

#include "Program.h"
#include "llvm/Support/FormatVariadic.h"

using namespace kernels;

/// A function of one tensor of rows, whose body makes %y of %x: {0} is its type, {1} that
/// of a row.
static void addRows(const char *name, const char *body, const char *weights,
                    double each) {
  struct Shape {
    int rows, features;
  };
  for (Shape shape : {Shape{1, 192}, {1, 1024}, {64, 1024}, {512, 512}, {128, 1536}}) {
    std::string type = llvm::formatv("tensor<{0}x{1}xf32>", shape.rows, shape.features);
    std::string row = llvm::formatv("tensor<{0}xf32>", shape.features);
    std::string text =
        llvm::formatv("func.func @window(%x: {0} {{weir.input = \"x\"}", type);
    text += llvm::formatv(weights, type, row).str();
    text += llvm::formatv(") -> ({0} {{weir.output = \"y\"}) {{\n", type).str();
    text += llvm::formatv(body, type, row).str();
    text += llvm::formatv("\nreturn %y : {0} }", type).str();
    double elements = double(shape.rows) * shape.features;
    add(llvm::formatv("{0}/{1}x{2}", name, shape.rows, shape.features),
        {each * elements, 8 * elements}, [=] { return std::make_unique<Program>(text); });
  }
}

void kernels::addElementwise() {
  addRows("norm",
          "%y, %mean, %deviation = onnx.LayerNormalization %x, %g, %s "
          "{{epsilon = 1.0e-5 : f32} : ({0}, {1}, {1}) -> ({0}, none, none)",
          ", %g: {1}, %s: {1}", 8);
  addRows("gelu", "%y = onnx.Gelu %x : ({0}) -> {0}", "", 1);
  addRows("softmax", "%y = onnx.Softmax %x {{axis = -1 : si64} : ({0}) -> {0}", "", 1);
  addRows("residual", "%y = onnx.Add %x, %r : ({0}, {1}) -> {0}", ", %r: {1}", 1);
}
