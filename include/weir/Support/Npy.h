//===- Npy.h - NumPy's array files ----------------------------------------===//
// .npy: a header with dtype and shape, then the elements. .npz: a zip of .npy files.

#ifndef WEIR_SUPPORT_NPY_H
#define WEIR_SUPPORT_NPY_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace weir {

/// An array in row-major order and host byte order. `dtype` is NumPy's kind and size:
/// `f4`, `i8`, `u1`, `b1`; bfloat16, which NumPy does not know, is `V2`.
struct NpyArray {
  std::string dtype;
  std::vector<int64_t> shape;
  std::vector<char> bytes;

  int64_t numElements() const;
  int64_t elementBytes() const;
  /// The element as a number; exact for all but integers of 64 bits.
  double getElement(int64_t index) const;
};

/// NumPy's kind and size of an element type, "" where it has none.
std::string getNpyType(mlir::Type element);
/// `f4` as `float32`.
std::string getNpyName(llvm::StringRef dtype);

llvm::Expected<NpyArray> parseNpy(llvm::StringRef content);
llvm::Expected<NpyArray> readNpy(llvm::StringRef path);
std::string formatNpy(const NpyArray &array);

/// Arrays by name, in the order of the file.
using NamedArrays = std::vector<std::pair<std::string, NpyArray>>;

/// Entries of a zip that end with .npy, named without that.
llvm::Expected<NamedArrays> readNpz(llvm::StringRef path);

/// Writes arrays by name to a temporary file beside `path`, then renames it: `path` is
/// never half written.
llvm::Error writeNpz(llvm::StringRef path,
                     llvm::ArrayRef<std::pair<std::string, NpyArray>> arrays);

} // namespace weir

#endif // WEIR_SUPPORT_NPY_H
