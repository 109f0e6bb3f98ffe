//===- LinalgToVector.cpp - Lower linalg on memrefs to loops over vectors -===//
// linalg.generic ins(%a, %b : memref<4x8xf32>, ...)  ==>  scf.for { vector.load, ... }
// Legal for one output, static sizes, and a body of element by element arithmetic.

#include "ByteProduct.h"
#include "Plan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "weir/Conversion/Passes.h"
#include "weir/Support/Remarks.h"

namespace weir {
#define GEN_PASS_DEF_CONVERTLINALGTOVECTOR
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
struct ConvertLinalgToVector
    : weir::impl::ConvertLinalgToVectorBase<ConvertLinalgToVector> {
  using ConvertLinalgToVectorBase::ConvertLinalgToVectorBase;
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    // A strided memref.copy would become a call into a runtime library.
    func.walk([](memref::CopyOp copy) {
      OpBuilder b(copy);
      linalg::makeMemRefCopyOp(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    });
    SmallVector<linalg::LinalgOp> ops;
    func.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    // Sums before what fills their outputs, which is then not needed.
    llvm::SmallPtrSet<Operation *, 8> taken;
    for (linalg::LinalgOp op : llvm::reverse(ops)) {
      if (taken.contains(op)) {
        op.erase();
        continue;
      }
      FailureOr<Nest> nest = analyzeNest(op);
      if (failed(nest)) {
        (void)missed(op, "runs in scalar loops: it is no arithmetic on rows of memory");
        continue;
      }
      VectorUnit vectors{lanes, registers, dot};
      if (std::optional<ByteProduct> product = matchByteProduct(*nest)) {
        emitByteProduct(*nest, *product, vectors);
        continue;
      }
      if (nest->start)
        taken.insert(nest->start);
      emitNest(*nest, planNest(*nest, vectors));
    }
  }
};
} // namespace
