//===- Explain.h - Print what a rewrite chose -----------------------------===//

#ifndef WEIR_RUNNER_EXPLAIN_H
#define WEIR_RUNNER_EXPLAIN_H

#include "weir/Analysis/StepReport.h"
#include "weir/Runner/Compress.h"
#include "weir/Runner/NarrowError.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {

enum class ExplainFormat { Text, Json, Markdown };

/// What was rewritten; null: nothing of that kind.
struct Explanation {
  const StepReport *step = nullptr;
  const CompressReport *compression = nullptr;
  const NarrowReport *narrowing = nullptr;
};

/// Costs, one line an attention, and the ops to blame for what is computed again.
void printExplanation(llvm::raw_ostream &os, const Explanation &explanation,
                      ExplainFormat format);

} // namespace weir

#endif // WEIR_RUNNER_EXPLAIN_H
