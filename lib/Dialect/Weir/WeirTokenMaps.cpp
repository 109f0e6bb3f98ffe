//===- WeirTokenMaps.cpp - Fixed linear maps along the tokens -------------===//

#include "weir/Dialect/Weir/TokenMaps.h"
#include "weir/Dialect/Weir/Weir.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace weir;

/// Constraints of all maps; m and n are the sizes of the short side and the long one.
static LogicalResult verifyTokenMap(Operation *op, int64_t dim, bool makesTokens) {
  auto value = cast<RankedTensorType>(op->getOperand(0).getType());
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  if (dim < 0 || dim >= value.getRank()) // C1
    return op->emitOpError("dim ")
           << dim << " is outside a tensor of rank " << value.getRank();
  SmallVector<int64_t> shape(value.getShape());
  if (result.getRank() == value.getRank())
    shape[dim] = result.getDimSize(dim);
  if (result != value.clone(shape)) // C2
    return op->emitOpError("makes ")
           << result << " of " << value << ", which differ not only in dimension " << dim;
  if (!value.getElementType().isF32() && !value.getElementType().isF64()) // C3
    return op->emitOpError("maps elements of type ")
           << value.getElementType() << ", but only f32 and f64 can be mapped";
  int64_t from = value.getDimSize(dim), to = result.getDimSize(dim);
  int64_t few = makesTokens ? from : to, many = makesTokens ? to : from;
  if (few < 1 || few > many) // C4
    return op->emitOpError("has ") << few << " rows for " << many << " tokens";
  return success();
}

LogicalResult DctOp::verify() { return verifyTokenMap(*this, getDim(), false); }
LogicalResult IdctOp::verify() { return verifyTokenMap(*this, getDim(), true); }
LogicalResult ResampleOp::verify() { return verifyTokenMap(*this, getDim(), false); }
LogicalResult PoolOp::verify() { return verifyTokenMap(*this, getDim(), false); }

/// As many pseudo-tokens as tokens are the tokens.
OpFoldResult ResampleOp::fold(FoldAdaptor) {
  return getType() == getValue().getType() ? getValue() : OpFoldResult();
}
OpFoldResult PoolOp::fold(FoldAdaptor) {
  return getType() == getValue().getType() ? getValue() : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

/// cos(pi p / q) to rounding, however large p is.
static double cosOfPi(int64_t p, int64_t q) {
  return std::cos(llvm::numbers::pi * static_cast<double>(p % (2 * q)) / q);
}

static double sinOfPi(int64_t p, int64_t q) {
  return std::sin(llvm::numbers::pi * static_cast<double>(p % (2 * q)) / q);
}

std::vector<double> weir::makeTurnOfCosines(int64_t tokens) {
  std::vector<double> cosines(4 * tokens);
  for (int64_t j = 0; j < 2 * tokens; ++j) {
    cosines[j] = cosOfPi(j, 2 * tokens);
    cosines[j + 2 * tokens] = -cosines[j];
  }
  return cosines;
}

std::vector<double> weir::makeDctMatrix(int64_t tokens, int64_t kept) {
  std::vector<double> matrix;
  matrix.reserve(tokens * kept);
  for (int64_t k = 0; k < kept; ++k)
    for (int64_t j = 0; j < tokens; ++j)
      matrix.push_back(std::sqrt((k == 0 ? 1.0 : 2.0) / tokens) *
                       cosOfPi((2 * j + 1) * k, 2 * tokens));
  return matrix;
}

/// 1/2 + sum_(0<k<m) cos(k pi p / q), which is sin((m - 1/2) x) / (2 sin(x / 2)).
static double sumCosines(int64_t kept, int64_t p, int64_t q) {
  if (p % (2 * q) == 0)
    return kept - 0.5;
  return sinOfPi((2 * kept - 1) * p, 2 * q) / (2 * sinOfPi(p, 2 * q));
}

/// The products of cosines of `weir.resample` are cosines of the sums and differences of
/// angles pi (2i + 1) / (2m) and pi (2j + 1) / (2n), here over 2mn.
std::vector<double> weir::makeResampleMatrix(int64_t tokens, int64_t kept) {
  std::vector<double> matrix;
  matrix.reserve(tokens * kept);
  for (int64_t i = 0; i < kept; ++i)
    for (int64_t j = 0; j < tokens; ++j) {
      int64_t a = (2 * i + 1) * tokens, b = (2 * j + 1) * kept, q = 2 * kept * tokens;
      matrix.push_back((sumCosines(kept, a - b, q) + sumCosines(kept, a + b, q)) /
                       tokens);
    }
  return matrix;
}

std::vector<double> weir::makePoolMatrix(int64_t tokens, int64_t kept) {
  std::vector<double> matrix(tokens * kept);
  int64_t size = tokens / kept, larger = tokens % kept;
  for (int64_t i = 0, token = 0; i < kept; ++i)
    for (int64_t end = token + size + (i < larger), begin = token; token < end; ++token)
      matrix[i * tokens + token] = 1.0 / (end - begin);
  return matrix;
}

std::vector<double> weir::makeTokenMapMatrix(Operation *op) {
  auto dim = op->getAttrOfType<IntegerAttr>("dim").getInt();
  int64_t from = cast<RankedTensorType>(op->getOperand(0).getType()).getDimSize(dim);
  int64_t to = cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(dim);
  if (isa<DctOp>(op))
    return makeDctMatrix(from, to);
  if (isa<ResampleOp>(op))
    return makeResampleMatrix(from, to);
  if (isa<PoolOp>(op))
    return makePoolMatrix(from, to);
  std::vector<double> matrix = makeDctMatrix(to, from), transposed(from * to);
  for (int64_t k = 0; k < from; ++k)
    for (int64_t j = 0; j < to; ++j)
      transposed[j * from + k] = matrix[k * to + j];
  return transposed;
}

//===----------------------------------------------------------------------===//
// Token flow
//===----------------------------------------------------------------------===//

/// Axes in other dimensions stay. Tokens end in frequencies or pseudo-tokens, which read
/// all of them in window order.
static FlowTransfer mapTokens(ArrayRef<TokenFlow> operands, int64_t dim, StringRef what) {
  FlowTransfer transfer;
  auto &uses = transfer.uses.emplace_back();
  for (const TokenAxis &axis : operands[0].axes) {
    if (axis.dim == dim)
      return FlowTransfer::whole(what.str());
    uses.push_back({axis, RowMap::same(transfer.axes.size())});
    transfer.axes.push_back(axis);
  }
  transfer.reason = what;
  return transfer;
}

FlowTransfer DctOp::transferTokenFlow(ArrayRef<TokenFlow> operands) {
  return mapTokens(operands, getDim(), "transforms the token axis");
}
FlowTransfer IdctOp::transferTokenFlow(ArrayRef<TokenFlow> operands) {
  return mapTokens(operands, getDim(), "makes tokens of frequencies");
}
FlowTransfer ResampleOp::transferTokenFlow(ArrayRef<TokenFlow> operands) {
  return mapTokens(operands, getDim(), "resamples the token axis");
}
FlowTransfer PoolOp::transferTokenFlow(ArrayRef<TokenFlow> operands) {
  return mapTokens(operands, getDim(), "averages blocks of tokens");
}

std::optional<TokenAxis> IdctOp::getMadeAxis(const TokenAxis &streamed) {
  int64_t tokens = getType().getDimSize(getDim());
  if (tokens != streamed.tokens)
    return std::nullopt;
  TokenAxis axis = streamed.inDim(getDim());
  axis.inner = 1;
  axis.lead = axis.tail = 0;
  return axis;
}

/// All tokens are made, then the wanted ones taken: what is made of both together is for
/// the lowering to see.
FailureOr<Value> IdctOp::buildOnRows(OpBuilder &builder, const RowsRequest &request) {
  RankedTensorType type = request.resultType;
  SmallVector<int64_t> shape(type.getShape());
  shape[getDim()] = getType().getDimSize(getDim());
  Value all =
      IdctOp::create(builder, getLoc(), type.clone(shape), request.operands[0], getDim());
  for (auto [axis, rows] : llvm::zip_equal(request.axes, request.region)) {
    if (axis.dim != static_cast<int64_t>(getDim()) || rows.isWindowOrder(axis.numRows()))
      continue;
    return SelectRowsOp::create(builder, getLoc(), type, all, getDim(), axis.inner,
                                axis.numRows(), rows.getPositions())
        .getResult();
  }
  return all;
}

/// Of the direct product: an upper bound.
static int64_t countProduct(ArrayRef<Type> operands, Type result, int64_t dim) {
  return cast<RankedTensorType>(result).getNumElements() *
         cast<RankedTensorType>(operands[0]).getDimSize(dim);
}

int64_t DctOp::countMacs(ArrayRef<Type> operands, Type result) {
  return countProduct(operands, result, getDim());
}
int64_t IdctOp::countMacs(ArrayRef<Type> operands, Type result) {
  return countProduct(operands, result, getDim());
}
int64_t ResampleOp::countMacs(ArrayRef<Type> operands, Type result) {
  return countProduct(operands, result, getDim());
}
