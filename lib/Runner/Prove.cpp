//===- Prove.cpp - Is the step the window, as a formula? ------------------===//

#include "Prove.h"
#include "Session.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/FieldNumber.h"
#include "weir/Support/NodeDiagnostics.h"
#include "llvm/Support/FormatVariadic.h"
#include <cstring>
#include <random>

using namespace mlir;
using namespace weir;

static bool isFloat(const Port &port) {
  return isa<FloatType>(port.type.getElementType());
}

/// Random streams whose floats are numbers of the field; integers stay what they are.
static Streams makeFieldStreams(ArrayRef<Port> ports, const ArgumentAxes &axes,
                                int64_t numWindows) {
  Streams streams = makeRandomStreams(ports, axes, numWindows);
  std::mt19937_64 generator(1);
  auto input = streams.inputs.begin();
  for (const Port &port : ports) {
    if (port.kind != Port::Input)
      continue;
    NpyArray &array = (input++)->array;
    if (!isFloat(port))
      continue;
    array.dtype = "i8";
    array.bytes.resize(array.numElements() * sizeof(uint64_t));
    for (int64_t i = 0, e = array.numElements(); i < e; ++i) {
      uint64_t bits =
          FieldNumber(generator() % FieldNumber::p, generator() % FieldNumber::q)
              .getBits();
      std::memcpy(&array.bytes[i * sizeof bits], &bits, sizeof bits);
    }
  }
  return streams;
}

static FailureOr<std::unique_ptr<CompiledModule>> compileInField(ModuleOp module) {
  PassManager passes(module.getContext());
  passes.addPass(createGeneralizeLinalg());
  passes.addPass(createConvertWeirToLinalg());
  // What is evaluated in floats rounds, and once for the window, once for its rows.
  passes.addPass(createConvertOnnxToLinalg({/*fold=*/false}));
  passes.addPass(createConvertFloatToField());
  if (failed(passes.run(module)))
    return failure();
  CompiledModule::Symbols symbols;
  for (const FieldFunction &function : getFieldFunctions())
    symbols[function.symbol] = function.address;
  return CompiledModule::compile(module, symbols);
}

/// Is the element of a tensor of residues, or of integers, the same? An exponential is
/// known modulo p alone.
static bool isSame(const char *x, const char *y, int64_t bytes, bool isResidue) {
  return std::memcmp(x, y, isResidue ? sizeof(uint32_t) : bytes) == 0;
}

static void compare(const Port &port, ArrayRef<char> step, ArrayRef<char> window,
                    bool isResidue, int64_t index, Proof &proof) {
  int64_t count = port.type.getNumElements();
  int64_t bytes = count ? step.size() / count : 0;
  for (int64_t i = 0; i < count; ++i) {
    ++proof.numElements;
    if (isSame(&step[i * bytes], &window[i * bytes], bytes, isResidue))
      continue;
    if (proof.numWrong++ == 0)
      proof.firstWrong =
          llvm::formatv("element {0} of '{1}' at step {2}", i, port.name, index);
  }
}

/// The buffers of outputs, in order.
static SmallVector<ArrayRef<char>> getOutputs(BoundFunction &bound) {
  SmallVector<ArrayRef<char>> outputs;
  for (auto [index, port] : llvm::enumerate(bound.getPorts()))
    if (port.kind == Port::Output)
      outputs.push_back(bound.getBuffer(index));
  return outputs;
}

/// Cosines are rounded; what holds of them holds of no numbers of the field.
static LogicalResult checkProvable(ModuleOp module) {
  WalkResult found = module.walk([](Operation *op) {
    if (!isa<DctOp, IdctOp, ResampleOp, SlidingDctOp>(op))
      return WalkResult::advance();
    InFlightDiagnostic error =
        op->emitOpError("computes with cosines, whose identities a proof cannot use");
    attachHelp(error, "compare numbers instead: --verify");
    return WalkResult::interrupt();
  });
  return failure(found.wasInterrupted());
}

FailureOr<Proof> weir::proveSteps(ModuleOp module, const ArgumentAxes &axes,
                                  const StepFacts &facts) {
  if (failed(checkProvable(module)))
    return failure();
  StringRef window =
      module.lookupSymbol("window_recycled") ? "window_recycled" : "window";
  std::vector<Port> ports = getPorts(module.lookupSymbol<func::FuncOp>(window));
  int64_t numWindows = 2 * facts.full + 3;
  Streams streams = makeFieldStreams(ports, axes, numWindows);
  SmallVector<Port> outputs =
      llvm::filter_to_vector(ports, [](const Port &p) { return p.kind == Port::Output; });
  OwningOpRef<ModuleOp> copy = module.clone();
  auto compiled = compileInField(*copy);
  if (failed(compiled))
    return failure();
  StepSession steps(**compiled, streams, facts.skipped);
  WindowSession windows(*(*compiled)->lookup(window), streams, facts.full);
  steps.reset();
  for (int64_t i = 1; i < facts.full; ++i)
    steps.advance();
  Proof proof;
  proof.numSteps = numWindows;
  for (int64_t index = 0; index < numWindows; ++index) {
    steps.advance();
    windows.run(index);
    for (auto [port, step, whole] :
         llvm::zip_equal(outputs, getOutputs(steps.bound), getOutputs(windows.bound)))
      compare(port, step, whole, isFloat(port), index, proof);
  }
  return proof;
}
