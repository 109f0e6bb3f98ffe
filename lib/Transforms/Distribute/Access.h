//===- Access.h - Which bytes which thread touches ------------------------===//
// Two threads may run two ops without a barrier between them where no byte that one of
// them writes is touched by the other. An op that is cut into pieces touches the bytes of
// its own pieces in each thread:
//   c[i, j] = a[i, j] + b[j], 6 pieces of 20 rows, of 128 bytes each, 2 threads:
//     a, c: thread 0 [0, 7680), thread 1 [7680, 15360)    b: all bytes in both
// A place that is known at run time only may still keep apart from another one: with two
// pieces of 1024 bytes of any row of 2048, thread 0 is in the first half of some row, and
// thread 1 in the second half of this or another.

#ifndef WEIR_LIB_TRANSFORMS_DISTRIBUTE_ACCESS_H
#define WEIR_LIB_TRANSFORMS_DISTRIBUTE_ACCESS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace weir {

/// A parallel loop of an op in pieces of `size` iterations, a shorter one at the end.
struct Cut {
  unsigned loop = 0;
  int64_t size = 0, numPieces = 0, rest = 0;
};

/// Full pieces [first, last) are those of thread `id` of `count`; the last one has the
/// rest too.
std::pair<int64_t, int64_t> getShare(int64_t numPieces, int64_t id, int64_t count);

/// Where a memref begins in the buffer that it is a view of, in bytes.
struct Place {
  mlir::Value root;  ///< a temporary, an argument, a constant; null: any of these
  int64_t begin = 0; ///< the least that it can be
  int64_t slack = 0; ///< by how much it can be more, found out at run time
  int64_t grain = 0; ///< of which that is a multiple
  mlir::Value shift; ///< the view which that depends on; null: none
  int64_t step = 0;  ///< how far the loop in question moves it

  bool isConstant() const;
  /// Moves by `index` times `stride`, where `index` is less than `extent`.
  void move(mlir::OpFoldResult index, int64_t stride, int64_t extent,
            mlir::scf::ForOp loop);
};
/// `loop`: one that may move it.
Place findPlace(mlir::Value memref, mlir::scf::ForOp loop = {});

/// One of `count` parts, each `stride` bytes behind the one before.
struct Row {
  int64_t count, stride;
};
/// Bytes from, to.
using ByteRange = std::pair<int64_t, int64_t>;

struct Access {
  enum Who { First, All, Shared };
  Place place;
  bool writes = false;
  Who who = All;
  int64_t size = 0; ///< bytes of a piece, of all for First and All, from first to last
  llvm::SmallVector<Row, 4> rows;                ///< that these consist of
  int64_t step = 0, numPieces = 0, restSize = 0; ///< of Shared

  /// What thread `id` of `count` touches, where the place is shifted the least.
  ByteRange getBytes(int64_t id, int64_t count) const;
  /// The same modulo `period`: from, and how many bytes.
  ByteRange getResidues(int64_t id, int64_t count, int64_t period) const;
};

/// May threads of a team of up to `most` race? `loop`: in two iterations of it, so that
/// views made inside are at two places.
bool conflict(llvm::ArrayRef<Access> a, llvm::ArrayRef<Access> b, int64_t most,
              mlir::Operation *loop = nullptr);

/// What `op` does by `who`, in pieces of `cut` where that is Shared.
llvm::SmallVector<Access> getAccesses(mlir::linalg::LinalgOp op, Access::Who who,
                                      const Cut &cut);
/// What the iterations of `loop` do, each of which is of one thread.
llvm::SmallVector<Access> getAccesses(mlir::scf::ForOp loop);
/// What a load or store of one element does.
Access getAccess(mlir::Value memref, mlir::ValueRange indices, bool writes,
                 Access::Who who, mlir::scf::ForOp loop = {});

/// The memrefs that an op of no other kind touches, and whether it writes them; none
/// where that is not known.
using Touched = llvm::SmallVector<std::pair<mlir::Value, bool>>;
std::optional<Touched> getTouched(mlir::Operation *op);
/// What such an op does.
llvm::SmallVector<Access> getAccesses(const Touched &touched, Access::Who who);

/// How often a loop runs, where that is known.
std::optional<int64_t> getTripCount(mlir::scf::ForOp loop);

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_DISTRIBUTE_ACCESS_H
