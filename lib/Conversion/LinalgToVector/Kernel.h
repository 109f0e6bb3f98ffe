//===- Kernel.h - Emit the loops of a planned nest ------------------------===//
// outer loops
//   blocks of rows                                  where they leave the cache otherwise
//     column tiles, blocks of vectors               at most two sizes of each
//       blocks of the depth                         the first may be smaller
//         row tiles                                 at most two sizes
//           reduction loops of the block, one register a point of the tile
// Sums of a block begin at zeros and are added to what the output holds. Sums along the
// vectors' own loop are split over lanes and joined in a fixed tree.

#ifndef WEIR_LIB_CONVERSION_LINALGTOVECTOR_KERNEL_H
#define WEIR_LIB_CONVERSION_LINALGTOVECTOR_KERNEL_H

#include "Plan.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace weir {

/// One position an operand.
using Indices = llvm::SmallVector<mlir::Value>;
/// The same, in elements from such a position.
using Offsets = llvm::SmallVector<int64_t>;
using Inside = llvm::function_ref<void(const Indices &)>;

/// `width` values side by side.
inline mlir::Type widen(mlir::Type type, int64_t width) {
  return width == 1 ? type : mlir::VectorType::get({width}, type);
}

class KernelEmitter {
public:
  KernelEmitter(const Nest &nest, const Plan &plan)
      : nest(nest), plan(plan), b(nest.op), loc(nest.op->getLoc()),
        beginsAtFill(nest.start) {}
  void emit();

private:
  // Loops around the tile (Loops.cpp).
  Indices advance(const Indices &from, int loop, mlir::Value by);
  Indices advance(const Indices &from, int loop, int64_t by);
  void emitLoop(const Indices &from, int loop, int64_t first, int64_t count, int64_t step,
                Inside inside);
  void emitOuter(size_t level, const Indices &at);
  void emitInner(size_t level, const Indices &at);
  void emitRowBlocks(const Indices &at, Inside inside);
  void emitDepthBlocks(size_t level, const Indices &at, Inside inside);
  void emitTiles(const Indices &at, size_t tile, Inside inside);
  void emitVectorBlocks(const Indices &at, Inside inside);

  // The tile itself (Tile.cpp): `points` holds the offsets of each point, one an operand.
  void emitTile(const Indices &at);
  void emitElementwise(const Indices &at);
  void emitSumsAlongOutput(const Indices &at);
  void emitSumsAcrossLanes(const Indices &at);
  using Step = llvm::function_ref<llvm::SmallVector<mlir::Value>(const Indices &,
                                                                 mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> emitReduction(size_t level, const Indices &at,
                                               mlir::ValueRange sums, Step step);
  mlir::Value neutral(int64_t width);
  /// Folds every point once into `sums`, reading `width` elements from `shift` on.
  llvm::SmallVector<mlir::Value> foldPoints(const Indices &at, mlir::ValueRange sums,
                                            int64_t shift, int64_t width);

  // Values of one element or of `width` neighbours along the vector loop (Body.cpp).
  mlir::Value evaluate(llvm::ArrayRef<mlir::Value> inputs, mlir::Value sum,
                       int64_t width);
  mlir::Value clone(mlir::Operation *op, mlir::IRMapping &mapping, int64_t width);
  mlir::Value combine(mlir::Value sum, mlir::Value value);
  mlir::Value joinLanes(llvm::ArrayRef<mlir::Value> parts);
  // Memory.cpp
  mlir::Value load(unsigned operand, const Indices &at, int64_t offset, int64_t width);
  /// What the sums at a point are added to.
  mlir::Value loadStart(const Indices &at, int64_t offset, int64_t width);
  void store(mlir::Value value, const Indices &at, int64_t offset, int64_t width);
  mlir::Value index(int64_t value);
  int64_t stride(unsigned operand) const {
    return plan.vectorLoop < 0 ? 0 : nest.loops[plan.vectorLoop].strides[operand];
  }

  const Nest &nest;
  const Plan &plan;
  mlir::OpBuilder b;
  mlir::Location loc;
  llvm::SmallVector<mlir::Value> buffers;
  int64_t width = 1;                       // of the vectors at hand
  llvm::SmallVector<int64_t> vectorStarts; // along the vector loop
  llvm::SmallVector<int64_t> tileSizes;    // parallel to plan.tiled
  llvm::SmallVector<int64_t> tileExtents;  // of the block of rows at hand
  int64_t blockExtent = 0;                 // of the block of the depth at hand
  bool beginsAtFill; // are the sums at hand the first to be added to a constant?
  llvm::SmallVector<Offsets> points;
};
} // namespace weir

#endif // WEIR_LIB_CONVERSION_LINALGTOVECTOR_KERNEL_H
