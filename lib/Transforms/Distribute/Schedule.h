//===- Schedule.h - Who does what, and where threads meet ------------------===//

#ifndef WEIR_LIB_TRANSFORMS_DISTRIBUTE_SCHEDULE_H
#define WEIR_LIB_TRANSFORMS_DISTRIBUTE_SCHEDULE_H

#include "Cut.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/MapVector.h"

namespace weir {

/// How a function runs on a team. Ops that are in none of these are done by each thread.
struct Schedule {
  /// Shared out in pieces.
  llvm::MapVector<mlir::Operation *, Cut> cuts;
  /// Loops whose iterations are shared out.
  llvm::SetVector<mlir::Operation *> loops;
  /// Done by thread 0 alone.
  llvm::SetVector<mlir::Operation *> firsts;
  /// Temporaries that each thread has for itself.
  llvm::SetVector<mlir::Operation *> privates;
  /// In front of these, threads meet.
  llvm::SetVector<mlir::Operation *> barriers;
  /// Iterations of what is shared out.
  int64_t sharedWork = 0;
};

/// Are the iterations of a loop given to threads, each of them to one?
bool isShared(mlir::scf::ForOp loop);

/// Changes nothing. It is known of all ops what memory they touch, at least of the whole
/// of a shared loop.
Schedule makeSchedule(mlir::func::FuncOp function, int64_t threads);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_DISTRIBUTE_SCHEDULE_H
