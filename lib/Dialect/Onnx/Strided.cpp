//===- Strided.cpp - Copy elements between two layouts --------------------===//
// Dimensions that are contiguous in both layouts are merged, so that most copies are
// long runs. Where the innermost dimension is contiguous in the target only, it is
// walked in tiles together with the one that is contiguous in the source: a transpose
// that ignores the cache is many times slower.

#include "Strided.h"
#include <cstring>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

namespace {
struct Dim {
  int64_t size, to, from;
};
} // namespace

static constexpr int64_t tile = 32;

/// Drops dimensions of size 1 and joins those that continue each other on both sides.
static SmallVector<Dim> merge(ArrayRef<int64_t> to, ArrayRef<int64_t> from,
                              ArrayRef<int64_t> shape) {
  SmallVector<Dim> dims;
  for (auto [size, toStride, fromStride] : llvm::zip_equal(shape, to, from)) {
    if (size == 1)
      continue;
    if (!dims.empty() && dims.back().to == toStride * size &&
        dims.back().from == fromStride * size)
      dims.back() = {dims.back().size * size, toStride, fromStride};
    else
      dims.push_back({size, toStride, fromStride});
  }
  return dims;
}

template <int64_t width>
static void copyTile(char *to, const char *from, Dim outer, Dim inner) {
  for (int64_t i = 0; i < outer.size; i += tile)
    for (int64_t j = 0; j < inner.size; j += tile)
      for (int64_t y = i, ye = std::min(i + tile, outer.size); y < ye; ++y)
        for (int64_t x = j, xe = std::min(j + tile, inner.size); x < xe; ++x)
          std::memcpy(to + (y * outer.to + x * inner.to) * width,
                      from + (y * outer.from + x * inner.from) * width, width);
}

static void copyPlane(char *to, const char *from, Dim outer, Dim inner, int64_t width) {
  if (inner.to == 1 && inner.from == 1) {
    for (int64_t y = 0; y < outer.size; ++y)
      std::memcpy(to + y * outer.to * width, from + y * outer.from * width,
                  inner.size * width);
    return;
  }
  switch (width) {
  case 1:
    return copyTile<1>(to, from, outer, inner);
  case 2:
    return copyTile<2>(to, from, outer, inner);
  case 4:
    return copyTile<4>(to, from, outer, inner);
  case 8:
    return copyTile<8>(to, from, outer, inner);
  }
  for (int64_t y = 0; y < outer.size; ++y)
    for (int64_t x = 0; x < inner.size; ++x)
      std::memcpy(to + (y * outer.to + x * inner.to) * width,
                  from + (y * outer.from + x * inner.from) * width, width);
}

/// Walks all but the two dimensions that `copyPlane` takes.
static void copyRest(char *to, const char *from, ArrayRef<Dim> rest, Dim outer, Dim inner,
                     int64_t width) {
  if (rest.empty())
    return copyPlane(to, from, outer, inner, width);
  Dim dim = rest.front();
  for (int64_t i = 0; i < dim.size; ++i)
    copyRest(to + i * dim.to * width, from + i * dim.from * width, rest.drop_front(),
             outer, inner, width);
}

void onnx::detail::copyStrided(Strided<char> to, Strided<const char> from,
                               ArrayRef<int64_t> shape, int64_t width) {
  if (llvm::is_contained(shape, 0))
    return;
  SmallVector<Dim> dims = merge(to.strides, from.strides, shape);
  Dim inner{1, 1, 1}, outer{1, 0, 0};
  if (!dims.empty())
    inner = dims.pop_back_val();
  if (!dims.empty()) {
    auto closest = std::min_element(dims.begin(), dims.end(), [](Dim a, Dim b) {
      return std::abs(a.from) < std::abs(b.from);
    });
    if (inner.from == 1)
      closest = dims.end() - 1;
    outer = *closest;
    dims.erase(closest);
  }
  copyRest(to.base, from.base, dims, outer, inner, width);
}

Shape onnx::detail::broadcastStrides(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  Shape strides(to.size(), 0);
  Shape own = rowMajorStrides(from);
  size_t skipped = to.size() - from.size();
  for (auto [i, size] : llvm::enumerate(from))
    if (size != 1)
      strides[skipped + i] = own[i];
  return strides;
}
