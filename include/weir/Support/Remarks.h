//===- Remarks.h - Say why a rewrite was made, or left undone -------------===//
// All of Weir's remarks carry the category "weir": `--remarks-filter=weir` shows
// them in any host.

#ifndef WEIR_SUPPORT_REMARKS_H
#define WEIR_SUPPORT_REMARKS_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Remarks.h"

namespace weir {

/// Says why a rewrite that knows `op` leaves it alone; always fails.
template <typename... Ts>
llvm::LogicalResult missed(mlir::Operation *op, const char *why, Ts &&...ts) {
  namespace remark = mlir::remark;
  auto opts = remark::RemarkOpts::name(op->getName().getStringRef()).category("weir");
  remark::missed(op->getLoc(), opts) << remark::reason(why, std::forward<Ts>(ts)...);
  return llvm::failure();
}

/// Says that a rewrite, `name`, made `op` cheaper, and what by.
inline void madeCheaper(mlir::Operation *op, llvm::StringRef name, llvm::StringRef how,
                        int64_t macsBefore, int64_t macsAfter) {
  namespace remark = mlir::remark;
  auto opts = remark::RemarkOpts::name(name).category("weir");
  remark::passed(op->getLoc(), opts)
      << how << remark::metric("macs", macsAfter) << remark::metric("before", macsBefore);
}

} // namespace weir

#endif // WEIR_SUPPORT_REMARKS_H
