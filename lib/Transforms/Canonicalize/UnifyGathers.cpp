//===- UnifyGathers.cpp - Spell gathers of whole dimensions as views ------===//
// GatherND(x: [2, 5], i: [2, 1, 3, 5, 2]) with i[a, b, c, d] = (a, d)
//   ==>  Expand(Reshape(x, [2, 1, 1, 5]), [2, 1, 3, 5])
// Legal when each index counts through its dimension along one dimension of the result,
// and no two along the same. PyTorch writes masks so: mask[batch, key] for every query.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// Index vectors along the last dimension.
struct IndexVectors {
  std::vector<int64_t> values;
  Shape shape; ///< of the vectors; what is left of the tensor's

  int64_t depth() const { return values.size() / numVectors(); }
  int64_t numVectors() const { return *countElements(shape); }
  /// Does component `which` count 0, 1, 2 ... along `dim` and stay the same along others?
  bool counts(int64_t which, int64_t dim) const {
    int64_t stride = rowMajorStrides(shape)[dim];
    for (int64_t i = 0, e = numVectors(); i < e; ++i)
      if (values[i * depth() + which] != i / stride % shape[dim])
        return false;
    return true;
  }
  bool isZero(int64_t which) const {
    for (int64_t i = 0, e = numVectors(); i < e; ++i)
      if (values[i * depth() + which] != 0)
        return false;
    return true;
  }
};

struct GatherOfDims : OpRewritePattern<GatherNDOp> {
  using OpRewritePattern::OpRewritePattern;

  static std::optional<IndexVectors> readVectors(GatherNDOp op) {
    ElementsAttr attr = getConstantElements(op.getIndices());
    if (!attr || attr.getNumElements() == 0)
      return std::nullopt;
    FailureOr<HostTensor> tensor = HostTensor::get(attr);
    if (failed(tensor))
      return std::nullopt;
    return IndexVectors{tensor->getInts(), Shape(tensor->getShape().drop_back())};
  }

  /// The result dimension that walks through each indexed dimension; -1 for one of
  /// size 1.
  static std::optional<Shape> walkedDims(const IndexVectors &vectors,
                                         ArrayRef<int64_t> data) {
    Shape dims;
    for (int64_t which = 0; which < vectors.depth(); ++which) {
      int64_t found = -1;
      for (int64_t dim = 0, e = vectors.shape.size(); dim < e && found < 0; ++dim)
        if (data[which] > 1 && vectors.shape[dim] == data[which] &&
            !llvm::is_contained(dims, dim) && vectors.counts(which, dim))
          found = dim;
      if (found < 0 && (data[which] != 1 || !vectors.isZero(which)))
        return std::nullopt;
      dims.push_back(found);
    }
    return dims;
  }

  LogicalResult matchAndRewrite(GatherNDOp op, PatternRewriter &rw) const override {
    auto data = getStaticShape(op.getData()), result = getStaticShape(op.getOutput());
    std::optional<IndexVectors> vectors = readVectors(op);
    if (!data || !result || !vectors || op.getBatchDims() != 0)
      return failure();
    std::optional<Shape> dims = walkedDims(*vectors, *data);
    if (!dims)
      return failure(); // scattered: stays a gather
    // Indexed dimensions in the order of the result, then what is taken whole.
    Shape perm = llvm::to_vector(llvm::seq<int64_t>(0, data->size()));
    llvm::stable_sort(MutableArrayRef(perm).take_front(dims->size()),
                      [&](int64_t a, int64_t b) { return (*dims)[a] < (*dims)[b]; });
    Shape spread(vectors->shape.size(), 1);
    for (auto [which, dim] : llvm::enumerate(*dims))
      if (dim >= 0)
        spread[dim] = (*data)[which];
    llvm::append_range(spread, data->drop_front(dims->size()));
    OnnxBuilder make(rw, op.getLoc());
    Value view = make.reshape(make.transpose(op.getData(), perm), spread);
    if (ArrayRef<int64_t>(spread) != *result)
      view = make.make<ExpandOp>(view, make.ints(*result));
    rw.replaceOp(op, view);
    return success();
  }
};
} // namespace

void weir::populateUnifyGathersPatterns(RewritePatternSet &patterns) {
  patterns.add<GatherOfDims>(patterns.getContext());
}
