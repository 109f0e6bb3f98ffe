//===- ReadModel.cpp - From protobuf to plain data ------------------------===//
// The only file that includes protobuf. Tensor data that the file keeps in typed
// fields becomes bytes here, so that the importer knows one encoding.

#include "Model.h"
#include "OnnxFormat.pb.h"
#include <climits>
#include <cstring>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace weir::source;
namespace format = weir::format;

/// Nested messages deeper than this are an attack, not a model.
static constexpr int maxNesting = 64;

template <typename Container>
static std::vector<std::string> toStrings(const Container &strings) {
  return {strings.begin(), strings.end()};
}

/// Appends each value as a little-endian `Stored`.
template <typename Stored, typename Container>
static void append(std::string &bytes, const Container &values) {
  bytes.reserve(values.size() * sizeof(Stored));
  for (auto value : values) {
    Stored stored = static_cast<Stored>(value);
    bytes.append(reinterpret_cast<const char *>(&stored), sizeof stored);
  }
}

/// The bytes of a tensor that stores its data in the field for its type.
static std::string typedBytes(const format::TensorProto &proto, DataType type) {
  std::string bytes;
  switch (type) {
  case DataType::Float:
  case DataType::Complex64:
    append<float>(bytes, proto.float_data());
    break;
  case DataType::Double:
  case DataType::Complex128:
    append<double>(bytes, proto.double_data());
    break;
  case DataType::Int64:
    append<int64_t>(bytes, proto.int64_data());
    break;
  case DataType::UInt64:
    append<uint64_t>(bytes, proto.uint64_data());
    break;
  case DataType::UInt32:
    append<uint32_t>(bytes, proto.uint64_data());
    break;
  case DataType::Int32:
    append<int32_t>(bytes, proto.int32_data());
    break;
  case DataType::Int16:
  case DataType::UInt16:
  case DataType::Float16:
  case DataType::BFloat16:
    append<uint16_t>(bytes, proto.int32_data());
    break;
  default: // 8 bits, or several elements packed into 8 bits
    append<uint8_t>(bytes, proto.int32_data());
  }
  return bytes;
}

static Tensor toTensor(format::TensorProto &proto) {
  Tensor tensor;
  tensor.name = proto.name();
  tensor.type = static_cast<DataType>(proto.data_type());
  tensor.dims.assign(proto.dims().begin(), proto.dims().end());
  if (proto.data_location() == format::TensorProto::EXTERNAL) {
    ExternalData &external = tensor.external.emplace();
    for (const format::StringStringEntryProto &entry : proto.external_data()) {
      if (entry.key() == "location")
        external.location = entry.value();
      else if (entry.key() == "offset")
        external.offset = entry.value();
      else if (entry.key() == "length")
        external.length = entry.value();
    }
    return tensor;
  }
  // Taking the string over saves a second copy of the weights.
  tensor.bytes = proto.has_raw_data()
                     ? std::make_shared<std::string>(std::move(*proto.mutable_raw_data()))
                     : std::make_shared<std::string>(typedBytes(proto, tensor.type));
  return tensor;
}

static Graph toGraph(format::GraphProto &proto);

/// Before IR version 3 attributes had no type: the field that is set tells.
static Attribute::Kind kindOf(const format::AttributeProto &proto) {
  using Kind = Attribute::Kind;
  switch (proto.type()) {
  case format::AttributeProto::FLOAT:
    return Kind::Float;
  case format::AttributeProto::INT:
    return Kind::Int;
  case format::AttributeProto::STRING:
    return Kind::String;
  case format::AttributeProto::TENSOR:
    return Kind::Tensor;
  case format::AttributeProto::GRAPH:
    return Kind::Graph;
  case format::AttributeProto::FLOATS:
    return Kind::Floats;
  case format::AttributeProto::INTS:
    return Kind::Ints;
  case format::AttributeProto::STRINGS:
    return Kind::Strings;
  case format::AttributeProto::UNDEFINED:
    return proto.has_f()          ? Kind::Float
           : proto.has_i()        ? Kind::Int
           : proto.has_s()        ? Kind::String
           : proto.has_t()        ? Kind::Tensor
           : proto.has_g()        ? Kind::Graph
           : proto.floats_size()  ? Kind::Floats
           : proto.ints_size()    ? Kind::Ints
           : proto.strings_size() ? Kind::Strings
                                  : Kind::Other;
  default:
    return Kind::Other;
  }
}

static Attribute toAttribute(format::AttributeProto &proto) {
  Attribute attribute;
  attribute.name = proto.name();
  attribute.reference = proto.ref_attr_name();
  attribute.kind = kindOf(proto);
  attribute.f = proto.f();
  attribute.i = proto.i();
  attribute.s = proto.s();
  attribute.floats.assign(proto.floats().begin(), proto.floats().end());
  attribute.ints.assign(proto.ints().begin(), proto.ints().end());
  attribute.strings = toStrings(proto.strings());
  if (attribute.kind == Attribute::Kind::Tensor)
    attribute.tensor = std::make_shared<Tensor>(toTensor(*proto.mutable_t()));
  if (attribute.kind == Attribute::Kind::Graph)
    attribute.graph = std::make_shared<Graph>(toGraph(*proto.mutable_g()));
  return attribute;
}

/// The default domain has two spellings; ours is the empty one.
static std::string toDomain(const std::string &domain) {
  return domain == "ai.onnx" ? "" : domain;
}

static Node toNode(format::NodeProto &proto) {
  Node node;
  node.name = proto.name();
  node.op = proto.op_type();
  node.domain = toDomain(proto.domain());
  node.overload = proto.overload();
  node.inputs = toStrings(proto.input());
  node.outputs = toStrings(proto.output());
  for (format::AttributeProto &attribute : *proto.mutable_attribute())
    node.attributes.push_back(toAttribute(attribute));
  return node;
}

static std::optional<std::vector<Dim>> toShape(const format::TypeProto::Tensor &proto) {
  if (!proto.has_shape())
    return std::nullopt;
  std::vector<Dim> shape;
  for (const format::TensorShapeProto::Dimension &dim : proto.shape().dim()) {
    Dim &added = shape.emplace_back();
    if (dim.has_dim_value())
      added.size = dim.dim_value();
    added.symbol = dim.dim_param();
  }
  return shape;
}

static ValueInfo toValueInfo(const format::ValueInfoProto &proto) {
  ValueInfo info;
  info.name = proto.name();
  using Kind = ValueInfo::Kind;
  switch (proto.type().value_case()) {
  case format::TypeProto::kTensorType:
    info.kind = Kind::Tensor;
    info.type = static_cast<DataType>(proto.type().tensor_type().elem_type());
    info.shape = toShape(proto.type().tensor_type());
    break;
  case format::TypeProto::kSequenceType:
    info.kind = Kind::Sequence;
    break;
  case format::TypeProto::kMapType:
    info.kind = Kind::Map;
    break;
  case format::TypeProto::kOptionalType:
    info.kind = Kind::Optional;
    break;
  case format::TypeProto::kSparseTensorType:
    info.kind = Kind::SparseTensor;
    break;
  case format::TypeProto::kOpaqueType:
    info.kind = Kind::Opaque;
    break;
  case format::TypeProto::VALUE_NOT_SET:
    break;
  }
  return info;
}

static Graph toGraph(format::GraphProto &proto) {
  Graph graph;
  graph.name = proto.name();
  for (const format::ValueInfoProto &input : proto.input())
    graph.inputs.push_back(toValueInfo(input));
  for (const format::ValueInfoProto &output : proto.output())
    graph.outputs.push_back(toValueInfo(output));
  for (const format::ValueInfoProto &value : proto.value_info())
    graph.values.push_back(toValueInfo(value));
  for (format::TensorProto &tensor : *proto.mutable_initializer())
    graph.initializers.push_back(toTensor(tensor));
  for (const format::SparseTensorProto &sparse : proto.sparse_initializer())
    graph.sparseInitializers.push_back(sparse.values().name());
  for (format::NodeProto &node : *proto.mutable_node())
    graph.nodes.push_back(toNode(node));
  return graph;
}

template <typename Container>
static Opsets toOpsets(const Container &protos) {
  Opsets opsets;
  for (const format::OperatorSetIdProto &proto : protos)
    opsets.emplace_back(toDomain(proto.domain()), proto.version());
  return opsets;
}

static Function toFunction(format::FunctionProto &proto) {
  Function function;
  function.name = proto.name();
  function.domain = toDomain(proto.domain());
  function.overload = proto.overload();
  function.inputs = toStrings(proto.input());
  function.outputs = toStrings(proto.output());
  for (format::AttributeProto &attribute : *proto.mutable_attribute_proto())
    function.defaults.push_back(toAttribute(attribute));
  for (format::NodeProto &node : *proto.mutable_node())
    function.nodes.push_back(toNode(node));
  function.opsets = toOpsets(proto.opset_import());
  return function;
}

std::optional<Model> weir::source::readModel(const char *data, size_t size) {
  if (size > INT_MAX)
    return std::nullopt;
  google::protobuf::io::ArrayInputStream bytes(data, static_cast<int>(size));
  google::protobuf::io::CodedInputStream stream(&bytes);
  stream.SetRecursionLimit(maxNesting);
  format::ModelProto proto;
  if (!proto.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return std::nullopt;
  Model model;
  model.irVersion = proto.ir_version();
  model.opsets = toOpsets(proto.opset_import());
  model.producer = proto.producer_name();
  model.producerVersion = proto.producer_version();
  for (const format::StringStringEntryProto &entry : proto.metadata_props())
    model.metadata.emplace_back(entry.key(), entry.value());
  if (proto.has_graph())
    model.graph = toGraph(*proto.mutable_graph());
  for (format::FunctionProto &function : *proto.mutable_functions())
    model.functions.push_back(toFunction(function));
  return model;
}
