//===- Clusters.cpp - Lower the ops of clusters to ONNX's operators -------===//
// cluster_affinity    ==>  f(keys) + Sigmoid(phi) (f(queries) - f(keys))
// choose_clusters     ==>  TopK of the transposed affinities, -1 for those of -inf
// gather_tokens       ==>  GatherND, zeros for -1
// scatter_add_tokens  ==>  ScatterElements of sums
// cluster_members     ==>  ScatterElements of ones
// Legal for all but single assignment, which takes one token after the other.

#include "weir/Conversion/Passes.h"
#include "weir/Dialect/Onnx/AttentionWeights.h"
#include "weir/Dialect/Weir/Weir.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/NodeDiagnostics.h"
#include "weir/Support/TensorTypes.h"
#include <cmath>

namespace weir {
#define GEN_PASS_DEF_CONVERTCLUSTERSTOONNX
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static Shape joined(ArrayRef<int64_t> first, ArrayRef<int64_t> last) {
  Shape shape(first);
  llvm::append_range(shape, last);
  return shape;
}

namespace {
/// Makes what takes the place of one op.
class Spelling {
public:
  explicit Spelling(Operation *op) : builder(op), make(builder, op->getLoc()) {}
  Value of(ClusterAffinityOp op);
  Value of(ChooseClustersOp op);
  Value of(GatherTokensOp op);
  Value of(ScatterAddTokensOp op);
  Value of(ClusterMembersOp op);

private:
  Value integer(int64_t value);
  Value expand(Value value, ArrayRef<int64_t> shape);
  Value isEmpty(Value indices) { return make.make<LessOp>(indices, integer(0)); }
  Value addAt(ArrayRef<int64_t> shape, Value indices, Value updates, int64_t axis);

  OpBuilder builder;
  OnnxBuilder make;
};
} // namespace

Value Spelling::integer(int64_t value) {
  auto type = RankedTensorType::get({}, builder.getI64Type());
  return make.constant(HostTensor::fromInts(type, {value}).toAttr());
}

Value Spelling::expand(Value value, ArrayRef<int64_t> shape) {
  return shapeOf(value) == shape ? value : make.make<ExpandOp>(value, make.ints(shape));
}

Value Spelling::of(ClusterAffinityOp op) {
  Value queries = makeWeights(make, op.getFunction(), op.getQueries());
  Value keys = makeWeights(make, op.getFunction(), op.getKeys());
  Value gate = make.make<SigmoidOp>(op.getPhi());
  return make.add(keys, make.mul(gate, make.sub(queries, keys)));
}

Value Spelling::of(ChooseClustersOp op) {
  Value byCluster = make.transposeMatrix(op.getAffinity());
  SmallVector<Value> best =
      make.makeAll<TopKOp>(2, byCluster, make.ints(static_cast<int64_t>(op.getSize())),
                           int64_t(-1), int64_t(1), int64_t(1));
  Value lowest = make.scalar(-INFINITY, getElementType(op.getAffinity()));
  Value isTaken = make.make<GreaterOp>(best[0], lowest);
  return make.make<WhereOp>(isTaken, best[1], integer(-1));
}

/// All leading dimensions are spelled out, as GatherND wants them.
Value Spelling::of(GatherTokensOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getRows());
  ArrayRef<int64_t> lead = shape.drop_back(3),
                    places = shapeOf(op.getIndices()).take_back(2);
  Value tokens =
      expand(op.getTokens(), joined(lead, shapeOf(op.getTokens()).take_back(2)));
  Value indices = expand(op.getIndices(), joined(lead, places));
  Value vectors = make.reshape(indices, joined(shape.drop_back(1), {1}));
  Value rows = make.make<GatherNDOp>(tokens, vectors, static_cast<int64_t>(lead.size()));
  Value zero = make.scalar(0, getElementType(tokens));
  return make.make<WhereOp>(isEmpty(vectors), zero, rows);
}

/// Zeros to which `updates` are added at `indices` along `axis`.
Value Spelling::addAt(ArrayRef<int64_t> shape, Value indices, Value updates,
                      int64_t axis) {
  Value zeros = expand(make.scalar(0, getElementType(updates)), shape);
  return make.make<ScatterElementsOp>(zeros, indices, updates, axis, StringRef("add"));
}

/// An empty place adds zeros to the last token.
Value Spelling::of(ScatterAddTokensOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getSums());
  ArrayRef<int64_t> lead = shape.drop_back(2),
                    places = shapeOf(op.getIndices()).take_back(2);
  int64_t count = places[0] * places[1], features = shape.back();
  Value indices = make.reshape(op.getIndices(),
                               joined(shapeOf(op.getIndices()).drop_back(2), {count, 1}));
  indices = expand(indices, joined(lead, {count, features}));
  Value rows = make.reshape(
      op.getRows(), joined(shapeOf(op.getRows()).drop_back(3), {count, features}));
  rows = expand(rows, joined(lead, {count, features}));
  Value zero = make.scalar(0, getElementType(rows));
  rows = make.make<WhereOp>(isEmpty(indices), zero, rows);
  return addAt(shape, indices, rows, static_cast<int64_t>(lead.size()));
}

Value Spelling::of(ClusterMembersOp op) {
  ArrayRef<int64_t> shape = shapeOf(op.getMembers());
  Type element = getElementType(op.getMembers());
  Value ones = make.make<WhereOp>(isEmpty(op.getIndices()), make.scalar(0, element),
                                  make.scalar(1, element));
  Shape byCluster = joined(shape.drop_back(2), {shape.end()[-1], shape.end()[-2]});
  Value members =
      addAt(byCluster, op.getIndices(), ones, static_cast<int64_t>(shape.size()) - 1);
  return make.transposeMatrix(members);
}

namespace {
struct ConvertClustersToOnnx
    : weir::impl::ConvertClustersToOnnxBase<ConvertClustersToOnnx> {
  using ConvertClustersToOnnxBase::ConvertClustersToOnnxBase;

  template <typename Op>
  void lowerAll() {
    getOperation().walk([](Op op) {
      op.replaceAllUsesWith(Spelling(op).of(op));
      op.erase();
    });
  }

  void runOnOperation() override {
    lowerAll<ClusterAffinityOp>();
    if (onlyAffinity)
      return;
    WalkResult assigned = getOperation().walk([](ChooseClustersOp op) {
      if (op.getClustering() == Clustering::TopK)
        return WalkResult::advance();
      InFlightDiagnostic error =
          emitNodeError(op) << "assigns one token after the other to clusters, for which "
                               "ONNX has no operator";
      attachHelp(error, "choose clustering=topk, or compile the model");
      return WalkResult::interrupt();
    });
    if (assigned.wasInterrupted())
      return signalPassFailure();
    lowerAll<ChooseClustersOp>();
    lowerAll<GatherTokensOp>();
    lowerAll<ScatterAddTokensOp>();
    lowerAll<ClusterMembersOp>();
  }
};
} // namespace
