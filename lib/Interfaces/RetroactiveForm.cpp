//===- RetroactiveForm.cpp - How an attention is updated by a step --------===//

#include "weir/Interfaces/RetroactiveForm.h"
#include "llvm/ADT/StringSwitch.h"

#include "weir/Interfaces/RetroactiveForm.cpp.inc"
