//===- StateTest.cpp - States in place, however hard they are to place ----===//
// Programs over three states, compiled and stepped beside the same program on plain
// arrays: some that bufferization refuses at first, and many drawn at random. After each
// step the output and all states agree, and the input is untouched.

#include "mlir/IR/Remarks.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Pipelines/LoadModel.h"
#include "weir/Pipelines/LowerToCpu.h"
#include "weir/Runner/CompiledModule.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <array>
#include <functional>
#include <random>

using namespace mlir;
using namespace weir;

namespace {
constexpr int64_t size = 8;
using Array = std::array<float, size>;
/// What a step starts from: the input, then the states a, b, c.
using Start = std::array<Array, 4>;
using Formula = std::function<Array(const Start &)>;

/// A step function under construction, as text and as a function on arrays.
class Program {
public:
  Program() {
    for (const char *name : {"%x", "%a", "%b", "%c"})
      names.push_back(name);
    for (int i = 0; i < 4; ++i)
      values.push_back([i](const Start &start) { return start[i]; });
  }
  int numValues() const { return names.size(); }

  /// i + j, or i - j in memory of its own.
  int add(int i, int j) {
    return append(
        format("{0} = linalg.add ins({1}, {2} : {3}, {3}) outs({1} : {3}) -> {3}", i, j),
        [x = values[i], y = values[j]](const Start &start) {
          return zip(x(start), y(start), std::plus<float>());
        });
  }
  int subtract(int i, int j) {
    return append(
        format("%e{4} = tensor.empty() : {3}\n"
               "{0} = linalg.sub ins({1}, {2} : {3}, {3}) outs(%e{4} : {3}) -> {3}",
               i, j),
        [x = values[i], y = values[j]](const Start &start) {
          return zip(x(start), y(start), std::minus<float>());
        });
  }
  int reverse(int i) {
    return append(
        format("%e{4} = tensor.empty() : {3}\n"
               "{0} = linalg.generic {{indexing_maps = [affine_map<(i) -> (7 - i)>, "
               "affine_map<(i) -> (i)>], iterator_types = [\"parallel\"]} ins({1} : {3}) "
               "outs(%e{4} : {3}) {{ ^bb0(%in: f32, %out: f32): linalg.yield %in : f32 } "
               "-> {3}",
               i, i),
        [x = values[i]](const Start &start) {
          Array y = x(start);
          std::reverse(y.begin(), y.end());
          return y;
        });
  }
  /// j with element `from` of i at `to`.
  int move(int i, int j, int from, int to) {
    std::string text =
        format("%s{4} = tensor.extract_slice {1}[FROM] [1] [1] : {3} to tensor<1xf32>\n"
               "{0} = tensor.insert_slice %s{4} into {2}[TO] [1] [1] "
               ": tensor<1xf32> into {3}",
               i, j);
    text.replace(text.find("FROM"), 4, std::to_string(from));
    text.replace(text.find("TO"), 2, std::to_string(to));
    return append(text, [x = values[i], y = values[j], from, to](const Start &start) {
      Array moved = y(start);
      moved[to] = x(start)[from];
      return moved;
    });
  }
  /// (i + j) + j, in a loop.
  int addTwice(int i, int j) {
    return append(
        format("%from{4} = arith.constant 0 : index\n"
               "%to{4} = arith.constant 2 : index\n"
               "%by{4} = arith.constant 1 : index\n"
               "{0} = scf.for %i{4} = %from{4} to %to{4} step %by{4} "
               "iter_args(%sum{4} = {1}) -> {3} {{\n"
               "  %n{4} = linalg.add ins(%sum{4}, {2} : {3}, {3}) outs(%sum{4} : {3}) "
               "-> {3}\n  scf.yield %n{4} : {3}\n}",
               i, j),
        [x = values[i], y = values[j]](const Start &start) {
          Array other = y(start);
          return zip(zip(x(start), other, std::plus<float>()), other, std::plus<float>());
        });
  }

  /// The output, then the new a, b and c.
  void finish(std::array<int, 4> chosen) {
    results = chosen;
    text = llvm::formatv("func.func @step(%x: {0} {{weir.input = \"x\"}, "
                         "%a: {0} {{weir.state = \"a\"}, %b: {0} {{weir.state = \"b\"}, "
                         "%c: {0} {{weir.state = \"c\"}) -> ({0} {{weir.output = \"y\"}, "
                         "{0} {{weir.state = \"a\"}, {0} {{weir.state = \"b\"}, "
                         "{0} {{weir.state = \"c\"}) {{\n{1}return {2}, {3}, {4}, {5} : "
                         "{0}, {0}, {0}, {0}\n}\n",
                         type, body, names[chosen[0]], names[chosen[1]], names[chosen[2]],
                         names[chosen[3]]);
  }
  const std::string &getText() const { return text; }
  Start evaluate(const Start &start) const {
    Start next;
    for (int i = 0; i < 4; ++i)
      next[i] = values[results[i]](start);
    return next;
  }

private:
  static constexpr const char *type = "tensor<8xf32>";

  template <typename Function>
  static Array zip(const Array &x, const Array &y, Function function) {
    Array z;
    for (int64_t i = 0; i < size; ++i)
      z[i] = function(x[i], y[i]);
    return z;
  }
  /// {0}: the result, {1} and {2}: i and j, {3}: the type, {4}: a number of its own.
  std::string format(const char *line, int i, int j) {
    int number = numValues();
    return llvm::formatv(false, line, "%v" + std::to_string(number), names[i], names[j],
                         type, number);
  }
  int append(const std::string &line, Formula value) {
    body += line + "\n";
    names.push_back("%v" + std::to_string(numValues()));
    values.push_back(std::move(value));
    return numValues() - 1;
  }

  std::vector<std::string> names;
  std::vector<Formula> values;
  std::string body, text;
  std::array<int, 4> results;
};

class State : public testing::Test {
protected:
  State() : context(makeRegistry()) {
    context.printOpOnDiagnostic(false);
    auto policy = std::make_unique<remark::RemarkEmittingPolicyAll>();
    remark::RemarkCategories weirOnly{std::nullopt, std::nullopt, "weir", std::nullopt,
                                      std::nullopt};
    EXPECT_TRUE(succeeded(remark::enableOptimizationRemarks(
        context, nullptr, std::move(policy), weirOnly, /*printAsEmitRemarks=*/true)));
  }

  bool canBufferize(const Program &program, InPlace inPlace) {
    ScopedDiagnosticHandler quiet(&context, [](Diagnostic &) { return success(); });
    auto module = parseSourceString<ModuleOp>(program.getText(), &context);
    PassManager passes(&context);
    buildBufferizePipeline(passes, inPlace);
    return succeeded(passes.run(*module));
  }

  /// Compiles, steps and compares; returns what was said on the way.
  std::string check(const Program &program, unsigned seed = 1) {
    std::string said;
    ScopedDiagnosticHandler keep(&context, [&](Diagnostic &message) {
      said += message.str() + "\n";
      return success();
    });
    auto module = parseSourceString<ModuleOp>(program.getText(), &context);
    EXPECT_TRUE(module) << said << program.getText();
    if (!module)
      return said;
    auto compiled = CompiledModule::compile(*module);
    EXPECT_TRUE(succeeded(compiled)) << said << program.getText();
    if (succeeded(compiled))
      step(*(*compiled)->lookup("step"), program, seed);
    return said;
  }

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerModelDialects(registry);
    registerRunnerDialects(registry);
    return registry;
  }

  void step(const CompiledFunction &function, const Program &program, unsigned seed) {
    std::mt19937 random(seed);
    // Whole numbers: sums do not depend on their order.
    std::uniform_int_distribution<int> draw(-9, 9);
    Start start;
    for (Array &array : start)
      for (float &value : array)
        value = draw(random);
    Start memory = start;
    Array output;
    for (int t = 0; t < 4; ++t) {
      for (float &value : start[0])
        value = draw(random);
      memory[0] = start[0];
      function.call({memory[0].data(), memory[1].data(), memory[2].data(),
                     memory[3].data(), output.data()});
      Start expected = program.evaluate(start);
      ASSERT_EQ(output, expected[0]) << "step " << t << "\n" << program.getText();
      ASSERT_EQ(memory[0], start[0]) << "the input was written\n" << program.getText();
      for (int state = 1; state < 4; ++state)
        ASSERT_EQ(memory[state], expected[state])
            << "state " << state << " at step " << t << "\n"
            << program.getText();
      start = expected;
    }
  }

  MLIRContext context;
};
} // namespace

TEST_F(State, OneValueForTwoStatesIsTakenAtTheSecondTry) {
  Program program;
  int value = program.subtract(3, 2);
  program.finish({0, 1, value, value});
  ASSERT_FALSE(canBufferize(program, InPlace::Tight));
  ASSERT_TRUE(canBufferize(program, InPlace::Loose));
  std::string said = check(program);
  EXPECT_NE(said.find("state 'b' is not updated in place"), said.npos) << said;
  EXPECT_NE(said.find("state 'c' is not updated in place"), said.npos) << said;
  EXPECT_EQ(said.find("state 'a'"), said.npos) << said;
  EXPECT_EQ(said.find("RaW conflict"), said.npos) << "what was mended is not reported";
}

TEST_F(State, StatesThatChangePlacesAreReadFromCopiesAtTheThirdTry) {
  Program program;
  int edited = program.move(0, 2, 1, 5);
  program.finish({0, 1, 3, edited});
  ASSERT_FALSE(canBufferize(program, InPlace::Tight));
  ASSERT_FALSE(canBufferize(program, InPlace::Loose));
  std::string said = check(program);
  EXPECT_NE(said.find("state 'b' is read from a copy"), said.npos) << said;
  EXPECT_NE(said.find("state 'c' is read from a copy"), said.npos) << said;
  EXPECT_EQ(said.find("RaW conflict"), said.npos) << "what was mended is not reported";
}

TEST_F(State, WhatFitsIsLeftInPlace) {
  Program program;
  int a = program.add(1, 0), b = program.move(0, 2, 3, 4);
  program.finish({a, a, b, 3});
  ASSERT_TRUE(canBufferize(program, InPlace::Tight));
  EXPECT_EQ(check(program), "");
}

TEST_F(State, AnyProgramStepsAsItReads) {
  int numSecond = 0, numThird = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    auto below = [&](int end) { return static_cast<int>(random() % end); };
    Program program;
    for (int i = 0, end = 3 + below(6); i < end; ++i) {
      int x = below(program.numValues()), y = below(program.numValues());
      switch (below(5)) {
      case 0:
        program.add(x, y);
        break;
      case 1:
        program.subtract(x, y);
        break;
      case 2:
        program.reverse(x);
        break;
      case 3:
        program.move(x, y, below(size), below(size));
        break;
      default:
        program.addTwice(x, y);
      }
    }
    std::array<int, 4> results;
    for (int &result : results)
      result = below(program.numValues());
    program.finish(results);
    if (!canBufferize(program, InPlace::Tight))
      ++(canBufferize(program, InPlace::Loose) ? numSecond : numThird);
    check(program, seed);
    if (HasFailure())
      FAIL() << "seed " << seed;
  }
  EXPECT_GT(numSecond, 0);
  EXPECT_GT(numThird, 0);
}
