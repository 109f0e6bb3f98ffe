//===- Main.cpp - Single kernels, timed one by one ------------------------===//
//   weir-kernels --benchmark_filter='product/16x' --benchmark_min_time=0.1
// Each program is compiled when its turn comes, outside of what is timed.

#include "Program.h"
#include <benchmark/benchmark.h>

using namespace kernels;

void kernels::add(const std::string &name, Work work,
                  std::function<std::unique_ptr<Program>()> make) {
  benchmark::RegisterBenchmark(name.c_str(), [work, make](benchmark::State &state) {
    std::unique_ptr<Program> program = make();
    if (!program->isReady()) {
      state.SkipWithError("is not compiled");
      return;
    }
    for (auto iteration : state)
      program->call();
    using benchmark::Counter;
    auto rate = [](double amount) {
      return Counter(amount, Counter::kIsIterationInvariantRate, Counter::kIs1000);
    };
    state.counters["FLOP/s"] = rate(work.operations);
    state.counters["B/s"] = rate(work.bytes);
  })->Unit(benchmark::kMicrosecond);
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  addProducts();
  addElementwise();
  addAttentions();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
