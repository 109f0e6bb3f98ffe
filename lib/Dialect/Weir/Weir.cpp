//===- Weir.cpp - The weir dialect: explicit state of a step --------------===//

#include "weir/Dialect/Weir/Weir.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace weir;

#include "weir/Dialect/Weir/WeirDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "weir/Dialect/Weir/WeirAttrs.cpp.inc"

void WeirDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "weir/Dialect/Weir/WeirAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "weir/Dialect/Weir/WeirOps.cpp.inc"
      >();
}

LogicalResult WeirDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned arg,
                                                    NamedAttribute attr) {
  StringRef name = attr.getName().getValue();
  bool isName = name == "weir.state" || name == "weir.input" || name == "weir.output";
  if (isName && !isa<StringAttr>(attr.getValue()))
    return op->emitOpError(name) << " of argument " << arg << " is not a string";
  return success();
}

// C1
LogicalResult AxisAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t dim,
                               int64_t inner, int64_t lead, int64_t tokens, int64_t tail,
                               int64_t chunk) {
  if (dim < 0 || lead < 0 || tail < 0)
    return emitError() << "dim, lead and tail of an axis are not negative";
  if (inner < 1 || tokens < 1 || chunk < 1)
    return emitError() << "inner, tokens and chunk of an axis are positive";
  if (chunk > tokens)
    return emitError() << "a step brings " << chunk << " tokens to a window of "
                       << tokens;
  return success();
}

/// Does an axis of `numRows` rows lie in dimension `dim` of `type`?
static LogicalResult verifyAxis(Operation *op, RankedTensorType type, int64_t dim,
                                int64_t inner, int64_t numRows) {
  if (dim < 0 || dim >= type.getRank())
    return op->emitOpError("axis ")
           << dim << " is outside a tensor of rank " << type.getRank();
  if (inner < 1 || numRows < 1 || type.getDimSize(dim) % (numRows * inner) != 0)
    return op->emitOpError("dimension ")
           << dim << " of size " << type.getDimSize(dim) << " does not hold " << numRows
           << " rows of " << inner;
  return success();
}

static LogicalResult verifyPositions(Operation *op, ArrayRef<int64_t> positions,
                                     int64_t numRows) {
  for (int64_t position : positions)
    if (position < 0 || position >= numRows)
      return op->emitOpError("row ")
             << position << " is outside an axis of " << numRows << " rows";
  return success();
}

/// Is `rows` the type `whole` with `count` of the `numRows` rows in dimension `dim`?
static LogicalResult verifyRestricted(Operation *op, RankedTensorType rows,
                                      RankedTensorType whole, int64_t dim,
                                      int64_t numRows, int64_t count) {
  SmallVector<int64_t> shape(whole.getShape());
  shape[dim] = shape[dim] / numRows * count;
  auto expected = RankedTensorType::get(shape, whole.getElementType());
  if (rows != expected)
    return op->emitOpError("has rows of type ")
           << rows << ", but " << count << " rows of " << whole << " are " << expected;
  return success();
}

/// C1 to C3 of the ops that write `rows` into `whole`.
static LogicalResult verifyPush(Operation *op, RankedTensorType rows,
                                RankedTensorType whole, const TokenAxis &axis,
                                ArrayRef<int64_t> positions) {
  if (failed(verifyAxis(op, whole, axis.dim, axis.inner, axis.numRows()))) // C1
    return failure();
  if (failed(verifyPositions(op, positions, axis.numRows()))) // C2
    return failure();
  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t position : positions)
    if (!seen.insert(position).second) // C2
      return op->emitOpError("writes row ") << position << " twice";
  return verifyRestricted(op, rows, whole, axis.dim, axis.numRows(),
                          positions.size()); // C3
}

LogicalResult RingPushOp::verify() {
  return verifyPush(*this, getRows().getType(), getRing().getType(), getAxis().toAxis(),
                    getPositions());
}

LogicalResult ShiftPushOp::verify() {
  TokenAxis axis = getAxis().toAxis();
  if (failed(verifyPush(*this, getRows().getType(), getWindow().getType(), axis,
                        getPositions())))
    return failure();
  Rows newest = Rows::newest(axis);
  for (int64_t row : newest.getPositions())
    if (!llvm::is_contained(getPositions(), row)) // C4
      return emitOpError("does not write row ")
             << row << ", which holds a token that enters";
  return success();
}

SmallVector<ShiftPushOp::Piece> ShiftPushOp::getPieces() {
  TokenAxis axis = getAxis().toAxis();
  SmallVector<Piece> pieces;
  for (int64_t row = 0; row < axis.numRows(); ++row) {
    auto written = llvm::find(getPositions(), row);
    bool isNew = written != getPositions().end();
    int64_t from = isNew               ? written - getPositions().begin()
                   : axis.isToken(row) ? row + axis.chunk
                                       : row;
    bool continues = !pieces.empty() && pieces.back().isNew == isNew &&
                     pieces.back().first + pieces.back().count == from;
    if (continues)
      ++pieces.back().count;
    else
      pieces.push_back({isNew, from, 1});
  }
  return pieces;
}

LogicalResult RingReadOp::verify() {
  TokenAxis axis = getAxis().toAxis();
  RankedTensorType ring = getRing().getType();
  if (failed(verifyAxis(*this, ring, axis.dim, axis.inner, axis.numRows())) || // C1
      failed(verifyPositions(*this, getPositions(), axis.numRows())))          // C2
    return failure();
  return verifyRestricted(*this, getRows().getType(), ring, axis.dim, axis.numRows(),
                          getPositions().size()); // C3
}

LogicalResult RollOp::verify() {
  TokenAxis axis = getAxis().toAxis();
  return verifyAxis(*this, getWindow().getType(), axis.dim, axis.inner,
                    axis.numRows()); // C1
}

LogicalResult SelectRowsOp::verify() {
  RankedTensorType value = getValue().getType();
  if (failed(verifyAxis(*this, value, getDim(), getInner(), getExtent())) || // C1
      failed(verifyPositions(*this, getIndices(), getExtent())))             // C2
    return failure();
  return verifyRestricted(*this, getRows().getType(), value, getDim(), getExtent(),
                          getIndices().size()); // C3
}

LogicalResult MaskAbsentOp::verify() {
  TokenAxis axis = getAxis().toAxis();
  int64_t numRows = getPositions() ? getPositions()->size() : axis.numRows();
  if (failed(
          verifyAxis(*this, getValue().getType(), axis.dim, axis.inner, numRows))) // C1
    return failure();
  if (getPositions() &&
      failed(verifyPositions(*this, *getPositions(), axis.numRows()))) // C2
    return failure();
  if (getFill() == AbsentToken::Unknown || getFill() == AbsentToken::Mean)
    return emitOpError("fills with '") // C3
           << stringifyAbsentToken(getFill())
           << "', which is none of zero, one, lowest and highest";
  return success();
}

LogicalResult ScaleToPresentOp::verify() {
  if (!isa<FloatType>(getValue().getType().getElementType())) // C1
    return emitOpError("scales ") << getValue().getType() << ", which holds no floats";
  return success();
}

/// Rows chosen along a token axis are a demand on just those; other axes pass.
FlowTransfer SelectRowsOp::transferTokenFlow(ArrayRef<TokenFlow> operands) {
  FlowTransfer transfer;
  auto &uses = transfer.uses.emplace_back();
  for (const TokenAxis &axis : operands[0].axes) {
    if (axis.dim != static_cast<int64_t>(getDim())) {
      uses.push_back({axis, RowMap::same(transfer.axes.size())});
      transfer.axes.push_back(axis);
      continue;
    }
    if (axis.inner != static_cast<int64_t>(getInner()) ||
        axis.numRows() != static_cast<int64_t>(getExtent()))
      return FlowTransfer::whole("selects entries that are not whole tokens");
    uses.push_back({axis, RowMap::pick(getIndices())});
    transfer.reason = "takes single tokens";
  }
  return transfer;
}

FailureOr<Value> SelectRowsOp::buildOnRows(OpBuilder &builder,
                                           const RowsRequest &request) {
  if (request.operands[0].getType() == request.resultType)
    return request.operands[0];
  return cloneOnRows(*this, builder, request);
}

#define GET_OP_CLASSES
#include "weir/Dialect/Weir/WeirOps.cpp.inc"
