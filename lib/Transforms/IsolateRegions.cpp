//===- IsolateRegions.cpp - Bring constants into the bodies that read them ===//
// %c = arith.constant ..; linalg.generic { .. %c .. }  ==>  linalg.generic { %c = ..; ..
// } Rows of an op are computed by a clone of it, made from its operands alone. Constants
// that canonicalizers moved out of bodies go back.

#include "weir/Transforms/IsolateRegions.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace weir;

/// Is `value` a constant, or computed from constants alone?
static bool followsFromConstants(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() != 0 || !isPure(op))
    return false;
  return matchPattern(value, m_Constant()) ||
         (op->getNumOperands() > 0 &&
          llvm::all_of(op->getOperands(), followsFromConstants));
}

/// Clones what computes `value`, operands first.
static void cloneInto(OpBuilder &builder, Value value, IRMapping &mapping) {
  if (mapping.contains(value))
    return;
  for (Value operand : value.getDefiningOp()->getOperands())
    cloneInto(builder, operand, mapping);
  builder.clone(*value.getDefiningOp(), mapping);
}

static LogicalResult isolate(Operation &op, Region &region) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(region, captured);
  OpBuilder builder = OpBuilder::atBlockBegin(&region.front());
  IRMapping mapping;
  for (Value value : captured) {
    if (!followsFromConstants(value)) {
      InFlightDiagnostic error =
          op.emitOpError("has a body that reads a value from outside of it");
      error.attachNote(value.getLoc()) << "help: make this value an operand of the op";
      return error;
    }
    cloneInto(builder, value, mapping);
    replaceAllUsesInRegionWith(value, mapping.lookup(value), region);
  }
  return success();
}

LogicalResult weir::isolateRegions(func::FuncOp function) {
  for (Operation &op : function.getBody().front())
    for (Region &region : op.getRegions())
      if (!region.empty() && failed(isolate(op, region)))
        return failure();
  return success();
}
