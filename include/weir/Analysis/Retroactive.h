//===- Retroactive.h - Attentions that a step may update ------------------===//
// softmax(S) V, wanted in all rows, where S slides along queries and keys and V slides:
// a step changes each row by the key that leaves and the key that enters (Hedegaard &
// Iosifidis, Continual Transformers, ICLR 2023, eq. 5-7).

#ifndef WEIR_ANALYSIS_RETROACTIVE_H
#define WEIR_ANALYSIS_RETROACTIVE_H

#include "weir/Analysis/TokenFlow.h"
#include "weir/Interfaces/Enums.h"

namespace weir {

/// softmax(scores) values, with dimensions [.., queries, keys] and [.., keys, features].
struct RetroactiveMatch {
  mlir::Operation *softmax = nullptr, *product = nullptr;
  mlir::Value scores, values;
  TokenAxis queries, keys; ///< in the scores
  TokenAxis tokens;        ///< in the values

  /// Queries that every step builds: the new ones, and those that are no tokens.
  int64_t numNewQueries() const { return queries.chunk + queries.lead + queries.tail; }
};

/// The attention that `result` is, if a step may update it.
std::optional<RetroactiveMatch> matchRetroactive(mlir::Value result,
                                                 const TokenFlowAnalysis &flows);

} // namespace weir

#endif // WEIR_ANALYSIS_RETROACTIVE_H
