//===- StepReport.h - What a rewrite chose, and what it saves -------------===//

#ifndef WEIR_ANALYSIS_STEPREPORT_H
#define WEIR_ANALYSIS_STEPREPORT_H

#include "weir/Analysis/StepPlan.h"

namespace weir {

/// One softmax over a token axis.
struct AttentionReport {
  std::string node;
  /// Rows of queries that a step computes: "all", or positions.
  std::string rows;
  /// Do the scores, and the values they weigh, slide?
  bool scoresSlide = false;
  bool valuesSlide = false;
  /// "rows" where a step computes the wanted queries against rings or full values,
  /// "regular" where it computes all of them, "retroactive" where it updates them.
  std::string form;
  /// Why the scores do not slide; empty where they do.
  std::string reason;
};

/// An op because of which values are computed again for the whole window.
struct BlameReport {
  std::string node;
  std::string op;
  std::string reason;
  std::string help;         ///< what its model's author can do
  int64_t macs = 0;         ///< multiply-accumulates of a step that are made again
  mlir::LocationAttr where; ///< of the op
};

/// Something else that a user could choose or train.
struct Advice {
  std::string what;     ///< the option, or the kind of model
  std::string meaning;  ///< of it
  int64_t macsStep = 0; ///< multiply-accumulates of a step then
  int64_t tokens = 1;   ///< that such a step takes in
  bool changesNumbers = false;
};

struct StepReport {
  int64_t macsStep = 0;         ///< multiply-accumulates of one step
  int64_t macsStepWorst = 0;    ///< of one that builds all rows of updated attentions
  int64_t macsWindow = 0;       ///< of the window function as it stands
  int64_t macsWindowPruned = 0; ///< of the window function without rows nobody reads
  int64_t stateBytes = 0;
  int64_t scratchBytes = 0; ///< of a compiled step; 0 where none was lowered
  bool isRounded = false;   ///< scores of an attention slide up to rounding only
  std::vector<AttentionReport> attentions;
  std::vector<BlameReport> blame; ///< the dearest first
  std::vector<Advice> advice;     ///< where asked for

  /// Less than a tenth of what a good runtime needs for the window?
  bool savesLittle() const {
    return macsWindow > 0 && 10 * static_cast<double>(macsStep) > 9.0 * macsWindowPruned;
  }
};

/// Multiply-accumulates of every op of a function as it stands.
int64_t countWindowMacs(mlir::func::FuncOp function);

StepReport makeStepReport(mlir::func::FuncOp function, const TokenFlowAnalysis &flows,
                          const StepPlan &plan);

} // namespace weir

#endif // WEIR_ANALYSIS_STEPREPORT_H
