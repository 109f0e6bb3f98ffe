//===- Streams.cpp - A model's inputs, token by token ---------------------===//

#include "Streams.h"
#include "weir/Support/HostTensor.h"
#include <cstring>
#include <random>

using namespace mlir;
using namespace weir;

void FedInput::copyTokens(int64_t first, int64_t count, char *to) const {
  if (!axis) {
    std::memcpy(to, array.bytes.data(), array.bytes.size());
    return;
  }
  int64_t outer = 1, row = array.elementBytes(), length = array.shape[axis->dim];
  for (int64_t dim = 0; dim < axis->dim; ++dim)
    outer *= array.shape[dim];
  for (size_t dim = axis->dim + 1; dim < array.shape.size(); ++dim)
    row *= array.shape[dim];
  int64_t begin = std::clamp<int64_t>(first, 0, length);
  int64_t end = std::clamp<int64_t>(first + count, begin, length);
  for (int64_t i = 0; i < outer; ++i) {
    char *rows = to + i * count * row;
    std::memset(rows, 0, count * row);
    if (begin < end)
      std::memcpy(rows + (begin - first) * row,
                  array.bytes.data() + (i * length + begin) * row, (end - begin) * row);
  }
}

const FedInput &Streams::find(StringRef name) const {
  for (const FedInput &input : inputs)
    if (input.name == name)
      return input;
  llvm_unreachable("functions of a model have the model's inputs");
}

static std::vector<char> toBytes(RankedTensorType type, ArrayRef<double> values) {
  HostTensor tensor = HostTensor::fromFloats(type, values);
  return std::vector<char>(tensor.getBytes().begin(), tensor.getBytes().end());
}

Streams weir::makeRandomStreams(ArrayRef<Port> ports, const ArgumentAxes &axes,
                                int64_t numWindows) {
  Streams streams;
  streams.numWindows = numWindows;
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  size_t next = 0;
  for (const Port &port : ports) {
    if (port.kind != Port::Input)
      continue;
    std::optional<TokenAxis> axis = next < axes.size() ? axes[next] : std::nullopt;
    ++next;
    NpyArray array;
    array.dtype = getNpyType(port.type.getElementType());
    array.shape.assign(port.type.getShape().begin(), port.type.getShape().end());
    if (axis) {
      streams.tokens = axis->tokens;
      streams.chunk = axis->chunk;
      array.shape[axis->dim] += (numWindows - 1) * axis->chunk;
    }
    // Integers stay zero: an index that every table has.
    array.bytes.resize(array.numElements() * array.elementBytes());
    if (isa<FloatType>(port.type.getElementType())) {
      std::vector<double> values(array.numElements());
      for (double &value : values)
        value = normal(generator);
      array.bytes = toBytes(port.type.clone(array.shape), values);
    }
    streams.inputs.push_back({port.name, axis, std::move(array)});
  }
  return streams;
}
