//===- Program.h - A function of IR, compiled and ready to be called ------===//

#ifndef WEIR_BENCH_KERNELS_PROGRAM_H
#define WEIR_BENCH_KERNELS_PROGRAM_H

#include "weir/Pipelines/LoadModel.h"
#include "weir/Runner/CompiledModule.h"
#include <string>
#include <vector>

namespace kernels {

/// Compiled by the pipeline that models take. All floats that go in are random.
class Program {
public:
  /// `text`: a module with a function `@window`. Its arguments without `weir.input`
  /// become constants, as weights of models are. With `rows`, a step is made of it that
  /// gives these rows ("last", "all"), and the rings of the step are filled first.
  explicit Program(llvm::StringRef text, llvm::StringRef rows = "");

  /// False after an error, which is on standard error.
  bool isReady() const { return function; }
  /// One call: a window, or a step.
  void call();

private:
  void addConstants(mlir::func::FuncOp window);
  bool makeStep(llvm::StringRef rows);
  void allocatePorts();

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<weir::CompiledModule> compiled;
  const weir::CompiledFunction *function = nullptr;
  std::vector<std::vector<char>> memory;
  std::vector<void *> buffers;
};

/// What a call is held against.
struct Work {
  double operations = 0; ///< of floats
  double bytes = 0;      ///< that have to be read, and are no temporaries
};

/// A benchmark `name` of the program that `make` gives when its turn comes.
void add(const std::string &name, Work work,
         std::function<std::unique_ptr<Program>()> make);

void addProducts();
void addElementwise();
void addAttentions();

} // namespace kernels

#endif // WEIR_BENCH_KERNELS_PROGRAM_H
