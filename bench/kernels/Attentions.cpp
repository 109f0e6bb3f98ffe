//===- Attentions.cpp - Attention of whole windows, of a query, updated ---===//
// The same attention of [heads, tokens, features] as a window, as the step of its newest
// row (one query over the rings), and as that of all rows (updated by the tokens that
// leave and enter).

#include "Program.h"
#include "llvm/Support/FormatVariadic.h"

using namespace kernels;

namespace {
struct Size {
  int heads, tokens, features;
  double floats() const { return double(heads) * tokens * features; }
  std::string name() const {
    return llvm::formatv("{0}x{1}x{2}", heads, tokens, features);
  }
};
} // namespace

static std::string attention(Size size) {
  return llvm::formatv(
      R"(func.func @window(%q: tensor<{0}xf32> {{weir.input = "q"},
             %k: tensor<{0}xf32> {{weir.input = "k"}, %v: tensor<{0}xf32> {{weir.input = "v"})
          -> (tensor<{0}xf32> {{weir.output = "y"}) {{
        %y = weir.attention softmax %q, %k, %v {{scale = 0.125 : f64}
          : tensor<{0}xf32>, tensor<{0}xf32>, tensor<{0}xf32> -> tensor<{0}xf32>
        return %y : tensor<{0}xf32>
      })",
      size.name());
}

void kernels::addAttentions() {
  for (Size size :
       {Size{8, 64, 128}, {16, 120, 12}, {12, 128, 32}, {8, 512, 64}, {8, 1024, 64}}) {
    std::string text = attention(size);
    double pairs = size.floats() * size.tokens;
    add("attention/window/" + size.name(), {4 * pairs, 16 * size.floats()},
        [=] { return std::make_unique<Program>(text); });
    add("attention/query/" + size.name(), {4 * size.floats(), 8 * size.floats()},
        [=] { return std::make_unique<Program>(text, "last"); });
    // Scores of two tokens with all queries, what they add to each row, one query.
    add("attention/updated/" + size.name(), {12 * size.floats(), 16 * size.floats()},
        [=] { return std::make_unique<Program>(text, "all"); });
  }
}
