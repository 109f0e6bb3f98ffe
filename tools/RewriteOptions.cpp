//===- RewriteOptions.cpp - Options of tools that rewrite a model ---------===//

#include "RewriteOptions.h"
#include "ModelOptions.h"

namespace cl = llvm::cl;
using namespace weir;

namespace {
enum class Rewrite { Continual, Dct, Cast, DctContinual, None };
enum class Answer { No, Yes };
} // namespace

static cl::opt<Rewrite> rewrite(
    "rewrite", cl::desc("How the model is run"), cl::init(Rewrite::Continual),
    cl::values(clEnumValN(Rewrite::Continual, "continual", "step by step (default)"),
               clEnumValN(Rewrite::Dct, "dct",
                          "with attention on its lowest frequencies"),
               clEnumValN(Rewrite::Cast, "cast",
                          "with CAST-style attention in clusters, whose equations are a "
                          "reconstruction, not checked against the paper"),
               clEnumValN(Rewrite::DctContinual, "dct+continual", "as dct, step by step"),
               clEnumValN(Rewrite::None, "none", "every window as the model stands")),
    cl::cat(toolOptions));
static cl::opt<std::string> passOptions(
    "rewrite-options",
    cl::desc("Options of weir-dct or weir-cast: \"variant=resample keep=16\""),
    cl::value_desc("K=V ..."), cl::cat(toolOptions));
static cl::list<std::string> calibration(
    "calibrate",
    cl::desc("Data by which dct and cast choose, and on which their error and "
             "that of --weights is measured; the name of an only stream may be left out"),
    cl::value_desc("[NAME=]FILE.npy"), cl::cat(toolOptions));
static cl::opt<Answer>
    approximate("approximate", cl::desc("Take other numbers without knowing their error"),
                cl::init(Answer::No),
                cl::values(clEnumValN(Answer::Yes, "yes", ""),
                           clEnumValN(Answer::No, "no", "refuse to (default)")),
                cl::cat(toolOptions));
static cl::list<std::string> statics("static", cl::desc("Input without a token axis"),
                                     cl::value_desc("NAME=FILE.npy"),
                                     cl::cat(toolOptions));

llvm::Error weir::checkPairs(llvm::ArrayRef<std::string> pairs) {
  for (llvm::StringRef pair : pairs)
    if (pair.rsplit('=').second.empty())
      return llvm::createStringError("'" + pair + "' is not NAME=FILE.npy");
  return llvm::Error::success();
}

llvm::Expected<RewriteChoice> weir::getRewriteChoice(bool isNarrow) {
  RewriteChoice choice;
  choice.continual = rewrite == Rewrite::Continual || rewrite == Rewrite::DctContinual;
  choice.statics.assign(statics.begin(), statics.end());
  choice.calibration.assign(calibration.begin(), calibration.end());
  if (llvm::Error error = checkPairs(choice.statics))
    return error;
  if (rewrite != Rewrite::Continual && rewrite != Rewrite::None) {
    choice.compress.emplace();
    choice.compress->kind =
        rewrite == Rewrite::Cast ? Compression::Cast : Compression::Dct;
    // Projections slide token by token; folded, they meet all kept rows in every step.
    choice.compress->pass = rewrite == Rewrite::DctContinual ? "fold=false " : "";
    choice.compress->pass += passOptions;
    choice.compress->calibration.assign(calibration.begin(), calibration.end());
    choice.compress->approximate = approximate == Answer::Yes;
    return choice;
  }
  if (passOptions.getNumOccurrences() || (!calibration.empty() && !isNarrow) ||
      approximate.getNumOccurrences())
    return llvm::createStringError("--rewrite-options, --calibrate and --approximate are "
                                   "for --rewrite=dct, cast and dct+continual; "
                                   "--calibrate for --weights, too");
  return choice;
}
