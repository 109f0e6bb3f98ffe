//===- LoadStreams.cpp - A model's inputs from files ----------------------===//

#include "Streams.h"
#include "mlir/IR/Diagnostics.h"
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace weir;

namespace {
/// Reads and checks the arrays of one run.
class StreamLoader {
public:
  StreamLoader(const InputFiles &files, std::optional<int64_t> firstTokens,
               Location location)
      : files(files), firstTokens(firstTokens), location(location) {}
  FailureOr<std::vector<Streams>> load(ArrayRef<Port> ports, const ArgumentAxes &axes,
                                       bool takesSamples);

private:
  FailureOr<NpyArray> read(const Port &port, bool isStream);
  LogicalResult addSamples(std::vector<Streams> &samples, const FedInput &input,
                           const Port &port);
  LogicalResult splitNames(ArrayRef<std::string> pairs, ArrayRef<Port> ports,
                           llvm::StringMap<std::string> &files);
  LogicalResult checkNames(ArrayRef<Port> ports);
  LogicalResult convert(NpyArray &array, const Port &port);
  LogicalResult checkShape(const NpyArray &array, const Port &port,
                           const std::optional<TokenAxis> &axis);
  LogicalResult place(Streams &streams);

  InputFiles files;
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

FailureOr<NpyArray> StreamLoader::read(const Port &port, bool isStream) {
  auto &given = isStream ? streamFiles : staticFiles;
  auto &others = isStream ? staticFiles : streamFiles;
  auto found = given.find(port.name);
  if (found == given.end()) {
    InFlightDiagnostic error = emitError(location);
    StringRef option = isStream ? files.streamOption : "--static";
    if (others.contains(port.name))
      error << "input '" << port.name << "' "
            << (isStream ? "has a token axis" : "has no token axis") << "; give it with "
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
  if (failed(convert(*array, port)))
    return failure();
  return std::move(*array);
}

/// How many samples `array` holds; its shape becomes that of one of them.
static int64_t takeSampleAxis(NpyArray &array, const Port &port, const TokenAxis &axis) {
  ArrayRef<int64_t> wanted = port.type.getShape();
  int64_t count = array.shape.empty() ? 1 : array.shape.front();
  if (array.shape.size() == wanted.size() + 1) {
    array.shape.erase(array.shape.begin());
    return count;
  }
  if (array.shape.size() != wanted.size() || axis.dim == 0 || wanted.front() != 1)
    return 1;
  array.shape.front() = 1;
  return count;
}

/// Adds an input to every sample, one without tokens alike to all.
LogicalResult StreamLoader::addSamples(std::vector<Streams> &samples,
                                       const FedInput &input, const Port &port) {
  FedInput one = input;
  int64_t count = input.axis ? takeSampleAxis(one.array, port, *input.axis) : 1;
  if (failed(checkShape(one.array, port, input.axis)))
    return failure();
  if (!input.axis) {
    for (Streams &sample : samples)
      sample.inputs.push_back(one);
    return success();
  }
  if (count == 0)
    return emitError(location) << "input '" << port.name << "' holds no samples";
  bool isFirst = llvm::none_of(samples, [](const Streams &sample) {
    return llvm::any_of(sample.inputs,
                        [](const FedInput &other) { return other.axis.has_value(); });
  });
  if (isFirst)
    samples.resize(count, samples.front());
  if (static_cast<int64_t>(samples.size()) != count)
    return emitError(location) << "input '" << port.name << "' holds " << count
                               << " samples, and another input " << samples.size()
                               << "; all must hold as many";
  int64_t bytes = one.array.numElements() * one.array.elementBytes();
  for (auto [index, sample] : llvm::enumerate(samples)) {
    auto begin = input.array.bytes.begin() + index * bytes;
    one.array.bytes.assign(begin, begin + bytes);
    sample.inputs.push_back(one);
  }
  return success();
}

FailureOr<std::vector<Streams>>
StreamLoader::load(ArrayRef<Port> ports, const ArgumentAxes &axes, bool takesSamples) {
  if (failed(splitNames(files.streams, ports, streamFiles)) ||
      failed(splitNames(files.statics, ports, staticFiles)) || failed(checkNames(ports)))
    return failure();
  std::vector<Streams> samples(1);
  size_t next = 0;
  for (const Port &port : ports) {
    if (port.kind != Port::Input)
      continue;
    std::optional<TokenAxis> axis = next < axes.size() ? axes[next] : std::nullopt;
    ++next;
    FailureOr<NpyArray> array = read(port, axis.has_value());
    if (failed(array))
      return failure();
    FedInput input{port.name, axis, std::move(*array)};
    if (takesSamples) {
      if (failed(addSamples(samples, input, port)))
        return failure();
      continue;
    }
    if (failed(checkShape(input.array, port, axis)))
      return failure();
    samples.front().inputs.push_back(std::move(input));
  }
  for (Streams &sample : samples)
    if (failed(place(sample)))
      return failure();
  return samples;
}

FailureOr<Streams> weir::loadStreams(const InputFiles &files, ArrayRef<Port> ports,
                                     const ArgumentAxes &axes,
                                     std::optional<int64_t> firstTokens,
                                     Location location) {
  FailureOr<std::vector<Streams>> loaded =
      StreamLoader(files, firstTokens, location).load(ports, axes, false);
  if (failed(loaded))
    return failure();
  return std::move(loaded->front());
}

/// The only input with a token axis, "" where there are more or fewer.
static StringRef onlyStream(ArrayRef<Port> ports, const ArgumentAxes &axes) {
  StringRef name;
  for (auto [port, axis] : llvm::zip(ports, axes)) {
    if (!axis)
      continue;
    if (!name.empty())
      return "";
    name = port.name;
  }
  return name;
}

FailureOr<std::vector<Streams>> weir::loadSamples(const InputFiles &files,
                                                  ArrayRef<Port> ports,
                                                  const ArgumentAxes &axes,
                                                  Location location) {
  std::vector<std::string> named;
  for (const std::string &pair : files.streams) {
    bool isNamed = llvm::any_of(ports, [&](const Port &port) {
      return port.kind == Port::Input && StringRef(pair).starts_with(port.name + "=");
    });
    StringRef only = onlyStream(ports, axes);
    bool takesOnly = !isNamed && !only.empty() && !StringRef(pair).contains('=');
    named.push_back(takesOnly ? (only + "=" + pair).str() : pair);
  }
  InputFiles all = files;
  all.streams = named;
  auto samples =
      StreamLoader(all, std::nullopt, location).load(ports, axes, /*takesSamples=*/true);
  if (failed(samples))
    return failure();
  for (Streams &sample : *samples) { // windows one behind the other
    for (const FedInput &input : sample.inputs)
      if (input.axis)
        sample.numWindows = input.array.shape[input.axis->dim] / sample.tokens;
    sample.chunk = sample.tokens;
  }
  return samples;
}
