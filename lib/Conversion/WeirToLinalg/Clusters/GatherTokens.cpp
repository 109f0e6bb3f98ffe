//===- GatherTokens.cpp - Lower what copies the tokens of clusters --------===//
// gather_tokens %x, %i                          ==>  for each place a copy of one row
// extract_slice (gather_tokens %x, %i) of one   ==>  a loop that copies the rows of this
//   cluster's places                                 block, in front of what repeats it
// A row is read where it lies: in what transposes and other views of units were made of.
// Where all uses are such blocks, as those of an attention are, no others are held. A
// place whose index is no token, -1 or other, gets zeros.

#include "../Lowerings.h"
#include "Loops.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Dialect/Onnx/Geometry.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/TensorTypes.h"

using namespace mlir;
using namespace weir;
using namespace weir::clusters;

using IPredicate = arith::CmpIPredicate;
using Values = Loops::Values;

namespace {
/// Where the rows of `tokens`, [.., tokens, features], lie in memory:
///
///   transpose of 7x3x4 to 3x7x4   source 7x3x4, dims [1, 0], rowDim 2
///   reshape of 3x7 to 3x7x1       source 3x7,   dims [0, 1], rowDim -1
struct RowSource {
  explicit RowSource(Value tokens);
  Value row(Loops &loops, ArrayRef<Value> at) const;

  Value value;
  /// For each dimension of `tokens` but the last that of `value`; -1 for sizes of 1.
  SmallVector<int64_t> dims;
  int64_t rowDim; ///< that of the features; -1 for one feature

private:
  bool readThrough(onnx::TransposeOp op);
  bool readThrough(onnx::ReshapeOp op);
  void replaceDims(function_ref<int64_t(int64_t)> sourceOf) {
    for (int64_t &dim : dims)
      dim = dim < 0 ? dim : sourceOf(dim);
    rowDim = rowDim < 0 ? rowDim : sourceOf(rowDim);
  }
};

/// Copies rows for one `weir.gather_tokens`.
class Gathering {
public:
  explicit Gathering(GatherTokensOp op)
      : op(op), source(op.getTokens()), indices(op.getIndices()),
        type(op.getRows().getType()) {}
  bool isBlock(Operation *use);
  Value copyBlock(tensor::ExtractSliceOp block);
  Value copyAll(OpBuilder &builder);

private:
  /// `rows` with the row of place `at`, (.., cluster, place), at `to`.
  Value copyRow(Loops &loops, ArrayRef<Value> at, Value rows, ArrayRef<Value> to);
  /// The outermost loop around `block` that copies the same rows again and again.
  Operation *getRepetition(tensor::ExtractSliceOp block);

  GatherTokensOp op;
  RowSource source;
  Value indices;
  RankedTensorType type;
};
} // namespace

RowSource::RowSource(Value tokens) : value(tokens) {
  ArrayRef<int64_t> shape = shapeOf(tokens);
  auto dimOf = [&](int64_t dim) { return shape[dim] == 1 ? -1 : dim; };
  for (int64_t dim = 0, last = shape.size() - 1; dim < last; ++dim)
    dims.push_back(dimOf(dim));
  rowDim = dimOf(shape.size() - 1);
  for (bool isView = true; isView;) {
    Operation *made = value.getDefiningOp();
    isView = false;
    if (auto transpose = dyn_cast_or_null<onnx::TransposeOp>(made))
      isView = readThrough(transpose);
    else if (auto reshape = dyn_cast_or_null<onnx::ReshapeOp>(made))
      isView = readThrough(reshape);
  }
}

/// A row of several features has to stay one piece of memory.
bool RowSource::readThrough(onnx::TransposeOp op) {
  SmallVector<int64_t> perm;
  for (int64_t dim = shapeOf(op.getData()).size() - 1; dim >= 0; --dim)
    perm.push_back(dim); // where none is given
  if (std::optional<ArrayAttr> given = op.getPerm())
    perm = onnx::getInts(*given);
  int64_t last = perm.size() - 1;
  if (rowDim >= 0 && (rowDim != last || perm[last] != last))
    return false;
  replaceDims([&](int64_t dim) { return perm[dim]; });
  value = op.getData();
  return true;
}

/// Dimensions of size 1 come and go.
bool RowSource::readThrough(onnx::ReshapeOp op) {
  auto sizesOf = [](Value tensor, SmallVectorImpl<int64_t> &places) {
    SmallVector<int64_t> sizes;
    for (auto [dim, size] : llvm::enumerate(shapeOf(tensor)))
      if (size != 1) {
        places.push_back(dim);
        sizes.push_back(size);
      }
    return sizes;
  };
  SmallVector<int64_t> to, from;
  if (sizesOf(op.getResult(), to) != sizesOf(op.getData(), from))
    return false;
  replaceDims([&](int64_t dim) { return from[llvm::find(to, dim) - to.begin()]; });
  value = op.getData();
  return true;
}

/// The features of the token at `at`, as a tensor of rank 1.
Value RowSource::row(Loops &loops, ArrayRef<Value> at) const {
  auto sourceType = cast<RankedTensorType>(value.getType());
  ImplicitLocOpBuilder &b = loops.b;
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets(sourceType.getRank(), zero),
      sizes(offsets.size(), one), ones(offsets.size(), one);
  for (auto [dim, index] : llvm::zip_equal(dims, at))
    if (dim >= 0)
      offsets[dim] = index;
  int64_t features = rowDim < 0 ? 1 : sourceType.getDimSize(rowDim);
  if (rowDim >= 0)
    sizes[rowDim] = b.getIndexAttr(features);
  auto rowType = RankedTensorType::get({features}, sourceType.getElementType());
  return tensor::ExtractSliceOp::create(b, rowType, value, offsets, sizes, ones);
}

Value Gathering::copyRow(Loops &loops, ArrayRef<Value> at, Value rows,
                         ArrayRef<Value> to) {
  SmallVector<Value> place =
      leadingIndices(loops, indices, /*numInner=*/2, at.drop_back(2));
  llvm::append_range(place, at.take_back(2));
  Value token = loops.get(indices, place);
  // -1 is the largest number without a sign.
  Value isToken =
      loops.is(IPredicate::ult, token, loops.integer(shapeOf(op.getTokens()).end()[-2]));
  auto copy = [&]() -> Values {
    SmallVector<Value> from =
        leadingIndices(loops, op.getTokens(), /*numInner=*/2, at.drop_back(2));
    from.push_back(loops.toIndex(token));
    return {loops.setRow(rows, to, source.row(loops, from))};
  };
  auto clear = [&]() -> Values {
    Value zero = loops.number(type.getElementType(), 0);
    Value row = linalg::FillOp::create(loops.b, zero, loops.row(rows, to)).getResult(0);
    return {loops.setRow(rows, to, row)};
  };
  return loops.choose(isToken, rows, copy, clear).front();
}

Value Gathering::copyAll(OpBuilder &builder) {
  Loops loops(builder, op.getLoc());
  Value rows = loops.empty(type.getShape(), type.getElementType());
  return loops.nest(
      type.getShape().drop_back(1), rows,
      [&](ArrayRef<Value> at, Value rows) -> Value {
        return copyRow(loops, at, rows, at);
      },
      /*numParallel=*/type.getRank() - 1);
}

/// Is it a matrix of rows of one cluster?
bool Gathering::isBlock(Operation *use) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(use);
  if (!slice || slice.getType().getRank() != 2 || !slice.hasUnitStride())
    return false;
  int64_t numLeading = type.getRank() - 2;
  return llvm::all_of(slice.getStaticSizes().take_front(numLeading),
                      [](int64_t size) { return size == 1; }) &&
         slice.getStaticSizes().drop_front(numLeading) == slice.getType().getShape() &&
         slice.getStaticSizes().back() == type.getShape().back();
}

Operation *Gathering::getRepetition(tensor::ExtractSliceOp block) {
  Operation *repeated = block;
  for (auto loop = dyn_cast<scf::ForOp>(block->getParentOp()); loop;
       loop = dyn_cast<scf::ForOp>(loop->getParentOp())) {
    if (!llvm::all_of(block.getOffsets(),
                      [&](Value value) { return loop.isDefinedOutsideOfLoop(value); }))
      break;
    repeated = loop;
  }
  return repeated;
}

Value Gathering::copyBlock(tensor::ExtractSliceOp block) {
  OpBuilder builder(getRepetition(block));
  Loops loops(builder, op.getLoc());
  SmallVector<Value> at;
  SmallVector<OpFoldResult> offsets = block.getMixedOffsets();
  for (OpFoldResult offset : ArrayRef(offsets).drop_back(1))
    at.push_back(getValueOrCreateConstantIndexOp(loops.b, loops.b.getLoc(), offset));
  Value first = at.pop_back_val();
  RankedTensorType blockType = block.getType();
  Value rows = loops.empty(blockType.getShape(), blockType.getElementType());
  return loops
      .repeat(loops.index(blockType.getDimSize(0)), rows,
              [&](Value i, ValueRange rows) -> Values {
                SmallVector<Value> place(at);
                place.push_back(loops.b.createOrFold<arith::AddIOp>(first, i));
                return {copyRow(loops, place, rows[0], i)};
              })
      .front();
}

static void lower(GatherTokensOp op) {
  Gathering gathering(op);
  IRRewriter rewriter(op);
  SmallVector<Operation *> uses(op->getUsers());
  // One use that reads all holds all: the others read of it.
  if (!llvm::all_of(uses, [&](Operation *use) { return gathering.isBlock(use); })) {
    rewriter.replaceOp(op, gathering.copyAll(rewriter));
    return;
  }
  for (Operation *use : uses)
    rewriter.replaceOp(use, gathering.copyBlock(cast<tensor::ExtractSliceOp>(use)));
  rewriter.eraseOp(op);
}

void weir::lowerClusterGathers(Operation *root) {
  SmallVector<GatherTokensOp> gathers;
  root->walk([&](GatherTokensOp op) { gathers.push_back(op); });
  llvm::for_each(gathers, lower);
}
