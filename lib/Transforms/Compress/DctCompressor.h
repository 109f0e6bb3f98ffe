//===- DctCompressor.h - Rewrite one attention to frequencies of tokens ---===//

#ifndef WEIR_LIB_TRANSFORMS_COMPRESS_DCTCOMPRESSOR_H
#define WEIR_LIB_TRANSFORMS_COMPRESS_DCTCOMPRESSOR_H

#include "RowMapper.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Transforms/DctAttention.h"

namespace weir {

/// One attention while it is rewritten.
class DctCompressor {
public:
  DctCompressor(AttentionOp op, const TokenFlowAnalysis &flows, DctVariant variant,
                int64_t kept, bool isFolded)
      : op(op), flows(flows), variant(variant), kept(kept), isFolded(isFolded),
        builder(op), make(builder, op.getLoc()) {}

  /// Why it cannot be; "" where it can.
  std::string findObstacle();
  /// Products of its projections, before and behind.
  llvm::SetVector<mlir::Operation *> getProjections();
  void rewrite();

private:
  RowsOf rowsOf(mlir::Value value);
  TokenMap getMap() const;
  void compressTokens();
  void resampleKeys();
  mlir::Value attend(mlir::Value q, mlir::Value k, mlir::Value v, mlir::Value bias);
  llvm::SmallVector<LinearOp> getOutputChain();
  bool isFrequencies() const {
    return variant == DctVariant::Qkv || variant == DctVariant::X;
  }

  AttentionOp op;
  const TokenFlowAnalysis &flows;
  DctVariant variant;
  int64_t kept;
  bool isFolded;
  mlir::OpBuilder builder;
  onnx::OnnxBuilder make;
};

} // namespace weir

#endif // WEIR_LIB_TRANSFORMS_COMPRESS_DCTCOMPRESSOR_H
