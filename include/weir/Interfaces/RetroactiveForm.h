//===- RetroactiveForm.h - How an attention is updated by a step ----------===//

#ifndef WEIR_INTERFACES_RETROACTIVEFORM_H
#define WEIR_INTERFACES_RETROACTIVEFORM_H

#include "llvm/ADT/DenseMapInfo.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

#include "weir/Interfaces/RetroactiveForm.h.inc"

#endif // WEIR_INTERFACES_RETROACTIVEFORM_H
