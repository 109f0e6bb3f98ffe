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
#include <cmath>

namespace weir {
#define GEN_PASS_DEF_CONVERTCLUSTERSTOONNX
#include "weir/Conversion/Passes.h.inc"
} // namespace weir
using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

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
  }
};
} // namespace
