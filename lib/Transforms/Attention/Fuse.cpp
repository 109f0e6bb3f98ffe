//===- Fuse.cpp - One op for each softmax between two products ------------===//
// MatMul(Softmax(MatMul(q, k^T)), v)  ==>  weir.attention softmax q, k, v
// Late, where code is made and tokens mean nothing any more. Legal as in Raise.cpp.

#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Transforms/Passes.h"
#include "weir/Transforms/RaiseAttention.h"

namespace weir {
#define GEN_PASS_DEF_FUSEATTENTION
#include "weir/Transforms/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
struct FuseAttention : weir::impl::FuseAttentionBase<FuseAttention> {
  using FuseAttentionBase::FuseAttentionBase;
  void runOnOperation() override { fuseAttentions(getOperation(), fewestQueries); }
};
} // namespace
