//===- ModelOptions.cpp - Options of every tool that takes a model --------===//

#include "ModelOptions.h"

namespace cl = llvm::cl;
using namespace weir;

namespace {
enum class Requirement { None, Incremental };
/// Functions of what is made of a model.
enum class Functions { Step, All, Window };
} // namespace

cl::OptionCategory weir::toolOptions("options");

static cl::opt<std::string> model(cl::Positional, cl::Required,
                                  cl::desc("MODEL.onnx|.mlir"), cl::cat(toolOptions));
static cl::opt<int64_t> window("window",
                               cl::desc("Tokens of the window; inferred where fixed"),
                               cl::init(0), cl::cat(toolOptions));
static cl::list<std::string> dims("dim", cl::desc("Size of a symbolic dimension"),
                                  cl::value_desc("NAME=SIZE"), cl::cat(toolOptions));
static cl::opt<int64_t> chunk("chunk", cl::desc("Tokens that enter per step"),
                              cl::init(1), cl::cat(toolOptions));
static cl::list<std::string> tokenAxes("token-axis", cl::desc("Token axis of an input"),
                                       cl::value_desc("NAME=AXIS"), cl::cat(toolOptions));
static cl::list<std::string> fixed("fix", cl::desc("Input that always holds one number"),
                                   cl::value_desc("NAME=NUMBER"), cl::cat(toolOptions));
static cl::list<Assumption> assumptions(
    "assume", cl::desc("What is known of the streams"), cl::CommaSeparated,
    cl::values(clEnumValN(Assumption::NoPadding, "no-padding",
                          "ids by which a model numbers tokens are never its padding")),
    cl::cat(toolOptions));
static cl::opt<Semantics> semantics(
    "semantics", cl::desc("What a step equals"), cl::init(Semantics::Window),
    cl::values(clEnumValN(Semantics::Window, "window",
                          "the model on the last window of tokens (default)"),
               clEnumValN(Semantics::Stream, "stream",
                          "the model on the whole stream so far"),
               clEnumValN(Semantics::Deep, "deep",
                          "that of a model whose attentions see a window each")),
    cl::cat(toolOptions));
static cl::opt<std::string> positions(
    "positions",
    cl::desc("What absolute positions mean on a stream: reject (default) refuses them, "
             "exact ties them to the window's slots, recycle lets them follow the tokens "
             "and begin again after P, or else the window"),
    cl::value_desc("reject|exact|recycle[:P]"), cl::init("reject"), cl::cat(toolOptions));
static cl::opt<Rotary> rotary(
    "rotary", cl::desc("Scores of rotary positions"), cl::init(Rotary::Slide),
    cl::values(clEnumValN(Rotary::Slide, "slide",
                          "kept from step to step, up to the rounding of their tables "
                          "(default)"),
               clEnumValN(Rotary::Recompute, "recompute", "computed again")),
    cl::cat(toolOptions));
static cl::opt<std::string> rows("rows",
                                 cl::desc("Rows of the outputs: all, last, first, INDEX"),
                                 cl::init("all"), cl::cat(toolOptions));
static cl::opt<Warmup>
    warmup("warmup", cl::desc("Steps before the window is full"), cl::init(Warmup::Wait),
           cl::values(clEnumValN(Warmup::Wait, "wait", "give no output (default)"),
                      clEnumValN(Warmup::Partial, "partial",
                                 "give that of the tokens that have come")),
           cl::cat(toolOptions));
static cl::opt<Retroactive> retroactive(
    "retroactive", cl::desc("When a step updates attentions of all rows"),
    cl::init(Retroactive::Auto),
    cl::values(clEnumValN(Retroactive::Auto, "auto", "where that is cheaper (default)"),
               clEnumValN(Retroactive::Always, "always", "wherever it can"),
               clEnumValN(Retroactive::Never, "never", "they are computed again")),
    cl::cat(toolOptions));
static cl::opt<RetroactiveForm> retroactiveForm(
    "retroactive-form", cl::desc("How a step updates them"),
    cl::init(RetroactiveForm::Guarded),
    cl::values(clEnumValN(RetroactiveForm::Guarded, "guarded",
                          "building rows again that lose precision (default)"),
               clEnumValN(RetroactiveForm::Shadow, "shadow",
                          "building fewer, with twice the state"),
               clEnumValN(RetroactiveForm::Published, "published",
                          "as in the paper: unstable for large scores")),
    cl::cat(toolOptions));
static cl::opt<Frequencies> frequencies(
    "frequencies", cl::desc("When a step updates the frequencies of tokens"),
    cl::init(Frequencies::Auto),
    cl::values(clEnumValN(Frequencies::Auto, "auto", "where that is cheaper (default)"),
               clEnumValN(Frequencies::Always, "always", "wherever it can"),
               clEnumValN(Frequencies::Never, "never", "they are computed again")),
    cl::cat(toolOptions));
static cl::opt<Functions>
    entries("entries", cl::desc("Functions of the rewritten model"),
            cl::init(Functions::Step),
            cl::values(clEnumValN(Functions::Step, "step", "init and step"),
                       clEnumValN(Functions::All, "all", "and push, predict, prime"),
                       clEnumValN(Functions::Window, "window",
                                  "whole windows, without states (weir-compile)")),
            cl::cat(toolOptions));
static cl::opt<int64_t> leastShared(
    "least-shared",
    cl::desc("Multiply-accumulates and the like below which a call stays on one thread"),
    cl::init(TeamOptions().minWork), cl::value_desc("WORK"), cl::cat(toolOptions));
static cl::opt<WeightKind> weights(
    "weights", cl::desc("How weights are stored"), cl::init(WeightKind::F32),
    cl::values(clEnumValN(WeightKind::F32, "f32", "as the model has them (default)"),
               clEnumValN(WeightKind::BF16, "bf16", "16 bits, with the range of f32"),
               clEnumValN(WeightKind::F16, "f16", "16 bits, finer, up to 65504"),
               clEnumValN(WeightKind::Int8, "int8", "8 bits, a scale for each column")),
    cl::cat(toolOptions));
static cl::opt<double> weightsError(
    "weights-error",
    cl::desc("Largest error that --weights may make, in standard deviations of each "
             "output: what makes more is stored in more bits"),
    cl::init(ModelOptions().mostWeightError), cl::value_desc("E"), cl::cat(toolOptions));
static cl::opt<Requirement>
    require("require", cl::desc("What the step must be"), cl::init(Requirement::None),
            cl::values(clEnumValN(Requirement::Incremental, "incremental",
                                  "cheaper than the window")),
            cl::cat(toolOptions));

/// In place of the option of this name that LLVM's library brings, for its linker.
static cl::opt<int64_t> &getThreadsOption() {
  static bool isFree = [] {
    if (cl::Option *other = cl::getRegisteredOptions().lookup("threads"))
      other->removeArgument();
    return true;
  }();
  (void)isFree;
  static cl::opt<int64_t> threads("threads",
                                  cl::desc("Most threads that one call runs on"),
                                  cl::init(1), cl::value_desc("N"), cl::cat(toolOptions));
  return threads;
}

/// Reads `--positions`; false where it is none of its words.
static bool readPositions(ContinualOptions &options) {
  auto [word, period] = llvm::StringRef(positions).split(':');
  if (word == "recycle")
    options.positions = Positions::Recycle;
  else if (word == "exact")
    options.positions = Positions::Exact;
  else if (word != "reject")
    return false;
  bool hasPeriod = llvm::StringRef(positions).contains(':');
  return !hasPeriod || (word == "recycle" && !period.getAsInteger(10, options.period) &&
                        options.period > 0);
}

bool weir::parseToolOptions(int argc, char **argv, llvm::StringRef overview) {
  (void)getThreadsOption();
  cl::HideUnrelatedOptions(toolOptions);
  return cl::ParseCommandLineOptions(argc, argv, overview, &llvm::errs());
}

llvm::Expected<ModelOptions> weir::getModelOptions(Entries usualEntries) {
  auto usage = [](const llvm::Twine &message) {
    return llvm::createStringError(message);
  };
  ModelOptions options;
  options.path = model;
  if (window.getNumOccurrences()) {
    if (window < 1)
      return usage("--window must be positive");
    options.prepare.window = window;
  }
  if (chunk < 1)
    return usage("--chunk must be positive");
  options.prepare.chunk = chunk;
  options.team.threads = getThreadsOption();
  if (options.team.threads < 1 || options.team.threads > 64)
    return usage("--threads must be from 1 to 64");
  options.team.minWork = leastShared;
  options.prepare.dims.assign(dims.begin(), dims.end());
  options.prepare.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
  options.prepare.fixed.assign(fixed.begin(), fixed.end());
  options.prepare.assumptions.assign(assumptions.begin(), assumptions.end());
  options.continual.semantics = semantics;
  if (!readPositions(options.continual))
    return usage("--positions is none of reject, exact, recycle and recycle:P: '" +
                 positions + "'");
  options.continual.rotary = rotary;
  int64_t row;
  bool isName = rows == "all" || rows == "last" || rows == "first";
  if (!isName && llvm::StringRef(rows).getAsInteger(10, row))
    return usage("--rows is none of all, last, first or a position: '" + rows + "'");
  options.continual.rows = rows;
  options.continual.warmup = warmup;
  options.continual.retroactive = retroactive;
  options.continual.form = retroactiveForm;
  options.continual.frequencies = frequencies;
  options.wholeWindows = entries == Functions::Window;
  options.continual.entries = usualEntries;
  if (entries.getNumOccurrences())
    options.continual.entries = entries == Functions::All ? Entries::All : Entries::Step;
  if (weights.getNumOccurrences())
    options.weights = weights;
  if (!(weightsError >= 0))
    return usage("--weights-error must not be negative");
  options.mostWeightError = weightsError;
  options.continual.requireIncremental = require == Requirement::Incremental;
  return options;
}
