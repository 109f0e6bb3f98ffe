//===- Program.cpp - A function of IR, compiled and ready to be called ----===//

#include "Program.h"
#include "mlir/Parser/Parser.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include <random>

using namespace mlir;
using namespace weir;
using namespace kernels;

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerModelDialects(registry);
  registerRunnerDialects(registry);
  return registry;
}

/// Always the same ones, of unit variance.
static std::vector<float> randomFloats(int64_t count) {
  std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  std::vector<float> floats(count);
  for (float &value : floats)
    value = normal(generator);
  return floats;
}

Program::Program(StringRef text, StringRef rows) : context(makeRegistry()) {
  loadModelDialects(context);
  module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return;
  addConstants(module->lookupSymbol<func::FuncOp>("window"));
  if (!rows.empty() && !makeStep(rows))
    return;
  auto result = CompiledModule::compile(*module);
  if (failed(result))
    return;
  compiled = std::move(*result);
  function = compiled->lookup(rows.empty() ? "window" : "step");
  allocatePorts();
}

void Program::addConstants(func::FuncOp window) {
  OpBuilder b(&window.getBody().front(), window.getBody().front().begin());
  llvm::BitVector constants(window.getNumArguments());
  for (BlockArgument argument : window.getArguments()) {
    if (window.getArgAttr(argument.getArgNumber(), "weir.input"))
      continue;
    auto type = cast<RankedTensorType>(argument.getType());
    auto value = DenseElementsAttr::get(
        type, ArrayRef<float>(randomFloats(type.getNumElements())));
    argument.replaceAllUsesWith(onnx::ConstantOp::create(b, window.getLoc(), value));
    constants.set(argument.getArgNumber());
  }
  (void)window.eraseArguments(constants);
}

bool Program::makeStep(StringRef rows) {
  ModelOptions options;
  for (const char *axis : {"q=1", "k=1", "v=1"})
    options.prepare.tokenAxes.push_back(axis);
  options.continual.rows = rows.str();
  options.continual.retroactive = Retroactive::Always;
  if (failed(makeSteps(*module, options)))
    return false;
  module->lookupSymbol<func::FuncOp>("window").erase();
  return true;
}

void Program::allocatePorts() {
  constexpr size_t alignment = 64;
  for (const Port &port : function->getPorts()) {
    std::vector<char> &bytes = memory.emplace_back(port.numBytes() + alignment);
    uintptr_t start = llvm::alignTo(reinterpret_cast<uintptr_t>(bytes.data()), alignment);
    buffers.push_back(reinterpret_cast<void *>(start));
    if (port.kind != Port::Input || !port.type.getElementType().isF32())
      continue;
    std::vector<float> floats = randomFloats(port.type.getNumElements());
    std::memcpy(buffers.back(), floats.data(), port.numBytes());
  }
  // States begin as zeros: the first calls fill the rings.
  for (int i = 0; i < 4096 && module->lookupSymbol("step"); ++i)
    call();
}

void Program::call() {
  function->call(buffers);
  for (auto [port, buffer] : llvm::zip(function->getPorts(), buffers))
    if (port.kind == Port::Step)
      ++*static_cast<int64_t *>(buffer);
}
