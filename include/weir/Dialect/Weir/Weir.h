//===- Weir.h - The weir dialect: explicit state of a step ----------------===//

#ifndef WEIR_DIALECT_WEIR_WEIR_H
#define WEIR_DIALECT_WEIR_WEIR_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "weir/Interfaces/Enums.h"
#include "weir/Interfaces/FrequencyOpInterface.h"
#include "weir/Interfaces/TokenAxis.h"
#include "weir/Interfaces/TokenFlowOpInterface.h"

#include "weir/Dialect/Weir/WeirDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "weir/Dialect/Weir/WeirAttrs.h.inc"
#define GET_OP_CLASSES
#include "weir/Dialect/Weir/WeirOps.h.inc"

#endif // WEIR_DIALECT_WEIR_WEIR_H
