//===- HostTensor.h - A dense tensor's bytes in host memory ---------------===//
// Reads any ElementsAttr (dense, splat, resource) as plain row-major bytes without
// copying where it can, and makes attributes from bytes: small ones as `dense`,
// large ones as `dense_resource`, so that weights never become text.

#ifndef WEIR_SUPPORT_HOSTTENSOR_H
#define WEIR_SUPPORT_HOSTTENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include <memory>
#include <vector>

namespace weir {

/// Row-major bytes of a tensor of static shape. Booleans take one byte each, other
/// elements of `b` bits take ceil(b / 8) bytes, little endian.
class HostTensor {
public:
  /// Zero-filled.
  explicit HostTensor(mlir::RankedTensorType type);
  /// The bytes of `attr`; shares them where `attr` holds them row-major, else expands.
  /// Fails for attributes without bytes (strings, sparse, elided resources), and for
  /// splats of more than 1 GiB.
  static mlir::FailureOr<HostTensor> get(mlir::ElementsAttr attr);

  mlir::RankedTensorType getType() const { return type; }
  llvm::ArrayRef<int64_t> getShape() const { return type.getShape(); }
  int64_t getNumElements() const { return type.getNumElements(); }
  int64_t getElementBytes() const { return elementBytes(type.getElementType()); }
  llvm::ArrayRef<char> getBytes() const { return bytes; }
  /// Writable; only for a tensor that this object allocated.
  llvm::MutableArrayRef<char> getMutableBytes();

  /// The element as the widest type of its kind; exact for all but 64-bit unsigned.
  double getFloat(int64_t index) const;
  int64_t getInt(int64_t index) const;
  void setFloat(int64_t index, double value);
  void setInt(int64_t index, int64_t value);

  /// All elements at once; unsigned 64-bit ones wrap.
  std::vector<double> getFloats() const;
  std::vector<int64_t> getInts() const;
  /// Values round to the nearest, ties to even; integers wrap around.
  static HostTensor fromFloats(mlir::RankedTensorType type,
                               llvm::ArrayRef<double> values);
  static HostTensor fromInts(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> values);

  /// The same bytes as a tensor of another type with as many bytes.
  HostTensor reinterpret(mlir::RankedTensorType other) const;

  /// `dense<...>` up to 256 bytes (or when all elements are equal), else
  /// `dense_resource<name...>` that owns the bytes.
  mlir::ElementsAttr toAttr(llvm::StringRef name = "weir") const;

  /// Bytes of one element in memory; 0 for types that have none (strings, ...).
  static int64_t elementBytes(mlir::Type elementType);

private:
  HostTensor(mlir::RankedTensorType type, llvm::ArrayRef<char> shared)
      : type(type), bytes(shared) {}
  mlir::RankedTensorType type;
  std::shared_ptr<std::vector<char>> owned;
  llvm::ArrayRef<char> bytes;
};

/// `dense<...>` up to 256 bytes (or when all elements are equal), else a
/// `dense_resource<name...>` that shares the bytes and keeps `owner` alive, or owns a
/// copy when there is no owner.
mlir::ElementsAttr makeElements(mlir::RankedTensorType type, llvm::ArrayRef<char> bytes,
                                std::shared_ptr<const void> owner, llvm::StringRef name);

/// The value of a constant op's result as an attribute, or null.
mlir::ElementsAttr getConstantElements(mlir::Value value);

/// The number of a constant that holds one entry, or is stored as one for all.
std::optional<double> getSplatNumber(mlir::Value value);

/// All elements of a constant integer tensor of rank 0 or 1; nullopt when `value` is
/// no such constant.
std::optional<llvm::SmallVector<int64_t>> getConstantInts(mlir::Value value);

} // namespace weir

#endif // WEIR_SUPPORT_HOSTTENSOR_H
