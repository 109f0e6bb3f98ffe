//===- RegisterMlir.h - Everything that upstream MLIR registers -----------===//

#ifndef WEIR_TOOLS_REGISTERMLIR_H
#define WEIR_TOOLS_REGISTERMLIR_H

namespace mlir {
class DialectRegistry;
}

namespace weir {
/// Registers all upstream dialects, extensions and passes.
void registerMlir(mlir::DialectRegistry &registry);
} // namespace weir

#endif // WEIR_TOOLS_REGISTERMLIR_H
