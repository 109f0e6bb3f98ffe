//===- Enums.h - Choices that analyses and ops share ------------------------===//

#ifndef WEIR_INTERFACES_ENUMS_H
#define WEIR_INTERFACES_ENUMS_H

#include "llvm/ADT/DenseMapInfo.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>

#include "weir/Interfaces/Enums.h.inc"

#endif // WEIR_INTERFACES_ENUMS_H
