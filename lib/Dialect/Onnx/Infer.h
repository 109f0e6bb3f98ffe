//===- Infer.h - Result types of the onnx ops -----------------------------===//
// One `infer` overload an op, or a named function for a family. A result is ranked
// with a static shape when all operand shapes (and shape operands' values) are static;
// else `tensor<*xT>`. Fails, with an error at the op if there is a location, when the
// operands contradict the op. An optional result is inferred as `none`.

#ifndef WEIR_LIB_DIALECT_ONNX_INFER_H
#define WEIR_LIB_DIALECT_ONNX_INFER_H

#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "llvm/Support/FormatVariadic.h"

namespace weir::onnx::detail {
/// The op whose types are inferred, as far as a message needs it.
struct Subject {
  std::optional<mlir::Location> location;
  llvm::StringRef name;
};
using Types = llvm::SmallVectorImpl<mlir::Type>;

/// True when no actual type contradicts the inferred one; it may say more or less.
bool compatibleTypes(mlir::TypeRange inferred, mlir::TypeRange actual);

/// Fails unless what the operands of `op` give is compatible with the types it has.
llvm::LogicalResult verifyTypes(mlir::Operation *op);

/// Reports `message` as an error of `op`; always fails.
llvm::LogicalResult fail(const Subject &op, const llvm::Twine &message);
template <typename... Ts>
llvm::LogicalResult failf(const Subject &op, const char *format, Ts &&...values) {
  return fail(op, llvm::Twine(llvm::formatv(format, std::forward<Ts>(values)...).str()));
}
/// `2x3x4`, for messages.
std::string str(llvm::ArrayRef<int64_t> shape);

/// Appends the tensor type of `shape`, unranked without one.
llvm::LogicalResult give(Types &types, mlir::Type element,
                         std::optional<llvm::ArrayRef<int64_t>> shape);
/// Fails unless all of `values` that are tensors have one element type.
llvm::LogicalResult sameElements(const Subject &op, mlir::ValueRange values);
/// Fails unless `axis` is a dimension of a tensor of `rank`.
llvm::LogicalResult checkAxis(const Subject &op, int64_t axis, int64_t rank);

//===----------------------------------------------------------------------===//
// Families
//===----------------------------------------------------------------------===//

llvm::LogicalResult inferLike(mlir::Value like, mlir::Type element, Types &types);
llvm::LogicalResult broadcast(const Subject &op, mlir::ValueRange operands,
                              mlir::Type element, Types &types);
llvm::LogicalResult matMul(const Subject &op, mlir::Value a, mlir::Value b,
                           mlir::Type element, Types &types);
llvm::LogicalResult reduce(const Subject &op, mlir::Value data, mlir::Value axes,
                           bool keepDims, bool noopWhenEmpty, Types &types);
llvm::LogicalResult argReduce(const Subject &op, mlir::Value data, int64_t axis,
                              bool keepDims, Types &types);
llvm::LogicalResult pool(const Subject &op, mlir::Value x, mlir::ArrayAttr kernel,
                         mlir::ArrayAttr strides, mlir::ArrayAttr dilations,
                         mlir::ArrayAttr pads, llvm::StringRef autoPad, bool ceilMode,
                         Types &types);
llvm::LogicalResult globalPool(const Subject &op, mlir::Value x, Types &types);

/// What a member of a family demands beyond the family; nothing, unless overloaded.
template <typename Adaptor>
llvm::LogicalResult check(const Subject &, Adaptor) {
  return llvm::success();
}
llvm::LogicalResult check(const Subject &op, SoftmaxOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, LogSoftmaxOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, RMSNormalizationOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, BatchNormalizationOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, InstanceNormalizationOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, CumSumOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, ClipOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, GeluOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, NotOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, AndOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, OrOp::Adaptor adaptor);
llvm::LogicalResult check(const Subject &op, XorOp::Adaptor adaptor);

template <typename Adaptor>
llvm::LogicalResult inferSameType(const Subject &op, Adaptor adaptor, Types &types) {
  if (failed(check(op, adaptor)))
    return llvm::failure();
  mlir::Value like = *adaptor.getOperands().begin();
  return inferLike(like, getElementType(like), types);
}
template <typename Adaptor>
llvm::LogicalResult inferPredicate(const Subject &, Adaptor adaptor, Types &types) {
  mlir::Value like = *adaptor.getOperands().begin();
  return inferLike(like, mlir::IntegerType::get(like.getContext(), 1), types);
}
template <typename Adaptor>
llvm::LogicalResult inferBroadcast(const Subject &op, Adaptor adaptor, Types &types) {
  auto operands = adaptor.getOperands();
  if (operands.empty())
    return fail(op, "needs an operand");
  bool free = std::is_same_v<Adaptor, PowOp::Adaptor>;
  if (failed(check(op, adaptor)) || (!free && failed(sameElements(op, operands))))
    return llvm::failure();
  return broadcast(op, operands, getElementType(*operands.begin()), types);
}
template <typename Adaptor>
llvm::LogicalResult inferComparison(const Subject &op, Adaptor adaptor, Types &types) {
  if (failed(sameElements(op, adaptor.getOperands())))
    return llvm::failure();
  mlir::Type boolean = mlir::IntegerType::get(adaptor.getA().getContext(), 1);
  return broadcast(op, adaptor.getOperands(), boolean, types);
}
template <typename Adaptor>
llvm::LogicalResult inferReduction(const Subject &op, Adaptor adaptor, Types &types) {
  return reduce(op, adaptor.getData(), adaptor.getAxes(), adaptor.getKeepdims() != 0,
                adaptor.getNoopWithEmptyAxes() != 0, types);
}
template <typename Adaptor>
llvm::LogicalResult inferArgReduction(const Subject &op, Adaptor adaptor, Types &types) {
  return argReduce(op, adaptor.getData(), adaptor.getAxis(), adaptor.getKeepdims() != 0,
                   types);
}
template <typename Adaptor>
llvm::LogicalResult inferPool(const Subject &op, Adaptor adaptor, Types &types) {
  return pool(op, adaptor.getX(), adaptor.getKernelShape(), adaptor.getStridesAttr(),
              adaptor.getDilationsAttr(), adaptor.getPadsAttr(), adaptor.getAutoPad(),
              adaptor.getCeilMode() != 0, types);
}
template <typename Adaptor>
llvm::LogicalResult inferGlobalPool(const Subject &op, Adaptor adaptor, Types &types) {
  return globalPool(op, adaptor.getX(), types);
}

//===----------------------------------------------------------------------===//
// Single ops
//===----------------------------------------------------------------------===//

#define WEIR_INFER(OP) llvm::LogicalResult infer(const Subject &, OP::Adaptor, Types &)
WEIR_INFER(CastOp);
WEIR_INFER(WhereOp);
WEIR_INFER(DropoutOp);
WEIR_INFER(MatMulOp);
WEIR_INFER(GemmOp);
WEIR_INFER(EinsumOp);
WEIR_INFER(ConvOp);
WEIR_INFER(AttentionOp);
WEIR_INFER(RotaryEmbeddingOp);
WEIR_INFER(LayerNormalizationOp);
WEIR_INFER(ReshapeOp);
WEIR_INFER(TransposeOp);
WEIR_INFER(SqueezeOp);
WEIR_INFER(UnsqueezeOp);
WEIR_INFER(FlattenOp);
WEIR_INFER(ExpandOp);
WEIR_INFER(TileOp);
WEIR_INFER(ConcatOp);
WEIR_INFER(SplitOp);
WEIR_INFER(SliceOp);
WEIR_INFER(GatherOp);
WEIR_INFER(GatherElementsOp);
WEIR_INFER(GatherNDOp);
WEIR_INFER(ScatterNDOp);
WEIR_INFER(ScatterElementsOp);
WEIR_INFER(TopKOp);
WEIR_INFER(PadOp);
WEIR_INFER(TriluOp);
WEIR_INFER(ShapeOp);
WEIR_INFER(SizeOp);
WEIR_INFER(RangeOp);
WEIR_INFER(ConstantOfShapeOp);
WEIR_INFER(QuantizeLinearOp);
WEIR_INFER(DequantizeLinearOp);
WEIR_INFER(DynamicQuantizeLinearOp);
WEIR_INFER(MatMulIntegerOp);
#undef WEIR_INFER
} // namespace weir::onnx::detail

#endif // WEIR_LIB_DIALECT_ONNX_INFER_H
