//===- Streams.cpp - A model's inputs from files --------------------------===//

#include "Streams.h"
#include "mlir/IR/Diagnostics.h"
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/StringMap.h"
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

namespace {
/// Reads and checks the arrays of one run.
class StreamLoader {
public:
  StreamLoader(const RunOptions &options, std::optional<int64_t> firstTokens,
               Location location)
      : options(options), firstTokens(firstTokens), location(location) {}
  FailureOr<Streams> load(ArrayRef<Port> ports, const ArgumentAxes &axes);

private:
  LogicalResult splitNames(ArrayRef<std::string> pairs, ArrayRef<Port> ports,
                           llvm::StringMap<std::string> &files);
  LogicalResult checkNames(ArrayRef<Port> ports);
  LogicalResult convert(NpyArray &array, const Port &port);
  LogicalResult checkShape(const NpyArray &array, const Port &port,
                           const std::optional<TokenAxis> &axis);
  LogicalResult place(Streams &streams);

  const RunOptions &options;
  std::optional<int64_t> firstTokens;
  Location location;
  llvm::StringMap<std::string> streamFiles, staticFiles;
};
} // namespace

static std::vector<char> toBytes(RankedTensorType type, ArrayRef<double> values) {
  HostTensor tensor = HostTensor::fromFloats(type, values);
  return std::vector<char>(tensor.getBytes().begin(), tensor.getBytes().end());
}

static std::string formatShape(ArrayRef<int64_t> shape) {
  return ("[" +
          llvm::join(
              llvm::map_range(shape, [](int64_t size) { return std::to_string(size); }),
              ", ") +
          "]");
}

/// NAME=FILE of which either may hold a "=": cut where NAME is an input, else at the
/// first.
static std::pair<StringRef, StringRef> splitName(StringRef pair, ArrayRef<Port> ports) {
  for (size_t at = pair.find('='); at != StringRef::npos; at = pair.find('=', at + 1))
    for (const Port &port : ports)
      if (port.kind == Port::Input && port.name == pair.take_front(at))
        return {pair.take_front(at), pair.drop_front(at + 1)};
  return pair.split('=');
}

LogicalResult StreamLoader::splitNames(ArrayRef<std::string> pairs, ArrayRef<Port> ports,
                                       llvm::StringMap<std::string> &files) {
  for (StringRef pair : pairs) {
    auto [name, file] = splitName(pair, ports);
    if (file.empty())
      return emitError(location) << "'" << pair << "' is not NAME=FILE.npy";
    if (!files.try_emplace(name, file.str()).second)
      return emitError(location) << "input '" << name << "' is given twice";
  }
  return success();
}

LogicalResult StreamLoader::checkNames(ArrayRef<Port> ports) {
  for (auto *files : {&streamFiles, &staticFiles})
    for (const auto &entry : *files) {
      bool known = llvm::any_of(ports, [&](const Port &port) {
        return port.kind == Port::Input && port.name == entry.first();
      });
      if (known)
        continue;
      InFlightDiagnostic error = emitError(location);
      error << "the model has no input '" << entry.first() << "'";
      std::string names;
      for (const Port &port : ports)
        if (port.kind == Port::Input)
          names += (names.empty() ? "" : ", ") + port.name;
      error.attachNote() << "its inputs are: " << names;
      return error;
    }
  return success();
}

static bool isFloat(StringRef dtype) { return dtype.starts_with("f") || dtype == "V2"; }

/// Any float is taken for another one: NumPy writes float64 by default, and knows no
/// bfloat16.
LogicalResult StreamLoader::convert(NpyArray &array, const Port &port) {
  Type element = port.type.getElementType();
  std::string wanted = getNpyType(element);
  if (array.dtype == wanted)
    return success();
  if (!isFloat(array.dtype) || !isFloat(wanted)) {
    InFlightDiagnostic error = emitError(location);
    error << "input '" << port.name << "' is " << getNpyName(wanted)
          << ", but its file holds " << getNpyName(array.dtype);
    error.attachNote() << "help: convert it with numpy's astype('" << getNpyName(wanted)
                       << "')";
    return error;
  }
  emitWarning(location) << "input '" << port.name << "': " << getNpyName(array.dtype)
                        << " values are converted to " << getNpyName(wanted);
  std::vector<double> values(array.numElements());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = array.getElement(i);
  array.bytes = toBytes(RankedTensorType::get(array.shape, element), values);
  array.dtype = wanted;
  return success();
}

LogicalResult StreamLoader::checkShape(const NpyArray &array, const Port &port,
                                       const std::optional<TokenAxis> &axis) {
  ArrayRef<int64_t> wanted = port.type.getShape();
  bool fits = array.shape.size() == wanted.size();
  for (size_t dim = 0; fits && dim < wanted.size(); ++dim)
    fits = (axis && static_cast<int64_t>(dim) == axis->dim) ||
           array.shape[dim] == wanted[dim];
  if (fits)
    return success();
  InFlightDiagnostic error = emitError(location);
  error << "input '" << port.name << "' has shape " << formatShape(wanted)
        << ", but its file holds " << formatShape(array.shape);
  if (axis)
    error.attachNote() << "only axis " << axis->dim << ", the tokens, may be longer";
  return error;
}

/// How many windows fit on the streams, which are equally long.
LogicalResult StreamLoader::place(Streams &streams) {
  int64_t length = -1;
  for (const FedInput &input : streams.inputs) {
    if (!input.axis)
      continue;
    int64_t own = input.array.shape[input.axis->dim];
    if (length >= 0 && own != length)
      return emitError(location) << "the streams are of " << length << " and " << own
                                 << " tokens; all must be equally long";
    length = own;
    streams.tokens = input.axis->tokens;
    streams.chunk = input.axis->chunk;
    int64_t needed = firstTokens.value_or(streams.tokens);
    if (own < needed)
      return emitError(location)
             << "input '" << input.name << "' holds " << own << " tokens, but a "
             << (needed < streams.tokens ? "step" : "window") << " takes " << needed;
  }
  streams.numWindows =
      length < 0 ? 1
                 : (length - firstTokens.value_or(streams.tokens)) / streams.chunk + 1;
  return success();
}

FailureOr<Streams> StreamLoader::load(ArrayRef<Port> ports, const ArgumentAxes &axes) {
  if (failed(splitNames(options.streams, ports, streamFiles)) ||
      failed(splitNames(options.statics, ports, staticFiles)) ||
      failed(checkNames(ports)))
    return failure();
  Streams streams;
  size_t next = 0;
  for (const Port &port : ports) {
    if (port.kind != Port::Input)
      continue;
    std::optional<TokenAxis> axis = next < axes.size() ? axes[next] : std::nullopt;
    ++next;
    auto &files = axis ? streamFiles : staticFiles;
    auto &others = axis ? staticFiles : streamFiles;
    auto found = files.find(port.name);
    if (found == files.end()) {
      InFlightDiagnostic error = emitError(location);
      const char *option = axis ? "--stream" : "--static";
      if (others.contains(port.name))
        error << "input '" << port.name << "' "
              << (axis ? "has a token axis" : "has no token axis") << "; give it with "
              << option;
      else
        error << "no values for input '" << port.name << "'; give " << option << " "
              << port.name << "=FILE.npy";
      return error;
    }
    llvm::Expected<NpyArray> array = readNpy(found->second);
    if (!array)
      return emitError(location) << "input '" << port.name << "' is "
                                 << getNpyName(getNpyType(port.type.getElementType()))
                                 << ", but " << llvm::toString(array.takeError());
    if (failed(convert(*array, port)) || failed(checkShape(*array, port, axis)))
      return failure();
    streams.inputs.push_back({port.name, axis, std::move(*array)});
  }
  if (failed(place(streams)))
    return failure();
  return streams;
}

FailureOr<Streams> weir::loadStreams(const RunOptions &options, ArrayRef<Port> ports,
                                     const ArgumentAxes &axes,
                                     std::optional<int64_t> firstTokens,
                                     Location location) {
  return StreamLoader(options, firstTokens, location).load(ports, axes);
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
    if (isFloat(array.dtype)) {
      std::vector<double> values(array.numElements());
      for (double &value : values)
        value = normal(generator);
      array.bytes = toBytes(port.type.clone(array.shape), values);
    }
    streams.inputs.push_back({port.name, axis, std::move(array)});
  }
  return streams;
}
