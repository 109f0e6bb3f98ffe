//===- weir-lsp-server.cpp - Weir's dialects in an editor -----------------===//

#include "RegisterMlir.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "weir/Pipelines/Registration.h"
#include "llvm/Support/LogicalResult.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  weir::registerMlir(registry);
  weir::registerWeirDialects(registry);
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
