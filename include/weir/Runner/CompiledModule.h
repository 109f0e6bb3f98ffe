//===- CompiledModule.h - A model as functions that can be called ---------===//
// Compiles every public function of a module, in this process:
//
//   auto model = CompiledModule::compile(module);
//   const CompiledFunction *step = (*model)->lookup("step");
//   step->call({x.data(), k.data(), y.data()});   // in the order of step->getPorts()

#ifndef WEIR_RUNNER_COMPILEDMODULE_H
#define WEIR_RUNNER_COMPILEDMODULE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "weir/Transforms/TeamOptions.h"
#include "llvm/ADT/StringMap.h"
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

struct weir_member;
struct weir_pool;

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace weir {

/// One tensor that a function reads or writes, in row-major order, booleans as bytes.
/// A state is read and written in place; `Step` is a counter that the caller supplies, a
/// `Constant` what every call is given alike.
struct Port {
  enum Kind { Input, Step, State, Constant, Output };
  Kind kind;
  std::string name;
  mlir::RankedTensorType type;

  int64_t numBytes() const;
};

/// Inputs and states in the order of the arguments, then the results that are no state
/// of these: the order of the lowered function's arguments.
std::vector<Port> getPorts(mlir::func::FuncOp function);

/// Not for two threads at a time: the temporaries belong to the function.
class CompiledFunction {
public:
  llvm::ArrayRef<Port> getPorts() const { return ports; }
  /// `buffers`: the address of each port's elements.
  void call(llvm::ArrayRef<void *> buffers) const;
  int64_t getScratchBytes() const { return scratchBytes; }
  /// Has it code, or ports alone?
  bool isCompiled() const { return entry; }

private:
  friend class CompiledModule;
  std::vector<Port> ports;
  void (*entry)(void *const *, weir_member *) = nullptr;
  weir_pool *pool = nullptr; // of the module
  int64_t threads = 1;       // most that it was compiled for
  // Of malloc, which says no where operator new ends the process.
  struct Free {
    void operator()(char *bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, Free> scratch;
  int64_t scratchBytes = 0;
};

/// The constants' bytes stay with the context of the module, which must outlive this.
class CompiledModule {
public:
  /// Addresses of functions that the code may call, by name.
  using Symbols = llvm::StringMap<void *>;
  /// Compiles a copy of `module` for this machine; reports what cannot be compiled.
  /// Functions named in `uncalled` have their ports and no code; others run on `team`.
  static mlir::FailureOr<std::unique_ptr<CompiledModule>>
  compile(mlir::ModuleOp module, const Symbols &symbols = {},
          llvm::ArrayRef<llvm::StringRef> uncalled = {}, const TeamOptions &team = {});
  ~CompiledModule();

  /// Null when the module has no such function.
  const CompiledFunction *lookup(llvm::StringRef name) const;
  /// Of the constants that are not in the code.
  int64_t getWeightBytes() const { return weightBytes; }

private:
  CompiledModule() = default;
  llvm::LogicalResult link(mlir::ModuleOp buffered, llvm::ArrayRef<char> object,
                           const Symbols &symbols);

  struct ClosePool {
    void operator()(weir_pool *pool) const;
  };
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::unique_ptr<weir_pool, ClosePool> pool;
  llvm::StringMap<CompiledFunction> functions;
  std::vector<std::shared_ptr<std::vector<char>>> copies; // of constants not aligned
  int64_t weightBytes = 0;
};

/// Bytes of temporaries of `function`, which is lowered as far as that takes; reports
/// what cannot be compiled. Nothing is compiled.
mlir::FailureOr<int64_t> planScratch(mlir::ModuleOp module, llvm::StringRef function);

/// Registers what reading, compiling and running a model needs.
void registerRunnerDialects(mlir::DialectRegistry &registry);

} // namespace weir

#endif // WEIR_RUNNER_COMPILEDMODULE_H
