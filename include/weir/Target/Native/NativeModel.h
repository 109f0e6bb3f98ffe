//===- NativeModel.h - What a C program has to know of a model ------------===//
// Everything that the files beside an object say, and that its functions check:
//
//   NativeModel model = describeSteps(module);   // tensors
//   describeLayout(model, module);               // states as buffers in one arena
//   describeEntries(model, module);              // functions as they are called
//   emitObject(..., [&](llvm::Module &code) { addAbi(code, model, target); }, ...);
//   printHeader(os, model); printManifest(os, model);

#ifndef WEIR_TARGET_NATIVE_NATIVEMODEL_H
#define WEIR_TARGET_NATIVE_NATIVEMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "weir/Interfaces/TokenAxis.h"
#include "weir/Support/StateLayout.h"
#include "weir/Target/Object/Object.h"
#include "weir/Target/Object/Weights.h"
#include "llvm/ADT/StringMap.h"

namespace weir {

/// Version of the functions and of the state's header (WEIR_ABI_VERSION of the runtime).
constexpr int64_t nativeAbiVersion = 1;

/// An input or output of a step.
struct NativePort {
  std::string name;       ///< as the ONNX file calls it, verbatim
  std::string identifier; ///< the same in upper case, as part of a C identifier
  mlir::RankedTensorType type;
  std::optional<int64_t> tokenDim; ///< where the tokens stand, of a streamed input

  int64_t getBytes() const;
};

/// An entry function and what stands at each of its arguments.
struct NativeEntry {
  enum Kind { Arena, Input, Output, Team, Scratch };
  std::string name;
  std::vector<Kind> arguments;
  int64_t threads = 1; ///< most that it runs on
};

/// A function that steps several streams at once.
struct NativeGroup {
  std::string name;
  int64_t streams; ///< at most
};

/// Most streams of a group (WEIR_MOST_STREAMS of the runtime).
constexpr int64_t mostStreamsOfGroup = 256;

struct NativeModel {
  std::string name;   ///< the identifier that all functions start with
  std::string source; ///< the model's file, without its folder
  std::string target;
  std::string weights = "f32"; ///< how they are stored
  std::string digest; ///< SHA-256 of weights, step program and layout, in hexadecimal
  int64_t window = 0;
  int64_t chunk = 0; ///< tokens of a step; 0 where there are no steps
  int64_t warmup = 0, skipped = 0;
  std::vector<NativePort> inputs, outputs;
  /// Their types as the model has them: booleans are bytes in the layout.
  llvm::StringMap<mlir::RankedTensorType> stateTypes;
  std::vector<NativeEntry> entries;
  std::vector<NativeGroup> groups; ///< the largest first
  StateLayout layout;
  int64_t temporaryBytes = 0; ///< most that an entry needs for temporaries
  int64_t threads = 1;        ///< most that are wanted for a call

  bool has(llvm::StringRef entry) const;
  /// Most threads that a call runs on.
  int64_t getThreads() const;
  /// Most threads that share the streams of a call, each with scratch of its own.
  int64_t getStreamThreads() const;
  /// Has it no steps and no states, but whole windows?
  bool isOfWindows() const { return chunk == 0; }
  /// Streams that are stepped at once, at most.
  int64_t getMostStreams() const { return groups.empty() ? 1 : groups[0].streams; }
  /// A thread's memory: temporaries, then, for each stream, outputs that the caller does
  /// not want.
  int64_t getStreamScratchBytes() const {
    return getDiscardedOffset(0) + getMostStreams() * getDiscardedBytes();
  }
  /// A call's own memory.
  int64_t getScratchBytes() const { return getStreamThreads() * getStreamScratchBytes(); }
  int64_t getDiscardedBytes() const {
    return getDiscardedOffset(outputs.size()) - getDiscardedOffset(0);
  }
  /// Where in it such an output begins.
  int64_t getDiscardedOffset(size_t output) const;
  /// The part of the digest that each state carries.
  uint64_t getHash() const;
  /// Has it one float32 input and one float32 output?
  bool isOneToOne() const;
};

/// float32, int64, bool, ...: as NumPy calls it.
std::string getTypeName(mlir::Type elementType);

/// Reads the entry functions before they are lowered. `digest` becomes the SHA-256 of
/// `@init` and `@step`: operators, attributes and the bytes of constants; not names of
/// files or places in them. Reports what cannot be called from C.
mlir::FailureOr<NativeModel> describeSteps(mlir::ModuleOp module);

/// The same of a model whose one entry is `@window`; `axes` are those of its arguments.
mlir::FailureOr<NativeModel>
describeWindow(mlir::ModuleOp module, llvm::ArrayRef<std::optional<TokenAxis>> axes);

/// Adds what `weir-layout-state` did, also to the digest.
llvm::LogicalResult describeLayout(NativeModel &model, mlir::ModuleOp module);

/// Adds the entry functions, whose values are buffers by now.
llvm::LogicalResult describeEntries(NativeModel &model, mlir::ModuleOp module);

/// Adds the C functions, named after the model; all else becomes internal.
void addAbi(llvm::Module &code, const NativeModel &model);

/// Adds what steps groups of streams, as runtime/NativeAbi.h declares it. Part of
/// `addAbi`.
void addGroups(llvm::Module &code, const NativeModel &model);

/// Gives weights their bytes, as constant data. After optimisation: weights are no code.
void addWeights(llvm::Module &code, const NamedWeights &weights);

/// ID.h and ID.json.
void printHeader(llvm::raw_ostream &os, const NativeModel &model);
void printManifest(llvm::raw_ostream &os, const NativeModel &model);

} // namespace weir

#endif // WEIR_TARGET_NATIVE_NATIVEMODEL_H
