//===- ReportSaving.cpp - Say what a step saves, and what keeps it from more =//
// Measured against the window without rows that nobody reads: what any good runtime
// takes.

#include "ReportSaving.h"
#include "mlir/IR/Remarks.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;

void weir::remarkReport(func::FuncOp window, const StepReport &report) {
  namespace remark = mlir::remark;
  auto opts = remark::RemarkOpts::name("continual").category("weir");
  for (const AttentionReport &attention : report.attentions)
    remark::passed(window.getLoc(), opts)
        << "attention" << remark::metric("node", attention.node)
        << remark::metric("rows", attention.rows)
        << remark::metric("form", attention.form);
  for (const BlameReport &blame : report.blame)
    remark::missed(blame.where, opts)
        << remark::reason("node '{0}' ({1}): {2}", blame.node, blame.op, blame.reason)
        << remark::suggest("{0}", blame.help) << remark::metric("macs", blame.macs);
  if (report.savesLittle())
    remark::missed(window.getLoc(), opts)
        << remark::reason("a step saves {0} over the window",
                          report.macsStep < report.macsWindowPruned ? "little"
                                                                    : "nothing")
        << remark::metric("step", report.macsStep)
        << remark::metric("window", report.macsWindowPruned);
}

LogicalResult weir::checkSaving(func::FuncOp window, const StepReport &report,
                                const ContinualOptions &options) {
  if (!report.savesLittle())
    return success();
  const BlameReport *blame = report.blame.empty() ? nullptr : &report.blame.front();
  Location where = blame ? Location(blame->where) : window.getLoc();
  InFlightDiagnostic diagnostic =
      options.requireIncremental ? emitError(where) : emitWarning(where);
  if (blame)
    diagnostic << "node '" << blame->node << "' (" << blame->op << "): " << blame->reason
               << ": ";
  bool savesNothing = report.macsStep >= report.macsWindowPruned;
  diagnostic << "a step saves " << (savesNothing ? "nothing" : "little")
             << " over the window: it takes " << report.macsStep
             << " multiply-accumulates, the window " << report.macsWindowPruned;
  if (blame)
    attachHelp(diagnostic, blame->help);
  else
    attachHelp(diagnostic, "what a step computes is new: if fewer tokens a step are no "
                           "choice, run the window as it stands");
  return success(!options.requireIncremental);
}
