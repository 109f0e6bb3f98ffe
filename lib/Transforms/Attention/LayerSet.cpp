//===- LayerSet.cpp - A choice of layers ----------------------------------===//

#include "mlir/IR/Diagnostics.h"
#include "weir/Transforms/RaiseAttention.h"

using namespace mlir;
using namespace weir;

FailureOr<LayerSet> LayerSet::parse(StringRef text, Location location) {
  LayerSet set;
  SmallVector<StringRef> parts;
  text.split(parts, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/!text.empty());
  for (StringRef part : parts) {
    auto [first, last] = part.trim().split('-');
    std::pair<int64_t, int64_t> range;
    bool isRange = part.contains('-');
    if (first.getAsInteger(10, range.first) ||
        (isRange ? last : first).getAsInteger(10, range.second) || range.first < 0 ||
        range.second < range.first) {
      InFlightDiagnostic error = emitError(location)
                                 << "layers '" << text << "' are no list of numbers";
      error.attachNote() << "help: write them as in 0,2-3";
      return error;
    }
    set.ranges.push_back(range);
  }
  return set;
}

bool LayerSet::contains(int64_t layer) const {
  return ranges.empty() || llvm::any_of(ranges, [&](auto range) {
           return layer >= range.first && layer <= range.second;
         });
}

LogicalResult LayerSet::check(func::FuncOp function, int64_t count) const {
  int64_t last = -1;
  for (auto range : ranges)
    last = std::max(last, range.second);
  if (last < count)
    return success();
  return function.emitError() << "there is no attention " << last << "; the model has "
                              << count << ", counted from 0";
}
