//===- Site.cpp - Which attentions can go into clusters -------------------===//

#include "Clustered.h"
#include "mlir/IR/OperationSupport.h"
#include "weir/Support/TensorTypes.h"
#include "weir/Transforms/RaiseAttention.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::cast_attention;

/// Are both one value, or made alike of the same ones?
static bool isSame(Value a, Value b) {
  if (a == b)
    return true;
  Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  return x && y &&
         OperationEquivalence::isEquivalentTo(
             x, y, [](Value a, Value b) { return success(isSame(a, b)); }, nullptr,
             OperationEquivalence::IgnoreLocations);
}

int64_t Site::inputWidth() { return input ? shapeOf(input).back() : 0; }

FailureOr<Site> cast_attention::findSite(weir::AttentionOp op, std::string &why) {
  auto refuse = [&](const Twine &reason) {
    why = reason.str();
    return failure();
  };
  if (op.getFunction() != AttentionFunction::Softmax)
    return refuse("its weights are no softmax");
  if (op.numQueries() != op.numKeys())
    return refuse("it has " + Twine(op.numQueries()) + " queries for " +
                  Twine(op.numKeys()) + " keys, which cannot share clusters");
  if (classifyBias(op) == AttentionBias::Position)
    return refuse("its scores have a bias of positions, or a mask that is none of keys");
  FailureOr<Projection> q = findProjection(op.getQ()), k = findProjection(op.getK());
  FailureOr<Projection> v = findProjection(op.getV());
  if (failed(q) && failed(k) && failed(v)) {
    q = findTokens(op.getQ());
    k = findTokens(op.getK());
    v = findTokens(op.getV());
    // Of tokens turned by their places, values are another view than queries.
    if (succeeded(q) &&
        (failed(k) || failed(v) || q->input != k->input || q->input != v->input))
      q = failure();
  }
  if (failed(q) || failed(k))
    return refuse("its queries or keys are no product of tokens with a constant, nor "
                  "what its values are");
  ArrayRef<int64_t> lead = shapeOf(op.getResult()).drop_back(2);
  FailureOr<HeadLayout> layout = HeadLayout::get(*q, lead);
  if (failed(layout))
    return refuse("how its heads lie in the features of its queries is not known");
  Site site = {op, *q, *k, *layout, Value()};
  if (succeeded(v) && isSame(q->input, k->input) && isSame(q->input, v->input))
    site.input = q->input;
  return site;
}

int64_t cast_attention::countMacs(Site &site, int64_t clusters, int64_t size,
                                  const CastOptions &options) {
  int64_t tokens = site.op.numKeys(), heads = site.layout.numHeads();
  int64_t width = site.width(), valueWidth = heads * site.op.numValueFeatures();
  // Of queries, keys, values and the output.
  int64_t macs =
      site.queries.isProduct ? tokens * 2 * (width * width + valueWidth * valueWidth) : 0;
  if (clusters == 0) {
    macs += tokens * tokens * (width + valueWidth);
  } else {
    macs += 2 * tokens * clusters * width;
    macs += clusters * size * size * (width + valueWidth);
    if (options.summaries)
      macs += clusters * size * valueWidth + tokens * clusters * valueWidth;
  }
  return macs * site.layout.numSequences();
}

FailureOr<QueriesAndKeys> weir::makeQueriesAndKeys(weir::AttentionOp op,
                                                   std::string &why) {
  FailureOr<Site> site = findSite(op, why);
  if (failed(site))
    return failure();
  OpBuilder builder(op);
  OnnxBuilder make(builder, op.getLoc());
  auto join = [&](Value value, double factor) {
    value = make.transpose(site->layout.split(make, value), {0, 2, 1, 3});
    value =
        make.reshape(value, {site->layout.numSequences(), op.numKeys(), site->width()});
    return factor == 1 ? value
                       : make.mul(value, make.scalar(1 / factor, getElementType(value)));
  };
  return QueriesAndKeys{join(op.getQ(), site->queries.factor),
                        join(op.getK(), site->keys.factor)};
}
