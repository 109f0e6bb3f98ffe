//===- ParseModule.cpp - Read IR, as text or bytecode ---------------------===//

#include "weir/Support/ParseModule.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

/// Resources in bytecode are read where they stand, at the alignment that they state: a
/// buffer that starts at a lesser one cannot be read.
static constexpr uint64_t mostAligned = 4096;

OwningOpRef<ModuleOp> weir::parseModule(StringRef path, MLIRContext &context) {
  std::string message;
  auto file = openInputFile(path, llvm::Align(mostAligned), &message);
  if (!file) {
    emitError(UnknownLoc::get(&context)) << message;
    return nullptr;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, &context);
}
