//===- RegisterMlir.cpp - Everything that upstream MLIR registers ---------===//
// A file of its own: nothing in Weir takes longer to compile.

#include "RegisterMlir.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

void weir::registerMlir(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
}
