//===- ElementTypes.cpp - ONNX's element types and MLIR's -----------------===//

#include "ElementTypes.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace weir;
using source::DataType;

template <typename FloatT>
static Type makeFloat(MLIRContext *context) {
  return FloatT::get(context);
}
template <typename FloatT>
static Type makeComplex(MLIRContext *context) {
  return ComplexType::get(FloatT::get(context));
}
template <unsigned bits, IntegerType::SignednessSemantics sign = IntegerType::Signless>
static Type makeInt(MLIRContext *context) {
  return IntegerType::get(context, bits, sign);
}

namespace {
struct Row {
  const char *name;
  unsigned storedBits;
  Type (*make)(MLIRContext *);
};
} // namespace

/// In the order of TensorProto.DataType.
static const Row table[] = {
    {"UNDEFINED", 0, nullptr},
    {"FLOAT", 32, makeFloat<Float32Type>},
    {"UINT8", 8, makeInt<8, IntegerType::Unsigned>},
    {"INT8", 8, makeInt<8>},
    {"UINT16", 16, makeInt<16, IntegerType::Unsigned>},
    {"INT16", 16, makeInt<16>},
    {"INT32", 32, makeInt<32>},
    {"INT64", 64, makeInt<64>},
    {"STRING", 0, nullptr},
    {"BOOL", 8, makeInt<1>},
    {"FLOAT16", 16, makeFloat<Float16Type>},
    {"DOUBLE", 64, makeFloat<Float64Type>},
    {"UINT32", 32, makeInt<32, IntegerType::Unsigned>},
    {"UINT64", 64, makeInt<64, IntegerType::Unsigned>},
    {"COMPLEX64", 64, makeComplex<Float32Type>},
    {"COMPLEX128", 128, makeComplex<Float64Type>},
    {"BFLOAT16", 16, makeFloat<BFloat16Type>},
    {"FLOAT8E4M3FN", 8, makeFloat<Float8E4M3FNType>},
    {"FLOAT8E4M3FNUZ", 8, makeFloat<Float8E4M3FNUZType>},
    {"FLOAT8E5M2", 8, makeFloat<Float8E5M2Type>},
    {"FLOAT8E5M2FNUZ", 8, makeFloat<Float8E5M2FNUZType>},
    {"UINT4", 4, makeInt<4, IntegerType::Unsigned>},
    {"INT4", 4, makeInt<4>},
    {"FLOAT4E2M1", 4, makeFloat<Float4E2M1FNType>},
    {"FLOAT8E8M0", 8, makeFloat<Float8E8M0FNUType>},
    {"UINT2", 2, makeInt<2, IntegerType::Unsigned>},
    {"INT2", 2, makeInt<2>},
    // Packed otherwise in typed fields than in raw bytes; no encoder needs them.
    {"FLOAT6E2M3", 6, nullptr},
    {"FLOAT6E3M2", 6, nullptr},
};

static const Row *findRow(DataType type) {
  auto index = static_cast<int64_t>(type);
  return index >= 0 && index < static_cast<int64_t>(std::size(table)) ? &table[index]
                                                                      : nullptr;
}

std::optional<ElementType> weir::toElementType(DataType type, MLIRContext *context) {
  const Row *row = findRow(type);
  if (!row || !row->make)
    return std::nullopt;
  return ElementType{row->make(context), row->storedBits};
}

DataType weir::toDataType(Type type) {
  for (auto [index, row] : llvm::enumerate(table))
    if (row.make && row.make(type.getContext()) == type)
      return static_cast<DataType>(index);
  return DataType::Undefined;
}

std::string weir::nameOf(DataType type) {
  if (const Row *row = findRow(type))
    return row->name;
  return "number " + std::to_string(static_cast<int64_t>(type));
}
