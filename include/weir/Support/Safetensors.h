//===- Safetensors.h - Files of named tensors -----------------------------===//

#ifndef WEIR_SUPPORT_SAFETENSORS_H
#define WEIR_SUPPORT_SAFETENSORS_H

#include "weir/Support/Npy.h"

namespace weir {

/// Tensors of a file in the safetensors format, by name in rising order.
llvm::Expected<NamedArrays> parseSafetensors(llvm::StringRef content);

/// Reads FILE.npz or FILE.safetensors, whichever the path's ending says.
llvm::Expected<NamedArrays> readNamedArrays(llvm::StringRef path);

} // namespace weir

#endif // WEIR_SUPPORT_SAFETENSORS_H
