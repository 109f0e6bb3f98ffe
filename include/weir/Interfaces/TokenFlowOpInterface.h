//===- TokenFlowOpInterface.h - How an op carries tokens ------------------===//

#ifndef WEIR_INTERFACES_TOKENFLOWOPINTERFACE_H
#define WEIR_INTERFACES_TOKENFLOWOPINTERFACE_H

#include "mlir/IR/OpDefinition.h"
#include "weir/Interfaces/TokenFlow.h"

#include "weir/Interfaces/TokenFlowOpInterface.h.inc"

#endif // WEIR_INTERFACES_TOKENFLOWOPINTERFACE_H
