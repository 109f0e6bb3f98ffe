//===- Header.cpp - The C header of a compiled model ----------------------===//

#include "weir/Support/HostTensor.h"
#include "weir/Target/Native/NativeModel.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace weir;

namespace {
class HeaderPrinter {
public:
  HeaderPrinter(llvm::raw_ostream &os, const NativeModel &model)
      : os(os), model(model), upper(StringRef(model.name).upper()) {}
  void print();

private:
  void printOverviewOfSteps();
  void printOverviewOfWindows();
  void printSizes();
  void printPorts(StringRef kind, ArrayRef<NativePort> ports);
  void printCodes();
  void printFunctionsOfSteps();
  void printFunctionsOfWindows();
  void printFunctionsOfPools();
  /// `#define UPPER_NAME value`, with a comment where there is one.
  void define(const Twine &name, const Twine &value, StringRef comment = "") {
    os << "#define " << upper << "_" << name << " " << value;
    if (!comment.empty())
      os << " /* " << comment << " */";
    os << "\n";
  }
  /// A declaration under its comment; `{0}` is the model's name, `{1}` in upper case.
  void declare(const char *comment, const char *declaration) {
    os << "\n/* " << llvm::formatv(comment, model.name, upper) << " */\n"
       << llvm::formatv(declaration, model.name, upper) << "\n";
  }

  llvm::raw_ostream &os;
  const NativeModel &model;
  std::string upper;
};
} // namespace

/// What stands for an element in C.
static std::string getCType(Type type) {
  if (type.isF32())
    return "float";
  if (type.isF64())
    return "double";
  if (type.isInteger(1))
    return "uint8_t"; // 0 or 1
  std::string width = std::to_string(type.getIntOrFloatBitWidth());
  bool isUnsigned = isa<FloatType>(type) || type.isUnsignedInteger();
  return (isUnsigned ? "uint" : "int") + width + "_t";
}

/// A name from a file must not end a comment.
static std::string quote(StringRef name) {
  std::string text = "\"";
  for (char c : name)
    text += llvm::isPrint(c) && c != '*' && c != '\\' ? c : '?';
  return text + "\"";
}

void HeaderPrinter::printOverviewOfSteps() {
  os << llvm::formatv(
      R"(/* {0}.h - The streaming form of {2}, made by weir-compile for {3}.
 *
 * A stream is a block of {1}_STATE_BYTES bytes that belongs to the caller:
 *
 *     _Alignas({1}_ALIGNMENT) unsigned char state[{1}_STATE_BYTES];
 *     {0}_init(state);
 *     for (each new token) {{
 *       const void *inputs[{1}_NUM_INPUTS] = {{...};
 *       void *outputs[{1}_NUM_OUTPUTS] = {{...};
 *       if ({0}_step(state, inputs, outputs) == 1)
 *         ...  // outputs are written
 *     }
 *
 * The block may be copied, written to a file, moved to another machine and resumed there:
 * give the bytes to {0}_load. Any number of streams may exist. Different streams may be
 * used from different threads at once, one stream by one thread at a time. Temporaries
 * belong to the thread. Nothing is allocated.
 *
 * Tensors are dense and row-major, aligned to their elements; outputs do not overlap
 * inputs or each other. Functions return a code of enum {0}_code; none ends the process.
 */
)",
      model.name, upper, model.source, model.target);
}

void HeaderPrinter::printOverviewOfWindows() {
  os << llvm::formatv(
      R"(/* {0}.h - Whole windows of {2}, made by weir-compile for {3}.
 *
 *     _Alignas({1}_ALIGNMENT) static unsigned char scratch[{1}_SCRATCH_BYTES];
 *     const void *inputs[{1}_NUM_INPUTS] = {{...};
 *     void *outputs[{1}_NUM_OUTPUTS] = {{...};
 *     {0}_window(scratch, inputs, outputs);
 *
 * Nothing is kept from one call to the next and nothing is allocated: calls with scratch
 * of their own may run at once.
 *
 * Tensors are dense and row-major, aligned to their elements; outputs do not overlap
 * inputs or each other. Functions return a code of enum {0}_code; none ends the process.
 */
)",
      model.name, upper, model.source, model.target);
}

void HeaderPrinter::printSizes() {
  define("ABI_VERSION", Twine(nativeAbiVersion));
  if (model.isOfWindows()) {
    define("ALIGNMENT", Twine(StateLayout::alignment), "of the scratch");
    define("SCRATCH_BYTES", Twine(model.getScratchBytes()), "that a call works in");
    define("WINDOW", Twine(model.window), "tokens of a window; 0 where there are none");
    return;
  }
  define("MODEL_HASH", "0x" + llvm::utohexstr(model.getHash(), true, 16) + "u",
         "of weights, step program and layout");
  define("STATE_BYTES", Twine(model.layout.bytes));
  define("ALIGNMENT", Twine(StateLayout::alignment), "of a state");
  define("SCRATCH_BYTES", Twine(model.getScratchBytes()), "of each thread's own memory");
  define("GROUP", Twine(model.getMostStreams()),
         "streams that " + model.name + "_step_many steps at once, on each thread");
  define("WINDOW", Twine(model.window), "tokens that an output depends on");
  define("CHUNK", Twine(model.chunk), "tokens that enter per step");
  define("WARMUP", Twine(model.warmup), "steps until the first outputs");
  define("SKIPPED", Twine(model.skipped),
         "tokens of the first step that no output depends on");
}

/// Properties stand in front of a port's name, where no name of another port can meet
/// them: inputs `x` and `x_bytes` are possible.
void HeaderPrinter::printPorts(StringRef kind, ArrayRef<NativePort> ports) {
  std::string upperKind = kind.upper();
  os << "\n/* Positions in `" << kind << "s`. */\nenum " << model.name << "_" << kind
     << " {\n";
  for (const NativePort &port : ports) {
    os << "  " << upper << "_" << upperKind << "_" << port.identifier << ", /* "
       << quote(port.name) << ": " << getTypeName(port.type.getElementType()) << " [";
    llvm::interleaveComma(port.type.getShape(), os);
    os << "]";
    if (port.tokenDim)
      os << ", tokens along axis " << *port.tokenDim;
    os << " */\n";
  }
  os << "  " << upper << "_NUM_" << upperKind << "S\n};\n";
  auto list = [](auto range) { return "{" + llvm::join(range, ", ") + "}"; };
  auto text = [](int64_t number) { return std::to_string(number); };
  define("ALL_" + upperKind + "_BYTES",
         list(llvm::map_range(
             ports, [&](const NativePort &port) { return text(port.getBytes()); })));
  for (const NativePort &port : ports) {
    std::string name = "_" + upperKind + "_" + port.identifier;
    define("BYTES" + name, Twine(port.getBytes()));
    define("ELEMENTS" + name, Twine(port.type.getNumElements()));
    define("RANK" + name, Twine(port.type.getRank()));
    if (port.type.getRank() > 0)
      define("SHAPE" + name, list(llvm::map_range(port.type.getShape(), text)));
    define("DTYPE" + name, "\"" + getTypeName(port.type.getElementType()) + "\"");
    os << "typedef " << getCType(port.type.getElementType()) << " " << model.name
       << StringRef(name).lower() << "_t;\n";
  }
}

void HeaderPrinter::printCodes() {
  os << "\nenum " << model.name << "_code {\n";
  auto code = [&](StringRef name, int value, StringRef comment) {
    os << "  " << upper << "_" << name << " = " << value << ", /* " << comment << " */\n";
  };
  if (model.isOfWindows()) {
    code("READY", 1, "done; outputs are written");
    code("ERROR_NULL", -1, "the scratch or an input is null");
    code("ERROR_ALIGNMENT", -2, "the scratch is not aligned");
    os << "};\n";
    return;
  }
  code("WARMING_UP", 0, "done; the window is not full, outputs are untouched");
  code("READY", 1, "done; outputs are written");
  code("ERROR_NULL", -1, "the state or an input is null");
  code("ERROR_ALIGNMENT", -2, "the state is not aligned");
  code("ERROR_NO_STATE", -3, "the bytes are no state: initialise, prime or load first");
  code("ERROR_VERSION", -4, "a state of another version of this interface");
  code("ERROR_MODEL", -5, "a state of another model, or of another build of it");
  code("ERROR_SIZE", -6, "a state of too few or too many bytes");
  os << "  " << upper
     << "_ERROR_COUNTER = -7 /* a state with a counter that no stream leads to */\n};\n";
}

void HeaderPrinter::printFunctionsOfWindows() {
  declare(
      "Computes one window in `scratch`, {1}_SCRATCH_BYTES of any contents. `inputs`:\n"
      " * the addresses of {1}_NUM_INPUTS tensors. `outputs`: those of "
      "{1}_NUM_OUTPUTS,\n"
      " * any of which may be null, or null. {1}_READY, or an error.",
      "int {0}_window(void *scratch, const void *const *inputs, void *const "
      "*outputs);");
  if (model.isOneToOne())
    declare("The same for the one input and the one output.",
            "int {0}_window1(void *scratch, const float *x, float *y);");
}

void HeaderPrinter::printFunctionsOfSteps() {
  declare("Begins a stream in `state`, whatever it held. 0, or an error.",
          "int {0}_init(void *state);");
  declare(
      "Takes the next {1}_CHUNK tokens in. `inputs`: the addresses of {1}_NUM_INPUTS\n"
      " * tensors. `outputs`: those of {1}_NUM_OUTPUTS, any of which may be null, or "
      "null.\n"
      " * {1}_READY, {1}_WARMING_UP, or an error, after which the state is as before.",
      "int {0}_step(void *state, const void *const *inputs, void *const *outputs);");
  if (model.isOneToOne())
    declare("The same for the one input and the one output.",
            "int {0}_step1(void *state, const float *x, float *y);");
  if (model.has("push"))
    declare("Takes tokens in and computes no outputs. {1}_READY where {0}_predict has\n"
            " * something to say, {1}_WARMING_UP, or an error.",
            "int {0}_push(void *state, const void *const *inputs);");
  if (model.has("predict"))
    declare("The outputs of the tokens pushed last; changes no state. As {0}_step.",
            "int {0}_predict(void *state, void *const *outputs);");
  if (model.has("prime"))
    declare("Begins a stream with a whole window: inputs have {1}_WINDOW tokens each.\n"
            " * As if that many tokens had been stepped through, in one go. As {0}_step.",
            "int {0}_prime(void *state, const void *const *inputs, void *const "
            "*outputs);");
  declare(
      "Steps `count` streams, each as {0}_step does and with the same bits. Row i of\n"
      " * `inputs`, {1}_NUM_INPUTS pointers, belongs to states[i], and so do row i of\n"
      " * `outputs`, which may be null, and ready[i], the code of that stream, unless\n"
      " * `ready` is null. 0, or the first error; the other streams are stepped.",
      "int {0}_step_many(void *const *states, const void *const *inputs,\n"
      "    void *const *outputs, size_t count, int *ready);");
  declare("Resumes a stream: copies `size` bytes, of any alignment, that are a state of\n"
          " * this model into `state`. 0, or an error, after which `state` is as before.",
          "int {0}_load(void *state, const void *bytes, size_t size);");
}

void HeaderPrinter::printFunctionsOfPools() {
  define("THREADS", Twine(model.getThreads()), "most that one call runs on");
  declare("Threads that share the work of a call. Any model's functions open a pool for\n"
          " * all models of the process.",
          "struct weir_pool;");
  declare(
      "A pool of `threads` threads, the caller's among them; 0: one a processor. Flag "
      "1: each\n"
      " * thread but the caller's stays on one processor. Null where they cannot be "
      "had.",
      "struct weir_pool *{0}_pool_open(int threads, int flags);");
  declare("Ends its threads. No thread may use it any more.",
          "void {0}_pool_close(struct weir_pool *pool);");
  declare(
      "From now on calls of the functions of this model by this thread run on the\n"
      " * pool, bit for bit as on one thread, or alone while another thread's call is "
      "on it.\n"
      " * Null: on this thread alone, as at first.",
      "void {0}_pool_use(struct weir_pool *pool);");
}

void HeaderPrinter::print() {
  model.isOfWindows() ? printOverviewOfWindows() : printOverviewOfSteps();
  os << "\n#ifndef " << upper << "_H\n#define " << upper << "_H\n"
     << "\n#include <stddef.h>\n#include <stdint.h>\n"
     << "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  printSizes();
  printPorts("input", model.inputs);
  printPorts("output", model.outputs);
  printCodes();
  model.isOfWindows() ? printFunctionsOfWindows() : printFunctionsOfSteps();
  declare("What a code means, in English. Never null.",
          "const char *{0}_error(int code);");
  if (model.getThreads() > 1)
    printFunctionsOfPools();
  os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
}

void weir::printHeader(llvm::raw_ostream &os, const NativeModel &model) {
  HeaderPrinter(os, model).print();
}
