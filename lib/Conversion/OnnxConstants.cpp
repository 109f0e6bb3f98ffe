//===- OnnxConstants.cpp - Give constants a place in memory ---------------===//
// onnx.Constant dense_resource<w> : tensor<512x512xf32>
//   ==>  memref.global @weight0 : memref<512x512xf32> {weir.value = dense_resource<w>}
// Large ones become external globals, whose bytes the linker or JIT supplies: weights
// never pass through LLVM IR. Small ones are `arith.constant`, splats are filled.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"

namespace weir {
#define GEN_PASS_DEF_CONVERTONNXCONSTANTS
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;

namespace {
struct ConvertOnnxConstants : weir::impl::ConvertOnnxConstantsBase<ConvertOnnxConstants> {
  using ConvertOnnxConstantsBase::ConvertOnnxConstantsBase;
  void runOnOperation() override;
  FailureOr<Value> lower(onnx::ConstantOp op, OpBuilder &b);
  memref::GlobalOp getGlobal(ElementsAttr value, RankedTensorType type, Location loc);

  DenseMap<Attribute, memref::GlobalOp> globals;
};
} // namespace

memref::GlobalOp ConvertOnnxConstants::getGlobal(ElementsAttr value,
                                                 RankedTensorType type, Location loc) {
  memref::GlobalOp &global = globals[value];
  if (global)
    return global;
  OpBuilder b = OpBuilder::atBlockBegin(getOperation().getBody());
  std::string name = ("weight" + Twine(globals.size() - 1)).str();
  auto memref = MemRefType::get(type.getShape(), type.getElementType());
  // No initial value and no visibility: external. A private one would be undefined,
  // and LLVM would fold the model away.
  global = memref::GlobalOp::create(b, loc, name, /*sym_visibility=*/StringAttr(), memref,
                                    /*initial_value=*/Attribute(), /*constant=*/true,
                                    /*alignment=*/IntegerAttr());
  global->setAttr("weir.value", value);
  return global;
}

FailureOr<Value> ConvertOnnxConstants::lower(onnx::ConstantOp op, OpBuilder &b) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getOutput().getType());
  FailureOr<HostTensor> tensor = HostTensor::get(op.getValue());
  if (failed(tensor))
    return op.emitError("holds no bytes: ") << type;
  int64_t bytes = tensor->getBytes().size();
  if (bytes > inlineBytes) {
    if (auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
        dense && dense.isSplat()) {
      Value scalar = arith::ConstantOp::create(b, loc, dense.getSplatValue<TypedAttr>());
      Value empty =
          tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
      return linalg::FillOp::create(b, loc, ValueRange{scalar}, ValueRange{empty})
          .getResult(0);
    }
    memref::GlobalOp global = getGlobal(op.getValue(), type, loc);
    Value address =
        memref::GetGlobalOp::create(b, loc, global.getType(), global.getSymName());
    return bufferization::ToTensorOp::create(b, loc, type, address, /*restrict=*/true,
                                             /*writable=*/false)
        .getResult();
  }
  auto value = DenseElementsAttr::getFromRawBuffer(type, tensor->getBytes());
  return arith::ConstantOp::create(b, loc, value).getResult();
}

void ConvertOnnxConstants::runOnOperation() {
  globals.clear();
  SmallVector<onnx::ConstantOp> constants;
  getOperation().walk([&](onnx::ConstantOp op) { constants.push_back(op); });
  for (onnx::ConstantOp op : constants) {
    if (!op->use_empty()) {
      OpBuilder b(op);
      FailureOr<Value> value = lower(op, b);
      if (failed(value))
        return signalPassFailure();
      op.getOutput().replaceAllUsesWith(*value);
    }
    op.erase();
  }
}
