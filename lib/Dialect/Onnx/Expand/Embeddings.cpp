//===- Embeddings.cpp - Fused embeddings that other operators spell out ---===//

#include "Expansion.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Rows of an embedding table.
static Value rowsOf(Expansion &x, unsigned table, Value ids) {
  return x.make<GatherOp>(x[table], ids, int64_t(0));
}

/// How many tokens of each sequence a mask [B, n] keeps.
static Value lengthsOf(Expansion &x, unsigned mask) {
  Value isKept = x.make<EqualOp>(x[mask], x.scalar(1, x.element(mask)));
  return x.reduce<ReduceSumOp>(x.cast(isKept, x.element(mask)), {1}, /*keep=*/false);
}

/// LayerNormalization(words[input] + positions[0, 1, ...] + segments[segment]); the
/// second output holds the lengths of the sequences, the third the sum. (input_ids,
/// segment_ids?, words, positions, segments?, gamma, beta, mask?, position_ids?)
static Results expandEmbedding(Expansion &x) {
  for (unsigned needed : {2, 3, 5, 6})
    if (!x.has(needed))
      return x.refuse("lacks input {0}", needed);
  if (failed(x.wantRank(0, "input_ids", 2)) ||
      failed(x.wantRank(3, "position_embedding", 2)))
    return failure();
  int64_t batch = x.shape(0)[0], tokens = x.shape(0)[1];
  if (!x.has(8) && tokens > x.shape(3)[0])
    return x.refuse("has {0} tokens, but {1} positions", tokens, x.shape(3)[0]);
  Value positions = x.has(8) ? rowsOf(x, 3, x[8]) : x.slice(x[3], 0, 0, tokens);
  Value sum = x.add(rowsOf(x, 2, x[0]), positions);
  if (x.has(1) && x.has(4))
    sum = x.add(sum, rowsOf(x, 4, x[1]));
  Value norm = x.layerNorm(sum, x[5], x[6], x.getFloat("epsilon", 1e-12));
  Value lengths;
  if (x.isRead(1))
    lengths = x.has(7) ? lengthsOf(x, 7)
                       : x.numbers(std::vector<double>(batch, 0), {batch}, x.element());
  return SmallVector<Value>{norm, lengths, sum};
}

ArrayRef<ExpandedOperator> weir::onnx::expandedEmbeddings() {
  static const ExpandedOperator rows[] = {
      {microsoft, "EmbedLayerNormalization", 1, 9, 3, expandEmbedding, {2, 0, 2}},
  };
  return rows;
}
