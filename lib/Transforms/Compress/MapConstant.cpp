//===- MapConstant.cpp - Map the rows of a constant -----------------------===//

#include "RowMapper.h"
#include "weir/Dialect/Weir/TokenMaps.h"
#include <cmath>

using namespace mlir;
using namespace weir;

static std::vector<double> makeMatrix(const TokenMap &map, int64_t tokens) {
  switch (map.kind) {
  case TokenMap::Kind::Dct:
    return makeDctMatrix(tokens, map.kept);
  case TokenMap::Kind::Resample:
    return makeResampleMatrix(tokens, map.kept);
  case TokenMap::Kind::Pool:
    return makePoolMatrix(tokens, map.kept);
  }
  llvm_unreachable("all kinds are listed");
}

/// What the map makes of `tokens` ones.
static std::vector<double> mapOnes(const TokenMap &map, int64_t tokens) {
  if (map.kind != TokenMap::Kind::Dct)
    return std::vector<double>(map.kept, 1.0);
  std::vector<double> mapped(map.kept);
  mapped[0] = std::sqrt(static_cast<double>(tokens));
  return mapped;
}

namespace {
/// A tensor [left, outer, row, inner, right], of which the middle three are one
/// dimension.
struct Cut {
  int64_t left = 1, outer, rows, inner, right = 1;

  Cut(ArrayRef<int64_t> shape, const TokenAxis &axis, int64_t size)
      : outer(axis.numOuter(size)), rows(axis.numRows()), inner(axis.inner) {
    for (int64_t extent : shape.take_front(axis.dim))
      left *= extent;
    for (int64_t extent : shape.drop_front(axis.dim + 1))
      right *= extent;
  }
  int64_t numBlocks() const { return left * outer; }
  int64_t blockSize() const { return inner * right; }
};
} // namespace

/// Of one row that stands for all: `values` are [left, right].
static std::vector<double> mapUniform(ArrayRef<double> values, const Cut &cut,
                                      const TokenMap &map) {
  std::vector<double> ones = mapOnes(map, cut.rows), mapped;
  for (int64_t block = 0; block < cut.numBlocks(); ++block) {
    ArrayRef<double> row = values.slice(block / cut.outer * cut.right, cut.right);
    for (double one : ones)
      for (int64_t inner = 0; inner < cut.inner; ++inner)
        for (double value : row)
          mapped.push_back(one * value);
  }
  return mapped;
}

static std::vector<double> mapVarying(ArrayRef<double> values, const Cut &cut,
                                      const TokenMap &map) {
  std::vector<double> matrix = makeMatrix(map, cut.rows);
  std::vector<double> mapped(cut.numBlocks() * map.kept * cut.blockSize());
  for (int64_t block = 0; block < cut.numBlocks(); ++block)
    for (int64_t k = 0; k < map.kept; ++k)
      for (int64_t j = 0; j < cut.rows; ++j) {
        double factor = matrix[k * cut.rows + j];
        const double *from = &values[(block * cut.rows + j) * cut.blockSize()];
        double *to = &mapped[(block * map.kept + k) * cut.blockSize()];
        for (int64_t i = 0; i < cut.blockSize(); ++i)
          to[i] += factor * from[i];
      }
  return mapped;
}

ElementsAttr weir::mapConstantRows(const HostTensor &constant, const TokenAxis &axis,
                                   int64_t size, const TokenMap &map) {
  Cut cut(constant.getShape(), axis, size);
  std::vector<double> values = constant.getFloats();
  bool isOneRow = constant.getShape()[axis.dim] == 1;
  SmallVector<int64_t> shape(constant.getShape());
  shape[axis.dim] = cut.outer * map.kept * cut.inner;
  return HostTensor::fromFloats(constant.getType().clone(shape),
                                isOneRow ? mapUniform(values, cut, map)
                                         : mapVarying(values, cut, map))
      .toAttr("mapped");
}
