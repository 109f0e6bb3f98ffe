//===- Geometry.cpp - The sizes and ranges that ONNX attributes describe --===//

#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Limits.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir::onnx;

std::optional<ArrayRef<int64_t>> weir::onnx::getStaticShape(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape())
    return std::nullopt;
  return type.getShape();
}

Type weir::onnx::getElementType(Value value) {
  auto type = dyn_cast<TensorType>(value.getType());
  return type ? type.getElementType() : nullptr;
}

bool weir::onnx::isNone(Value value) { return isa<NoneType>(value.getType()); }

std::optional<int64_t> weir::onnx::countElements(ArrayRef<int64_t> shape) {
  if (llvm::is_contained(shape, 0))
    return 0;
  int64_t count = 1;
  for (int64_t size : shape)
    if (size < 0 || llvm::MulOverflow(count, size, count) || count >> 62)
      return std::nullopt;
  return count;
}

Shape weir::onnx::rowMajorStrides(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (int64_t i = static_cast<int64_t>(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

std::optional<int64_t> weir::onnx::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

std::optional<Shape> weir::onnx::normalizeAxes(ArrayRef<int64_t> axes, int64_t rank) {
  Shape normal;
  if (rank > static_cast<int64_t>(maxRank))
    return std::nullopt; // the search below takes its square
  for (int64_t axis : axes) {
    std::optional<int64_t> one = normalizeAxis(axis, rank);
    if (!one || llvm::is_contained(normal, *one))
      return std::nullopt;
    normal.push_back(*one);
  }
  return normal;
}

std::optional<Shape> weir::onnx::broadcastShapes(ArrayRef<int64_t> a,
                                                 ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  Shape result(a);
  size_t skipped = a.size() - b.size();
  for (auto [i, size] : llvm::enumerate(b)) {
    int64_t &common = result[skipped + i];
    if (common != size && common != 1 && size != 1)
      return std::nullopt;
    if (common == 1)
      common = size;
  }
  return result;
}

std::optional<Shape> weir::onnx::resolveReshape(ArrayRef<int64_t> from,
                                                ArrayRef<int64_t> target,
                                                bool allowZero) {
  Shape shape(target);
  std::optional<size_t> rest;
  for (auto [i, size] : llvm::enumerate(shape)) {
    if (size == 0 && !allowZero) {
      if (i >= from.size())
        return std::nullopt;
      size = from[i];
    } else if (size == -1) {
      if (rest)
        return std::nullopt;
      rest = i;
    } else if (size < 0) {
      return std::nullopt;
    }
  }
  std::optional<int64_t> count = countElements(from);
  if (rest)
    shape[*rest] = 1;
  std::optional<int64_t> known = countElements(shape);
  if (!count || !known)
    return std::nullopt;
  if (rest) {
    if (*known == 0 || *count % *known != 0)
      return std::nullopt;
    shape[*rest] = *count / *known;
    known = *known * shape[*rest];
  }
  if (*known != *count)
    return std::nullopt;
  return shape;
}

/// `position` of a dimension of `size`, from the end when negative, within [low, high].
static int64_t clampPosition(int64_t position, int64_t size, int64_t low, int64_t high) {
  if (position < 0)
    position += size;
  return std::max(low, std::min(position, high));
}

std::optional<SmallVector<SliceRange>> weir::onnx::resolveSlice(ArrayRef<int64_t> shape,
                                                                ArrayRef<int64_t> starts,
                                                                ArrayRef<int64_t> ends,
                                                                ArrayRef<int64_t> axes,
                                                                ArrayRef<int64_t> steps) {
  SmallVector<SliceRange> ranges;
  for (int64_t size : shape)
    ranges.push_back({0, 1, size});
  Shape defaultAxes = llvm::to_vector(llvm::seq<int64_t>(0, starts.size()));
  std::optional<Shape> normal =
      normalizeAxes(axes.empty() ? ArrayRef<int64_t>(defaultAxes) : axes, shape.size());
  if (!normal || starts.size() != ends.size() || normal->size() != starts.size() ||
      (!steps.empty() && steps.size() != starts.size()))
    return std::nullopt;
  for (auto [i, axis] : llvm::enumerate(*normal)) {
    int64_t size = shape[axis];
    int64_t step = steps.empty() ? 1 : steps[i];
    if (step == 0)
      return std::nullopt;
    bool forward = step > 0;
    int64_t start = clampPosition(starts[i], size, 0, forward ? size : size - 1);
    int64_t end =
        clampPosition(ends[i], size, forward ? 0 : -1, forward ? size : size - 1);
    int64_t distance = forward ? end - start : start - end;
    // A step that leaves the dimension at once may be as large as 64 bits allow.
    uint64_t width = forward ? step : 0 - static_cast<uint64_t>(step);
    int64_t count = distance <= 0 || size == 0 ? 0 : (distance - 1) / width + 1;
    ranges[axis] = {count ? start : 0, count > 1 ? step : 1, count};
  }
  return ranges;
}

/// The `i`th integer of `attr`, or `absent` without it.
static int64_t intAt(ArrayRef<int64_t> values, size_t i, int64_t absent) {
  return values.empty() ? absent : values[i];
}

std::optional<SmallVector<SlidingDim>>
weir::onnx::resolveSliding(ArrayRef<int64_t> sizes, ArrayRef<int64_t> kernel,
                           ArrayAttr strides, ArrayAttr dilations, ArrayAttr pads,
                           StringRef autoPad, bool ceilMode) {
  size_t rank = sizes.size();
  Shape stride = getInts(strides), dilation = getInts(dilations), pad = getInts(pads);
  auto fits = [&](ArrayRef<int64_t> values, size_t count) {
    return values.empty() || values.size() == count;
  };
  if (kernel.size() != rank || !fits(stride, rank) || !fits(dilation, rank) ||
      !fits(pad, 2 * rank))
    return std::nullopt;
  SmallVector<SlidingDim> dims;
  for (size_t i = 0; i < rank; ++i) {
    SlidingDim dim{sizes[i],
                   kernel[i],
                   intAt(stride, i, 1),
                   intAt(dilation, i, 1),
                   intAt(pad, i, 0),
                   intAt(pad, rank + i, 0),
                   0};
    // Nothing below overflows then, but the product of the two.
    auto isBetween = [](int64_t low, int64_t value) {
      return low <= value && value <= maxElements;
    };
    int64_t reach;
    if (!isBetween(1, dim.kernel) || !isBetween(1, dim.stride) ||
        !isBetween(1, dim.dilation) || !isBetween(0, dim.padBegin) ||
        !isBetween(0, dim.padEnd) ||
        llvm::MulOverflow(dim.kernel - 1, dim.dilation, reach) || reach > maxElements)
      return std::nullopt;
    ++reach;
    if (autoPad == "VALID")
      dim.padBegin = dim.padEnd = 0;
    if (autoPad.starts_with("SAME")) {
      dim.outputs = llvm::divideCeil(dim.size, dim.stride);
      int64_t total =
          std::max<int64_t>(0, (dim.outputs - 1) * dim.stride + reach - dim.size);
      dim.padBegin = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
      dim.padEnd = total - dim.padBegin;
    } else {
      int64_t room = dim.size + dim.padBegin + dim.padEnd - reach;
      if (room < 0)
        return std::nullopt;
      dim.outputs =
          (ceilMode ? llvm::divideCeil(room, dim.stride) : room / dim.stride) + 1;
      // A window that would start in the padding after the end does not count.
      if (ceilMode && (dim.outputs - 1) * dim.stride >= dim.size + dim.padBegin)
        --dim.outputs;
    }
    dims.push_back(dim);
  }
  return dims;
}

/// Letters for the dimensions of "...", none of which occurs in `equation`.
static std::string freeLetters(StringRef equation, int64_t count) {
  std::string letters;
  for (char letter = 'A'; letter <= 'z' && static_cast<int64_t>(letters.size()) < count;
       ++letter)
    if (llvm::isAlpha(letter) && !equation.contains(letter))
      letters += letter;
  return letters;
}

std::optional<EinsumTerms> weir::onnx::parseEinsum(StringRef equation,
                                                   ArrayRef<int64_t> ranks) {
  std::string text;
  llvm::copy_if(equation, std::back_inserter(text), [](char c) { return c != ' '; });
  auto [left, right] = StringRef(text).split("->");
  bool isExplicit = StringRef(text).contains("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != ranks.size())
    return std::nullopt;
  int64_t widest = 0;
  for (auto [term, rank] : llvm::zip_equal(terms, ranks)) {
    bool hasRest = term.contains("...");
    int64_t rest = rank - static_cast<int64_t>(term.size() - (hasRest ? 3 : 0));
    if (rest < 0 || (rest > 0 && !hasRest))
      return std::nullopt;
    widest = std::max(widest, rest);
  }
  std::string free = freeLetters(text, widest);
  if (static_cast<int64_t>(free.size()) < widest)
    return std::nullopt;
  auto expand = [&](StringRef term, int64_t rest) -> std::string {
    auto [before, after] = term.split("...");
    return (before + StringRef(free).take_back(rest) + after).str();
  };
  EinsumTerms result;
  for (auto [term, rank] : llvm::zip_equal(terms, ranks))
    result.inputs.push_back(
        term.contains("...") ? expand(term, rank - static_cast<int64_t>(term.size()) + 3)
                             : term.str());
  std::string all = llvm::join(result.inputs, "");
  if (isExplicit) {
    result.output = right.contains("...") ? expand(right, widest) : right.str();
  } else {
    result.output = free;
    std::string sorted = left.str();
    llvm::sort(sorted);
    for (char letter : sorted)
      if (llvm::isAlpha(letter) && llvm::count(sorted, letter) == 1)
        result.output += letter;
  }
  auto isLetter = [](char c) { return llvm::isAlpha(c); };
  for (char letter : result.output)
    if (!StringRef(all).contains(letter) || llvm::count(result.output, letter) != 1)
      return std::nullopt;
  if (!llvm::all_of(all, isLetter))
    return std::nullopt;
  return result;
}

Shape weir::onnx::getInts(ArrayAttr attr) {
  Shape values;
  if (attr)
    for (IntegerAttr value : attr.getAsRange<IntegerAttr>())
      values.push_back(value.getInt());
  return values;
}
