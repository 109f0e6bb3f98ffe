//===- FrequencyOpInterface.h - What follows from frequencies of tokens ---===//

#ifndef WEIR_INTERFACES_FREQUENCYOPINTERFACE_H
#define WEIR_INTERFACES_FREQUENCYOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

#include "weir/Interfaces/FrequencyOpInterface.h.inc"

#endif // WEIR_INTERFACES_FREQUENCYOPINTERFACE_H
