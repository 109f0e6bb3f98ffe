//===- FrequencyOpInterface.cpp - What follows from frequencies of tokens -===//

#include "weir/Interfaces/FrequencyOpInterface.h"

using namespace mlir;

#include "weir/Interfaces/FrequencyOpInterface.cpp.inc"
