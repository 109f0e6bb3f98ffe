//===- Frequencies.h - Transforms of tokens that a step may update --------===//
// Of tokens that slide, the lowest frequencies change by the tokens that leave and enter:
// 64 tokens by 1, of which an op reads 16 frequencies, are 16 sums to which one token is
// added and from which one is subtracted, in place of 16 sums of 64 tokens.

#ifndef WEIR_ANALYSIS_FREQUENCIES_H
#define WEIR_ANALYSIS_FREQUENCIES_H

#include "weir/Analysis/TokenFlow.h"
#include "weir/Interfaces/FrequencyOpInterface.h"

namespace weir {

/// The axis of operand 0 of `op` whose frequencies a step may update: whole tokens in
/// their dimension, of which each step only brings new ones at the end.
std::optional<TokenAxis> findFrequencyAxis(mlir::Operation *op,
                                           const TokenFlowAnalysis &flows);

/// What is kept of them, in the order of the op that updates them: names, and their type.
llvm::ArrayRef<llvm::StringRef> frequencyStates();
mlir::RankedTensorType getFrequencyType(FrequencyOpInterface op);

} // namespace weir

#endif // WEIR_ANALYSIS_FREQUENCIES_H
