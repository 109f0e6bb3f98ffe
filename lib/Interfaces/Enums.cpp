//===- Enums.cpp - Choices that analyses and ops share ----------------------===//

#include "weir/Interfaces/Enums.h"
#include "llvm/ADT/StringSwitch.h"

#include "weir/Interfaces/Enums.cpp.inc"
