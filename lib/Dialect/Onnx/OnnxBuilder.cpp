//===- OnnxBuilder.cpp - Make chains of onnx ops at one place -------------===//

#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static LogicalResult inferTypes(Operation *op) {
  SmallVector<Type> types;
  if (failed(cast<InferTypeOpInterface>(op).inferReturnTypes(
          op->getContext(), op->getLoc(), op->getOperands(),
          op->getDiscardableAttrDictionary(), op->getPropertiesStorage(),
          op->getRegions(), types)))
    return failure();
  for (auto [result, type] : llvm::zip_equal(op->getResults(), types))
    result.setType(type);
  return success();
}

SmallVector<Value> OnnxBuilder::insert(const OperationState &state) {
  Operation *op = Operation::create(state);
  if (failed(inferTypes(op))) {
    isBroken = true;
    SmallVector<Value> nothing(op->getNumResults());
    op->destroy();
    return nothing;
  }
  // A listener hears of the op only when it stays.
  builder.getInsertionBlock()->getOperations().insert(builder.getInsertionPoint(), op);
  SmallVector<Value> folded;
  if (succeeded(builder.tryFold(op, folded)) && !folded.empty()) {
    op->erase();
    return folded;
  }
  if (OpBuilder::Listener *listener = builder.getListener())
    listener->notifyOperationInserted(op, /*previous=*/{});
  return llvm::to_vector_of<Value>(op->getResults());
}

Value OnnxBuilder::none() { return NoValueOp::create(builder, location); }

Value OnnxBuilder::constant(ElementsAttr value) {
  return ConstantOp::create(builder, location, value);
}

Value OnnxBuilder::ints(ArrayRef<int64_t> values) {
  auto type =
      RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getI64Type());
  return constant(DenseElementsAttr::get(type, values));
}

Value OnnxBuilder::scalar(double value, Type element) {
  HostTensor tensor(RankedTensorType::get({}, element));
  tensor.setFloat(0, value);
  return constant(tensor.toAttr());
}

Value OnnxBuilder::reshape(Value value, ArrayRef<int64_t> shape) {
  if (!value || *getStaticShape(value) == shape)
    return value;
  // Only an empty tensor has zeros in its shape, and then they mean themselves.
  int64_t allowZero = llvm::is_contained(shape, 0);
  return make<ReshapeOp>(value, ints(shape), allowZero);
}

Value OnnxBuilder::transpose(Value value, ArrayRef<int64_t> perm) {
  if (llvm::is_sorted(perm))
    return value;
  return make<TransposeOp>(value, builder.getI64ArrayAttr(perm));
}

Value OnnxBuilder::transposeMatrix(Value value) {
  if (!value)
    return value;
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, getStaticShape(value)->size()));
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return transpose(value, perm);
}

Value OnnxBuilder::slice(Value value, int64_t axis, int64_t start, int64_t end) {
  if (!value || (start == 0 && end == (*getStaticShape(value))[axis]))
    return value;
  return make<SliceOp>(value, ints({start}), ints({end}), ints({axis}), none());
}

Value OnnxBuilder::cast(Value value, Type element) {
  if (!value || getElementType(value) == element)
    return value;
  return make<CastOp>(value, /*saturate=*/1, element);
}
