//===- MakeContinual.h - One token in, one prediction out -----------------===//

#ifndef WEIR_TRANSFORMS_MAKECONTINUAL_H
#define WEIR_TRANSFORMS_MAKECONTINUAL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "weir/Analysis/StepReport.h"
#include "weir/Interfaces/TokenAxis.h"

namespace weir {

/// What a step equals.
enum class Semantics {
  Window, ///< the model on the last window of tokens
  Stream, ///< the model on the whole stream so far
  Deep,   ///< as Stream, of the model whose attentions all see a window of tokens
};

/// What a table of absolute positions means once the window slides.
enum class Positions {
  Reject,  ///< an error that names the node and the choices
  Exact,   ///< tied to window slots: what it touches is recomputed
  Recycle, ///< follows the tokens: the token of stream time t keeps row t mod period
};

/// When attentions that a step may update (see Retroactive.h) are.
enum class Retroactive {
  Auto,   ///< where that takes fewer multiply-accumulates
  Always, ///< wherever it can be done
  Never,
};

/// When the frequencies of tokens (see Frequencies.h) are updated.
enum class Frequencies {
  Auto,   ///< where that takes fewer multiply-accumulates
  Always, ///< wherever it can be done
  Never,  ///< they are those of the window, computed again
};

/// Are scores of rotary positions kept from step to step? They are equal up to the
/// rounding of their tables, which is no identity of formulas.
enum class Rotary {
  Slide,     ///< as other scores that depend on the distance of two tokens
  Recompute, ///< no: what follows from them is that of the window, bit by bit
};

/// What a step does before the window is full.
enum class Warmup {
  Wait,    ///< its outputs mean nothing
  Partial, ///< they are those of the model on the tokens that have come
};

/// Functions that a rewritten model has beside `@window`.
enum class Entries {
  Step, ///< `@init` and `@step`
  All,  ///< and `@push`, `@predict`, `@prime`
};

/// The order of tokens in a state.
enum class StateOrder {
  Ring,  ///< slot order: new tokens overwrite old ones, a counter tells where
  Shift, ///< window order: every token moves each step, nothing depends on a counter
};

struct ContinualOptions {
  /// `INPUT=AXIS` for each streamed input; empty: inferred.
  llvm::SmallVector<std::string> tokenAxes;
  /// Tokens that enter per step.
  int64_t chunk = 1;
  Semantics semantics = Semantics::Window;
  Positions positions = Positions::Reject;
  /// Of Positions::Recycle; 0 is the window. What is longer needs the tables' further
  /// rows (see getFullTableName).
  int64_t period = 0;
  Rotary rotary = Rotary::Slide;
  /// "all", "last", "first" or a position, negative ones from the end: which rows of
  /// outputs that have a token axis are wanted.
  std::string rows = "all";
  /// Refuse a step that saves nothing over the window.
  bool requireIncremental = false;
  Warmup warmup = Warmup::Wait;
  Retroactive retroactive = Retroactive::Auto;
  RetroactiveForm form = RetroactiveForm::Guarded;
  Frequencies frequencies = Frequencies::Auto;
  Entries entries = Entries::Step;
  StateOrder layout = StateOrder::Ring;
  /// Report what else would make a step cheaper.
  bool advise = false;
};

/// Do outputs come before the window is full?
inline bool givesEarlyOutputs(const ContinualOptions &options) {
  return options.warmup == Warmup::Partial || options.semantics != Semantics::Window;
}

using ArgumentAxes = llvm::SmallVector<std::optional<TokenAxis>>;

/// The axis of the first streamed input, whose rate is that of all; none where none is.
inline std::optional<TokenAxis> getStreamedAxis(const ArgumentAxes &axes) {
  for (const std::optional<TokenAxis> &axis : axes)
    if (axis)
      return axis;
  return std::nullopt;
}

/// The axes named by `options.tokenAxes` or, for `window` with static shapes, the one
/// choice under which queries meet keys in a softmax. Fails with an error.
mlir::FailureOr<ArgumentAxes> findTokenAxes(mlir::func::FuncOp window,
                                            const ContinualOptions &options);

/// How well `axes` fit the arguments of `window`: without a softmax over a token axis, a
/// map along tokens or a choice among them it is 0, more of them are better; among equals
/// fewer operands whose axes do not line up, then more values that slide.
uint64_t scoreTokenAxes(mlir::func::FuncOp window, const ArgumentAxes &axes);
/// The softmaxes, maps and choices that a score counts.
uint64_t countMeetings(uint64_t score);

/// Makes `window` return only `rows` (as in ContinualOptions) of the outputs that have a
/// token axis. Fails with an error when a row does not exist.
llvm::LogicalResult selectOutputRows(mlir::func::FuncOp window, const ArgumentAxes &axes,
                                     llvm::StringRef rows);

/// The attribute of an op that adds a position table as that operand, with more of its
/// rows than the window has.
std::string getFullTableName(unsigned operand);

/// Masks, in every softmax of `window` over a token axis, the keys that are more than
/// `before` tokens of the inputs back or `after` ahead of the query. An attention that
/// cannot be masked so stays, and a remark says why.
void bandAttentions(mlir::func::FuncOp window, const ArgumentAxes &axes, int64_t before,
                    int64_t after);

/// How far back the attentions of `Semantics::Deep` see: the oldest of the new tokens and
/// what it sees fill a window.
int64_t getDeepReach(const ArgumentAxes &axes);

/// Adds the entries (and, with recycled tables, `@window_recycled`) to a module
/// whose `@window` is specialised and canonical. Reports costs and reasons.
mlir::FailureOr<StepReport> makeContinual(mlir::ModuleOp module,
                                          const ContinualOptions &options);

} // namespace weir

#endif // WEIR_TRANSFORMS_MAKECONTINUAL_H
