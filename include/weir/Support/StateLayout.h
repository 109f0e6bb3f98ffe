//===- StateLayout.h - Where states stand in their arena ------------------===//
// Every entry function of a model finds its states at the same offsets of one block of
// bytes. The layout is on the module, as `weir-layout-state` left it:
//
//   weir.state_bytes = 192
//   weir.state_layout = [{bytes = 128, name = "k", offset = 64, type = memref<8x4xf32>}]

#ifndef WEIR_SUPPORT_STATELAYOUT_H
#define WEIR_SUPPORT_STATELAYOUT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include <string>
#include <vector>

namespace weir {

struct StateSlot {
  std::string name;
  mlir::MemRefType type;
  int64_t offset, bytes;
};

struct StateLayout {
  /// Of the arena and of each state in it.
  static constexpr int64_t alignment = 64;
  /// In front of the states, for those who write an arena to a file.
  static constexpr int64_t headerBytes = 64;

  std::vector<StateSlot> slots;
  int64_t bytes = headerBytes;

  /// Null when there is none of that name.
  const StateSlot *find(llvm::StringRef name) const;
  /// Places a new state behind the others.
  void add(llvm::StringRef name, mlir::MemRefType type);

  void attachTo(mlir::ModuleOp module) const;
  /// None on a module without a layout.
  static std::optional<StateLayout> get(mlir::ModuleOp module);
};

} // namespace weir

#endif // WEIR_SUPPORT_STATELAYOUT_H
