//===- Schedule.h - Which ops of a step serve many streams at once --------===//
// The ops of a step fall into segments, numbered in the order in which they run. In even
// ones each stream runs its ops on its own; ops of odd ones run once for all streams:
//
//   1  %q = product %x, %weights        one product over all streams
//   2  %k[slot] = %x ...; attention     a loop over streams
//   3  product %attended, %weights      one product
//
// An op is in the first segment of its kind that what it depends on allows.

#ifndef WEIR_LIB_TRANSFORMS_STREAMS_SCHEDULE_H
#define WEIR_LIB_TRANSFORMS_STREAMS_SCHEDULE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "weir/Support/BufferBytes.h"
#include "llvm/ADT/MapVector.h"

namespace weir {

/// An op that touches memory, or has regions. All others are computed where they are
/// used.
struct Action {
  mlir::Operation *op;
  unsigned segment;
  bool isBatched() const { return segment % 2 == 1; }
};

/// A temporary of the step, and the segments that touch it.
struct StreamTemporary {
  unsigned first, last;
  /// One a stream, as it lives from one segment to another.
  bool isShared() const { return first != last || first % 2 == 1; }
};

/// Products of more rows than these are bound by arithmetic already.
constexpr int64_t mostRowsToBatch = 16;
/// Temporaries of more bytes than these stay each stream's own.
constexpr int64_t mostBytesToBatch = 64 << 10;

class StreamSchedule {
public:
  /// Fails, with a remark, where streams gain nothing from each other or cannot be told
  /// apart.
  static llvm::FailureOr<StreamSchedule> get(mlir::func::FuncOp step);

  llvm::ArrayRef<Action> getActions() const { return actions; }
  unsigned numSegments() const { return segments; }
  /// The segment of the action that `value` is a result of; none for other values.
  std::optional<unsigned> segmentOf(mlir::Value value) const;
  const llvm::MapVector<mlir::Value, StreamTemporary> &getTemporaries() const {
    return temporaries;
  }
  /// Is `value` a result of an action that later segments read?
  bool isKept(mlir::Value value) const { return kept.contains(value); }
  /// Inputs that batched ops read: they are gathered before all else.
  llvm::ArrayRef<mlir::BlockArgument> getGathered() const {
    return gathered.getArrayRef();
  }
  /// Constant bytes that batched products read.
  int64_t getWeightBytes() const { return weightBytes; }
  /// Most bytes that one stream's shared temporaries take at a time.
  int64_t getBytesOfStream() const;

private:
  friend class Scheduler;
  llvm::SmallVector<Action> actions;
  llvm::DenseMap<mlir::Operation *, unsigned> segmentsOfActions;
  llvm::MapVector<mlir::Value, StreamTemporary> temporaries;
  llvm::SetVector<mlir::BlockArgument> gathered;
  llvm::DenseSet<mlir::Value> kept;
  unsigned segments = 0;
  int64_t weightBytes = 0;
};

/// Is `op` neither an action nor a temporary: computed from its operands alone?
bool isDerived(mlir::Operation *op);

/// Does `value` of the step hold the same for all streams: is it made of constants?
bool isSameForAllStreams(mlir::Value value);

/// The buffer that `value` shows all elements of, in their order.
mlir::Value getWholeBuffer(mlir::Value value);

/// Calls `visit` with each value from outside that `op` or an op inside of it uses.
void forEachOutsideValue(mlir::Operation *op,
                         llvm::function_ref<void(mlir::Value)> visit);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_STREAMS_SCHEDULE_H
