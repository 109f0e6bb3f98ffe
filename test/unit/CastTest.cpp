//===- CastTest.cpp - What attention inside of clusters costs -------------===//
// The multiply-accumulates that are reported are those of the ops that are made, and
// those of the formula: 4NE^2 + 2NCE + 2CK^2E + CKE + NCE.

#include "mlir/Parser/Parser.h"
#include "weir/Pipelines/LoadModel.h"
#include "weir/Transforms/CastAttention.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace weir;

namespace {
struct Sizes {
  int64_t batch, tokens, heads, features, clusters, size;
  int64_t width() const { return heads * features; }
};

/// An attention of heads between four projections, with surrogate tokens.
std::string formatModel(const Sizes &s) {
  auto tokens =
      llvm::formatv("tensor<{0}x{1}x{2}xf32>", s.batch, s.tokens, s.width()).str();
  auto weight = llvm::formatv("tensor<{0}x{0}xf32>", s.width()).str();
  auto cut =
      llvm::formatv("tensor<{0}x{1}x{2}x{3}xf32>", s.batch, s.tokens, s.heads, s.features)
          .str();
  auto heads =
      llvm::formatv("tensor<{0}x{2}x{1}x{3}xf32>", s.batch, s.tokens, s.heads, s.features)
          .str();
  std::string text = llvm::formatv(R"(
func.func @window(%x: {0} {{weir.input = "x"}) -> {0} {{
  %w = onnx.Constant dense<0.5> : {1}
  %cut = onnx.Constant dense<[{4}, {5}, {6}, {7}]> : tensor<4xi64>
  %all = onnx.Constant dense<[{4}, {5}, {8}]> : tensor<3xi64>
)",
                                   tokens, weight, cut, heads, s.batch, s.tokens, s.heads,
                                   s.features, s.width());
  for (const char *name : {"q", "k", "v"})
    text += llvm::formatv(R"(
  %{0}0 = onnx.MatMul %x, %w : ({1}, {2}) -> {1}
  %{0}1 = onnx.Reshape %{0}0, %cut : ({1}, tensor<4xi64>) -> {3}
  %{0} = onnx.Transpose %{0}1 {{perm = [0, 2, 1, 3]} : ({3}) -> {4}
)",
                          name, tokens, weight, cut, heads);
  text += llvm::formatv(R"(
  %a = weir.attention softmax %q, %k, %v
    {{weir.surrogates = dense<0.5> : tensor<{0}x{1}xf32>} : {2}, {2}, {2} -> {2}
  %b = onnx.Transpose %a {{perm = [0, 2, 1, 3]} : ({2}) -> {3}
  %c = onnx.Reshape %b, %all : ({3}, tensor<3xi64>) -> {4}
  %y = onnx.MatMul %c, %w : ({4}, {5}) -> {4}
  return %y : {4}
}
)",
                        s.clusters, s.width(), heads, cut, tokens, weight);
  return text;
}

int64_t countMacs(func::FuncOp function) {
  int64_t macs = 0;
  for (Operation &op : function.getBody().front())
    if (auto flow = dyn_cast<TokenFlowOpInterface>(op))
      macs += flow.countMacs(llvm::to_vector(op.getOperandTypes()),
                             op.getResult(0).getType());
  return macs;
}

void expectMacs(const Sizes &s) {
  DialectRegistry registry;
  registerModelDialects(registry);
  MLIRContext context(registry);
  auto module = parseSourceString<ModuleOp>(formatModel(s), &context);
  ASSERT_TRUE(module);
  auto window = *module->getOps<func::FuncOp>().begin();
  int64_t before = countMacs(window);
  TokenAxis axis;
  axis.dim = 1;
  axis.tokens = s.tokens;
  CastOptions options;
  options.from = SurrogateSource::KMeans;
  options.size = s.size;
  auto compressed = compressWithCast(window, {axis}, options);
  ASSERT_TRUE(succeeded(compressed));
  ASSERT_EQ(compressed->size(), 1u);
  const CompressedAttention &entry = compressed->front();
  EXPECT_EQ(entry.reason, "");
  EXPECT_EQ(entry.form, "cast topk");
  EXPECT_EQ(entry.kept, s.size);
  EXPECT_EQ(entry.clusters, s.clusters);
  EXPECT_EQ(entry.macsBefore, before);
  EXPECT_EQ(entry.macsAfter, countMacs(window));
  int64_t n = s.tokens, c = s.clusters, k = s.size, e = s.width();
  EXPECT_EQ(entry.macsAfter, s.batch * (4 * n * e * e + 2 * n * c * e +
                                        2 * c * k * k * e + c * k * e + n * c * e));
}

TEST(Cast, CountsWhatItMakes) {
  expectMacs({1, 24, 2, 4, 3, 8});
  expectMacs({2, 17, 3, 5, 4, 6});
  expectMacs({1, 8, 1, 4, 1, 8});
}
} // namespace
