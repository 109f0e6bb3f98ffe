//===- Retroactive.h - Attentions that a step may update ------------------===//
// softmax(S) V, wanted in all rows, where S slides along queries and keys and V slides:
// a step changes each row by the key that leaves and the key that enters (Hedegaard &
// Iosifidis, Continual Transformers, ICLR 2023, eq. 5-7), and likewise by all keys that
// it makes new: those in the margins between which S and V slide, and fixed ones.
//
// Example: 8 keys by 1 behind a convolution, margins (1, 2): at a step the keys of the
// window before at 0, 1 and 7 leave, those of the new window at 0, 6 and 7 enter.

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
  Margins newQueries;      ///< between which the scores slide
  Margins newKeys;         ///< between which scores and values do

  /// Queries that every step builds: the new ones, and those that are no tokens.
  int64_t numNewQueries() const {
    return newQueries.left + newQueries.right + queries.lead + queries.tail;
  }
  /// Keys of the window before that a step takes away, and as many that it adds.
  Rows leavingKeys() const;
  Rows enteringKeys() const;
  /// One key goes for one that comes, the oldest for the newest.
  bool replacesOldest() const {
    return newKeys.left == 0 && newKeys.right == keys.chunk &&
           keys.numRows() == keys.tokens;
  }
};

/// The attention that `result` is, if a step may update it.
std::optional<RetroactiveMatch> matchRetroactive(mlir::Value result,
                                                 const TokenFlowAnalysis &flows);

} // namespace weir

#endif // WEIR_ANALYSIS_RETROACTIVE_H
