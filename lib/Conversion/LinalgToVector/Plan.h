//===- Plan.h - How a nest is run on the vectors of a target --------------===//

#ifndef WEIR_LIB_CONVERSION_LINALGTOVECTOR_PLAN_H
#define WEIR_LIB_CONVERSION_LINALGTOVECTOR_PLAN_H

#include "Nest.h"
#include "weir/Support/VectorUnit.h"

namespace weir {

/// How a nest is run: which loop becomes vectors, which are unrolled into registers.
struct Plan {
  int vectorLoop = -1;
  int64_t lanes = 1;
  int64_t numVectors = 1;           // vectors of the vector loop held at a time
  llvm::SmallVector<int> outer;     // parallel loops, outermost first
  llvm::SmallVector<int> tiled;     // parallel loops unrolled into registers
  llvm::SmallVector<int64_t> tiles; // by at most this many iterations
  bool hasRows = false;             // is the last of them rows that share a matrix?
  int64_t rowBlock = 0;           // iterations of the last that all columns pass; 0: all
  llvm::SmallVector<int> inner;   // parallel loops that run once a tile
  llvm::SmallVector<int> reduced; // reduction loops, outermost first
  size_t blockLevel = 0;          // of `reduced`: the loop that blocks of the depth cut
  int64_t blockExtent = 0;        // its iterations in a block; 0: no blocks
};

/// Chooses a plan. The order of summation it implies depends on the reduction loops
/// alone, never on the number of rows.
Plan planNest(const Nest &nest, VectorUnit vectors);

/// Replaces the nest's op by its loops.
void emitNest(const Nest &nest, const Plan &plan);

} // namespace weir

#endif // WEIR_LIB_CONVERSION_LINALGTOVECTOR_PLAN_H
