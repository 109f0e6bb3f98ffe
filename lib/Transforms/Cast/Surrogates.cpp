//===- Surrogates.cpp - The parameters that CAST adds to a model ----------===//

#include "Surrogates.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/Safetensors.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace weir;
using namespace weir::cast_attention;

static std::string describe(ArrayRef<int64_t> shape) {
  return "[" +
         llvm::join(llvm::map_range(shape, [](int64_t n) { return std::to_string(n); }),
                    ", ") +
         "]";
}

static bool isFloat(const NpyArray &array) {
  return StringRef(array.dtype).starts_with("f") || array.dtype == "V2";
}

static std::vector<double> getNumbers(const NpyArray &array) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < array.numElements(); ++i)
    numbers.push_back(array.getElement(i));
  return numbers;
}

FailureOr<SurrogateSet> SurrogateSet::load(const CastOptions &options,
                                           Location location) {
  SurrogateSet set;
  set.path = options.surrogates;
  set.clusters = options.clusters;
  bool isCalibrated = options.from == SurrogateSource::KMeans;
  if (set.path.empty() != isCalibrated) {
    InFlightDiagnostic error = emitError(location)
                               << (isCalibrated
                                       ? "surrogate tokens come from a file or "
                                         "from calibration, not from both"
                                       : "CAST-style attention needs surrogate tokens, "
                                         "which no other model has");
    attachHelp(error, "give surrogates=FILE.npz with what was trained, or from=kmeans "
                      "with calibration data");
    return error;
  }
  if (isCalibrated)
    return set;
  auto arrays = readNamedArrays(set.path);
  if (!arrays)
    return emitError(location) << llvm::toString(arrays.takeError()), failure();
  set.arrays = std::move(*arrays);
  return set;
}

const NpyArray *SurrogateSet::find(StringRef name) const {
  for (const auto &[other, array] : arrays)
    if (other == name)
      return &array;
  return nullptr;
}

FailureOr<Surrogates> SurrogateSet::get(Operation *op, int64_t layer, int64_t width,
                                        int64_t inputWidth) const {
  return path.empty() ? fromAttribute(op, width) : fromFile(op, layer, width, inputWidth);
}

FailureOr<Surrogates> SurrogateSet::fromFile(Operation *op, int64_t layer, int64_t width,
                                             int64_t inputWidth) const {
  auto nameOf = [&](StringRef part) { return (part + "_" + Twine(layer)).str(); };
  auto check = [&](const NpyArray &array, StringRef part,
                   ArrayRef<int64_t> shape) -> LogicalResult {
    bool fits = isFloat(array) && array.shape.size() == shape.size();
    for (size_t i = 0; fits && i < shape.size(); ++i)
      fits = shape[i] == 0 || shape[i] == array.shape[i];
    // One number may come as [1].
    if (fits || (isFloat(array) && shape.empty() && array.numElements() == 1))
      return success();
    std::string wanted = describe(shape);
    if (!shape.empty() && shape[0] == 0)
      wanted = "[clusters, " + std::to_string(width) + "]";
    InFlightDiagnostic error = emitNodeError(op)
                               << path << ": array '" << nameOf(part) << "' is "
                               << getNpyName(array.dtype) << " " << describe(array.shape)
                               << ", but layer " << layer << " takes floats " << wanted;
    return error;
  };
  const NpyArray *tokens = find(nameOf("surrogate"));
  if (!tokens) {
    InFlightDiagnostic error = emitNodeError(op)
                               << path << ": holds no array '" << nameOf("surrogate")
                               << "', the surrogate tokens of layer " << layer;
    attachHelp(error, "name other layers, or add the array: [clusters, " + Twine(width) +
                          "], the heads side by side");
    return error;
  }
  if (failed(check(*tokens, "surrogate", {clusters, width})))
    return failure();
  Surrogates found;
  found.clusters = tokens->shape[0];
  found.tokens = getNumbers(*tokens);
  const NpyArray *weight = find(nameOf("wphi")), *bias = find(nameOf("bphi"));
  if (weight && !bias)
    return emitNodeError(op) << path << ": holds an array '" << nameOf("wphi")
                             << "', but no '" << nameOf("bphi") << "'",
           failure();
  if (weight) {
    if (failed(check(*weight, "wphi", {inputWidth})))
      return failure();
    found.phiWeight = getNumbers(*weight);
  }
  if (bias) {
    if (failed(check(*bias, "bphi", {})))
      return failure();
    found.phiBias = bias->getElement(0);
  }
  return found;
}

FailureOr<Surrogates> SurrogateSet::fromAttribute(Operation *op, int64_t width) const {
  auto attr = op->getAttrOfType<ElementsAttr>(surrogatesName);
  if (!attr) {
    InFlightDiagnostic error = emitNodeError(op)
                               << "has no surrogate tokens that calibration found";
    attachHelp(error, "calibrate the model, or give surrogates=FILE.npz");
    return error;
  }
  auto type = dyn_cast<RankedTensorType>(attr.getType());
  if (!type || type.getRank() != 2 || !isa<FloatType>(type.getElementType()) ||
      type.getDimSize(1) != width || (clusters != 0 && type.getDimSize(0) != clusters))
    return emitNodeError(op) << "'" << surrogatesName << "' is " << attr.getType()
                             << ", but " << describe({clusters, width}) << " is wanted",
           failure();
  FailureOr<HostTensor> tensor = HostTensor::get(attr);
  if (failed(tensor))
    return emitNodeError(op) << "'" << surrogatesName << "' holds no numbers", failure();
  Surrogates found;
  found.clusters = type.getDimSize(0);
  found.tokens = tensor->getFloats();
  return found;
}
