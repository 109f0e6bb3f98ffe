//===- BestTokens.h - The best of many tokens, in little memory -----------===//

#ifndef WEIR_LIB_CONVERSION_WEIRTOLINALG_CLUSTERS_BESTTOKENS_H
#define WEIR_LIB_CONVERSION_WEIRTOLINALG_CLUSTERS_BESTTOKENS_H

#include "Loops.h"

namespace weir::clusters {

/// Keeps the best `limit` tokens of those that it is offered, in a heap of which the
/// worst one stands first. A token is better than another by its value, among equals by
/// its lower number; places that nobody took hold -inf and -1, which no token is worse
/// than.
///
///   offered (0.3, 0) (0.9, 1) (0.3, 2) (-inf, 3) with 2 places: (0.9, 1) (0.3, 0)
class BestTokens {
public:
  /// Of `places` places all are empty.
  BestTokens(Loops &loops, int64_t places, mlir::Type number);
  BestTokens(Loops &loops, mlir::ValueRange carried)
      : loops(loops), numbers(carried[0]), tokens(carried[1]) {}
  /// What a loop has to carry: the values and the tokens.
  Loops::Values carried() const { return {numbers, tokens}; }

  /// Takes a token in, unless the first `limit` places hold better ones or there are
  /// none.
  void offer(mlir::Value number, mlir::Value token, mlir::Value limit);
  /// Orders the first `limit` places, the best first; they are no heap then.
  void sort(mlir::Value limit);
  mlir::Value getTokens() const { return tokens; }

private:
  /// Puts a token into the heap of `size` places instead of the first one.
  void replaceWorst(mlir::Value number, mlir::Value token, mlir::Value size);
  mlir::Value isBetter(mlir::Value x, mlir::Value xToken, mlir::Value y,
                       mlir::Value yToken);

  Loops &loops;
  mlir::Value numbers, tokens;
};

} // namespace weir::clusters

#endif // WEIR_LIB_CONVERSION_WEIRTOLINALG_CLUSTERS_BESTTOKENS_H
