//===- RingTest.cpp - Rings, compiled and run -----------------------------===//
// Each test steps a compiled function and a plain model of the ring side by side. Axes
// with fixed rows, several tokens per step, and repetitions inside a dimension.

#include "mlir/Parser/Parser.h"
#include "weir/Interfaces/TokenAxis.h"
#include "weir/Pipelines/LoadModel.h"
#include "weir/Runner/CompiledModule.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace weir;

namespace {
/// A function `@step` on text, called with floats.
class Program {
public:
  explicit Program(const std::string &text) : context(makeRegistry()) {
    module = parseSourceString<ModuleOp>(text, &context);
    if (module)
      if (auto result = CompiledModule::compile(*module); succeeded(result))
        compiled = std::move(*result);
  }
  bool isReady() const { return compiled != nullptr; }
  void call(llvm::ArrayRef<void *> buffers) { compiled->lookup("step")->call(buffers); }

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerModelDialects(registry);
    registerRunnerDialects(registry);
    return registry;
  }
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<CompiledModule> compiled;
};

struct RingCase {
  TokenAxis axis;
  int64_t outer;
};

std::string formatAxis(const TokenAxis &axis) {
  return llvm::formatv(
      "#weir.axis<dim = 0, inner = {0}, lead = {1}, tokens = {2}, tail = "
      "{3}, chunk = {4}>",
      axis.inner, axis.lead, axis.tokens, axis.tail, axis.chunk);
}

std::string formatPositions(llvm::ArrayRef<int64_t> positions) {
  std::string text = "array<i64: ";
  for (auto [i, position] : llvm::enumerate(positions))
    text += (i ? ", " : "") + std::to_string(position);
  return text + ">";
}

/// Pushes the newest tokens into the ring and reads the whole window back.
std::string pushAndRead(const RingCase &ring, llvm::ArrayRef<int64_t> pushed,
                        llvm::ArrayRef<int64_t> read) {
  const TokenAxis &axis = ring.axis;
  int64_t row = ring.outer * axis.inner;
  return llvm::formatv(
      R"(func.func @step(%x: tensor<{0}x2xf32> {{weir.input = "x"},
             %t: tensor<i64> {{weir.state = "t"}, %r: tensor<{1}x2xf32> {{weir.state = "r"})
          -> (tensor<{2}x2xf32> {{weir.output = "y"}, tensor<i64> {{weir.state = "t"},
              tensor<{1}x2xf32> {{weir.state = "r"}) {{
        %count = tensor.extract %t[] : tensor<i64>
        %step = arith.index_cast %count : i64 to index
        %r1 = weir.ring_push %x, %r, %step {{axis = {3}, positions = {4}}
          : tensor<{0}x2xf32>, tensor<{1}x2xf32>
        %y = weir.ring_read %r1, %step {{axis = {3}, positions = {5}}
          : tensor<{1}x2xf32> -> tensor<{2}x2xf32>
        %one = arith.constant 1 : i64
        %next = arith.addi %count, %one : i64
        %t1 = tensor.from_elements %next : tensor<i64>
        return %y, %t1, %r1 : tensor<{2}x2xf32>, tensor<i64>, tensor<{1}x2xf32>
      })",
      pushed.size() * row, axis.numRows() * row, read.size() * row, formatAxis(axis),
      formatPositions(pushed), formatPositions(read));
}

class Ring : public testing::TestWithParam<RingCase> {};
} // namespace

TEST_P(Ring, HoldsTheWindow) {
  const RingCase &ring = GetParam();
  const TokenAxis &axis = ring.axis;
  int64_t rows = axis.numRows(), rowSize = axis.inner * 2;
  std::vector<int64_t> newest, all;
  for (int64_t i = 0; i < axis.chunk; ++i)
    newest.push_back(axis.lead + axis.tokens - axis.chunk + i);
  for (int64_t i = axis.lead; i < axis.lead + axis.tokens; ++i)
    all.push_back(i);
  Program program(pushAndRead(ring, newest, all));
  ASSERT_TRUE(program.isReady());

  // window[outer][token][element]; a token is its number plus its place.
  std::vector<std::vector<float>> stream;
  int64_t steps = 3 * axis.tokens + 1, count = 0;
  std::vector<float> state(ring.outer * rows * rowSize, -1.0f);
  std::vector<float> x(ring.outer * axis.chunk * rowSize);
  std::vector<float> y(ring.outer * axis.tokens * rowSize);
  auto element = [&](int64_t token, int64_t outer, int64_t i) {
    return static_cast<float>(token * 1000 + outer * 100 + i);
  };
  for (int64_t step = 0; step < steps; ++step) {
    for (int64_t o = 0; o < ring.outer; ++o)
      for (int64_t c = 0; c < axis.chunk; ++c)
        for (int64_t i = 0; i < rowSize; ++i)
          x[(o * axis.chunk + c) * rowSize + i] = element(step * axis.chunk + c, o, i);
    program.call({x.data(), &count, state.data(), y.data()});
    ASSERT_EQ(count, step + 1);
    int64_t first = (step + 1) * axis.chunk - axis.tokens;
    for (int64_t o = 0; o < ring.outer; ++o)
      for (int64_t p = 0; p < axis.tokens && first >= 0; ++p)
        for (int64_t i = 0; i < rowSize; ++i)
          ASSERT_EQ(y[(o * axis.tokens + p) * rowSize + i], element(first + p, o, i))
              << "step " << step << " position " << p;
    // Fixed rows are never written.
    for (int64_t o = 0; o < ring.outer; ++o)
      for (int64_t r = 0; r < rows; ++r)
        if (!axis.isToken(r))
          ASSERT_EQ(state[(o * rows + r) * rowSize], -1.0f);
  }
}

// {dim, inner, lead, tokens, tail, chunk}, outer
INSTANTIATE_TEST_SUITE_P(
    Axes, Ring,
    testing::Values(RingCase{{0, 1, 0, 5, 0, 1}, 1}, RingCase{{0, 3, 0, 6, 0, 1}, 2},
                    RingCase{{0, 1, 1, 6, 2, 2}, 1}, RingCase{{0, 2, 1, 7, 0, 3}, 9},
                    RingCase{{0, 1, 0, 4, 1, 4}, 1}, RingCase{{0, 1, 0, 1, 0, 1}, 6}));
