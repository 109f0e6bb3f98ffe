//===- Onnx.cpp - The onnx dialect ----------------------------------------===//

#include "weir/Dialect/Onnx/Onnx.h"
#include "Fold.h"
#include "Infer.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace weir::onnx;

#include "weir/Dialect/Onnx/OnnxDialect.cpp.inc"

void OnnxDialect::initialize() {
  allowUnknownOperations();
  addOperations<
#define GET_OP_LIST
#include "weir/Dialect/Onnx/OnnxOps.cpp.inc"
      >();
  addInterfaces<FoldByEvaluation>();
}

Operation *OnnxDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location loc) {
  if (isa<NoneType>(type))
    return NoValueOp::create(builder, loc);
  if (auto elements = dyn_cast<ElementsAttr>(value))
    if (elements.getType() == type)
      return ConstantOp::create(builder, loc, elements);
  return nullptr;
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }
// Text leaves the attribute out, and a constant must fold.
OpFoldResult NoValueOp::fold(FoldAdaptor) { return UnitAttr::get(getContext()); }

#define GET_OP_CLASSES
#include "weir/Dialect/Onnx/OnnxOps.cpp.inc"
