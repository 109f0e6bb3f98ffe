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
};

struct StepReport {
  int64_t macsStep = 0;         ///< multiply-accumulates of one step
  int64_t macsStepWorst = 0;    ///< of one that builds all rows of updated attentions
  int64_t macsWindow = 0;       ///< of the window function as it stands
  int64_t macsWindowPruned = 0; ///< of the window function without rows nobody reads
  int64_t stateBytes = 0;
  bool isRounded = false; ///< scores of an attention slide up to rounding only
  std::vector<AttentionReport> attentions;
  std::vector<BlameReport> blame;

  double saving() const {
    return macsStep ? static_cast<double>(macsWindow) / macsStep : 1.0;
  }
};

StepReport makeStepReport(mlir::func::FuncOp function, const TokenFlowAnalysis &flows,
                          const StepPlan &plan);

} // namespace weir

#endif // WEIR_ANALYSIS_STEPREPORT_H
