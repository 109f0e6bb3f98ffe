//===- ProgramDigest.h - A hash of what a program computes ----------------===//

#ifndef WEIR_SUPPORT_PROGRAMDIGEST_H
#define WEIR_SUPPORT_PROGRAMDIGEST_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/SHA256.h"
#include <string>

namespace weir {

/// SHA-256 of operators, attributes, types and the bytes of constants; not of names of
/// files or places in them. Every piece is preceded by its length, so that no two
/// programs read alike.
class ProgramDigest {
public:
  void add(mlir::Operation *op);
  void add(mlir::Type type);
  void add(llvm::StringRef text);
  void add(uint64_t number) { add(std::to_string(number)); }
  /// In hexadecimal. Nothing can be added after it.
  std::string finish();

private:
  void add(mlir::Attribute attribute);
  unsigned numberOf(mlir::Value value) {
    return numbers.try_emplace(value, numbers.size()).first->second;
  }

  llvm::SHA256 hash;
  llvm::DenseMap<mlir::Value, unsigned> numbers;
};

} // namespace weir

#endif // WEIR_SUPPORT_PROGRAMDIGEST_H
