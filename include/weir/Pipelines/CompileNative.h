//===- CompileNative.h - From a model to files that a program links -------===//

#ifndef WEIR_PIPELINES_COMPILENATIVE_H
#define WEIR_PIPELINES_COMPILENATIVE_H

#include "weir/Pipelines/LoadModel.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {

/// Where compilation can stop, in order; each stage has the name of its pipeline.
enum class Stage { Import, Prepare, Continual, Bufferize, Layout, Cpu, Object };

struct CompileOptions {
  ModelOptions model;
  /// What the C functions start with; "" is the output's name without its ending.
  std::string name;
  std::string target = "native";
  Stage until = Stage::Object;
  /// How many streams `ID_step_many` takes at once: a size or several; 1 for none. Empty:
  /// as the model gains by it.
  llvm::SmallVector<int64_t> streams;
  /// Folder for compiled models, by all that they were made of; "" for none.
  std::string cache;
  /// DIR/ID.o, .a, .so; or .mlir for an earlier stage.
  std::string output;
};

/// Completes options from each other; what is left unclear is an error of usage.
llvm::Error completeOptions(CompileOptions &options);

/// Writes the output and, of object code, DIR/ID.h and DIR/ID.json: all of them or none.
/// Messages go to standard error as `FILE: error: ...`, what narrow weights cost to
/// `out`.
llvm::LogicalResult compileNative(const CompileOptions &options, llvm::raw_ostream &out);

} // namespace weir

#endif // WEIR_PIPELINES_COMPILENATIVE_H
