//===- DctOptions.cpp - Read what a DCT rewrite is asked for --------------===//

#include "DctOptions.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;

static constexpr StringRef variants[] = {"qkv", "x", "resample", "pool"};

std::optional<DctVariant> weir::symbolizeDctVariant(StringRef name) {
  const auto *found = llvm::find(variants, name);
  if (found == std::end(variants))
    return std::nullopt;
  return static_cast<DctVariant>(found - std::begin(variants));
}

StringRef weir::stringifyDctVariant(DctVariant variant) {
  return variants[static_cast<int>(variant)];
}

std::optional<double> weir::getKeptEnergy(const DctOptions &options) {
  double energy;
  StringRef text = options.keep.size() == 1 ? StringRef(options.keep[0]) : StringRef();
  if (!text.consume_front("auto:") || text.getAsDouble(energy) || !(energy > 0) ||
      energy > 1)
    return std::nullopt;
  return energy;
}

FailureOr<DctVariant> weir::parseVariant(func::FuncOp window, const DctOptions &options) {
  if (std::optional<DctVariant> variant = symbolizeDctVariant(options.variant))
    return *variant;
  InFlightDiagnostic error = window.emitError();
  if (options.variant.empty())
    error << "a DCT rewrite needs a variant";
  else
    error << "variant '" << options.variant << "' is none of qkv, x, resample and pool";
  attachHelp(error, "resample and pool approximate a model that was trained with full "
                    "attention; qkv and x are what a model was trained with");
  return failure();
}

FailureOr<SmallVector<int64_t>> weir::parseKeep(func::FuncOp window,
                                                const DctOptions &options) {
  SmallVector<int64_t> rows;
  if (getKeptEnergy(options))
    return rows;
  for (StringRef text : options.keep) {
    int64_t count;
    if (text.getAsInteger(10, count) || count < 1) {
      InFlightDiagnostic error = window.emitError();
      error << "keep=" << text << " is no number of rows";
      attachHelp(error, "give a number of rows for all layers, one for each of them, or "
                        "auto:0.99 for as many as keep that share of the energy");
      return failure();
    }
    rows.push_back(count);
  }
  if (!rows.empty())
    return rows;
  InFlightDiagnostic error = window.emitError();
  error << "a DCT rewrite needs the number of rows to keep";
  attachHelp(error, "give keep=16, keep=32,16,16 or keep=auto:0.99");
  return failure();
}
