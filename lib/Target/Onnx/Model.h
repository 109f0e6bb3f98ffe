//===- Model.h - An ONNX file as plain data -------------------------------===//
// The border to protobuf: ReadModel.cpp fills these structs and the importer reads them,
// the exporter fills them and WriteModel.cpp reads them. Neither side sees the other's
// headers. All tensor encodings arrive, and leave, as bytes.

#ifndef WEIR_LIB_TARGET_ONNX_MODEL_H
#define WEIR_LIB_TARGET_ONNX_MODEL_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::source {

/// TensorProto.DataType; values that are not listed are possible.
enum class DataType : int32_t {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  UInt2 = 25,
  Int2 = 26,
  Float6E2M3 = 27,
  Float6E3M2 = 28
};

struct ExternalData {
  std::string location;
  std::string offset, length; // decimal, empty if absent
};

struct Tensor {
  std::string name;
  DataType type = DataType::Undefined;
  std::vector<int64_t> dims;
  /// Row-major, little endian, elements under 8 bits packed.
  std::shared_ptr<const std::string> bytes;
  std::optional<ExternalData> external;
};

struct Graph;

struct Attribute {
  enum class Kind { Float, Int, String, Tensor, Floats, Ints, Strings, Graph, Other };
  std::string name;
  Kind kind = Kind::Other;
  std::string reference; // of the enclosing function's attribute, or empty
  float f = 0;
  int64_t i = 0;
  std::string s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  std::shared_ptr<Tensor> tensor;
  std::shared_ptr<Graph> graph;
};

struct Node {
  std::string name, op, domain, overload;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> attributes;
};

struct Dim {
  std::optional<int64_t> size;
  std::string symbol;
};

struct ValueInfo {
  enum class Kind { None, Tensor, Sequence, Map, Optional, SparseTensor, Opaque };
  std::string name;
  Kind kind = Kind::None;
  DataType type = DataType::Undefined;
  std::optional<std::vector<Dim>> shape;
};

struct Graph {
  std::string name;
  std::vector<ValueInfo> inputs, outputs, values;
  std::vector<Tensor> initializers;
  std::vector<std::string> sparseInitializers;
  std::vector<Node> nodes;
};

using Opsets = std::vector<std::pair<std::string, int64_t>>;

struct Function {
  std::string name, domain, overload;
  std::vector<std::string> inputs, outputs;
  std::vector<Attribute> defaults;
  std::vector<Node> nodes;
  Opsets opsets;
};

struct Model {
  int64_t irVersion = 0;
  Opsets opsets;
  std::optional<Graph> graph;
  std::vector<Function> functions;
  std::string producer, producerVersion;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// The bytes of an ONNX file; empty when they are more than protobuf holds. Writes no
/// functions, and attributes of numbers, strings and tensors only.
std::optional<std::string> writeModel(const Model &model);

/// Parses the bytes of an ONNX file; empty when they are none.
std::optional<Model> readModel(const char *data, size_t size);

} // namespace weir::source

#endif // WEIR_LIB_TARGET_ONNX_MODEL_H
