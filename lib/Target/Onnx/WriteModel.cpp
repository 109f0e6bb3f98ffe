//===- WriteModel.cpp - From plain data to protobuf -----------------------===//

#include "Model.h"
#include "OnnxFormat.pb.h"
#include <climits>

using namespace weir::source;
namespace format = weir::format;

static void fill(format::TensorProto &proto, const Tensor &tensor) {
  proto.set_name(tensor.name);
  proto.set_data_type(static_cast<int32_t>(tensor.type));
  for (int64_t dim : tensor.dims)
    proto.add_dims(dim);
  if (tensor.bytes) {
    proto.set_raw_data(*tensor.bytes);
    return;
  }
  proto.set_data_location(format::TensorProto::EXTERNAL);
  auto add = [&](const char *key, const std::string &value) {
    format::StringStringEntryProto &entry = *proto.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  };
  add("location", tensor.external->location);
  add("offset", tensor.external->offset);
  add("length", tensor.external->length);
}

static void fill(format::AttributeProto &proto, const Attribute &attribute) {
  using Kind = Attribute::Kind;
  proto.set_name(attribute.name);
  switch (attribute.kind) {
  case Kind::Float:
    proto.set_type(format::AttributeProto::FLOAT);
    proto.set_f(attribute.f);
    break;
  case Kind::Int:
    proto.set_type(format::AttributeProto::INT);
    proto.set_i(attribute.i);
    break;
  case Kind::String:
    proto.set_type(format::AttributeProto::STRING);
    proto.set_s(attribute.s);
    break;
  case Kind::Tensor:
    proto.set_type(format::AttributeProto::TENSOR);
    fill(*proto.mutable_t(), *attribute.tensor);
    break;
  case Kind::Floats:
    proto.set_type(format::AttributeProto::FLOATS);
    for (float value : attribute.floats)
      proto.add_floats(value);
    break;
  case Kind::Ints:
    proto.set_type(format::AttributeProto::INTS);
    for (int64_t value : attribute.ints)
      proto.add_ints(value);
    break;
  case Kind::Strings:
    proto.set_type(format::AttributeProto::STRINGS);
    for (const std::string &value : attribute.strings)
      proto.add_strings(value);
    break;
  case Kind::Graph:
  case Kind::Other:
    break;
  }
}

static void fill(format::ValueInfoProto &proto, const ValueInfo &info) {
  proto.set_name(info.name);
  format::TypeProto::Tensor &type = *proto.mutable_type()->mutable_tensor_type();
  type.set_elem_type(static_cast<int32_t>(info.type));
  if (!info.shape)
    return;
  format::TensorShapeProto &shape = *type.mutable_shape();
  for (const Dim &dim : *info.shape) {
    format::TensorShapeProto::Dimension &added = *shape.add_dim();
    if (dim.size)
      added.set_dim_value(*dim.size);
    else if (!dim.symbol.empty())
      added.set_dim_param(dim.symbol);
  }
}

static void fill(format::NodeProto &proto, const Node &node) {
  proto.set_name(node.name);
  proto.set_op_type(node.op);
  proto.set_domain(node.domain);
  for (const std::string &input : node.inputs)
    proto.add_input(input);
  for (const std::string &output : node.outputs)
    proto.add_output(output);
  for (const Attribute &attribute : node.attributes)
    fill(*proto.add_attribute(), attribute);
}

static void fill(format::GraphProto &proto, const Graph &graph) {
  proto.set_name(graph.name);
  for (const ValueInfo &input : graph.inputs)
    fill(*proto.add_input(), input);
  for (const ValueInfo &output : graph.outputs)
    fill(*proto.add_output(), output);
  for (const ValueInfo &value : graph.values)
    fill(*proto.add_value_info(), value);
  for (const Tensor &tensor : graph.initializers)
    fill(*proto.add_initializer(), tensor);
  for (const Node &node : graph.nodes)
    fill(*proto.add_node(), node);
}

std::optional<std::string> weir::source::writeModel(const Model &model) {
  format::ModelProto proto;
  proto.set_ir_version(model.irVersion);
  proto.set_producer_name(model.producer);
  proto.set_producer_version(model.producerVersion);
  for (const auto &[domain, version] : model.opsets) {
    format::OperatorSetIdProto &opset = *proto.add_opset_import();
    opset.set_domain(domain);
    opset.set_version(version);
  }
  for (const auto &[key, value] : model.metadata) {
    format::StringStringEntryProto &entry = *proto.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  fill(*proto.mutable_graph(), *model.graph);
  std::string bytes;
  if (proto.ByteSizeLong() > INT_MAX || !proto.SerializeToString(&bytes))
    return std::nullopt;
  return bytes;
}
