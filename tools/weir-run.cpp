//===- weir-run.cpp - Run a model on a stream -----------------------------===//

#include "weir/Runner/Run.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

namespace cl = llvm::cl;
using namespace weir;

namespace {
enum class Rewrite { Continual, None };
enum class Requirement { None, Incremental };
} // namespace

static cl::OptionCategory category("weir-run options");
template <typename T>
using Opt = cl::opt<T>;
template <typename T>
using List = cl::list<T>;

static Opt<std::string> model(cl::Positional, cl::Required, cl::desc("MODEL.onnx|.mlir"),
                              cl::cat(category));
static Opt<int64_t> window("window",
                           cl::desc("Tokens of the window; inferred where fixed"),
                           cl::init(0), cl::cat(category));
static List<std::string> dims("dim", cl::desc("Size of a symbolic dimension"),
                              cl::value_desc("NAME=SIZE"), cl::cat(category));
static Opt<int64_t> chunk("chunk", cl::desc("Tokens that enter per step"), cl::init(1),
                          cl::cat(category));
static List<std::string> tokenAxes("token-axis", cl::desc("Token axis of an input"),
                                   cl::value_desc("NAME=AXIS"), cl::cat(category));
static Opt<Rewrite> rewrite(
    "rewrite", cl::desc("How the model is run"), cl::init(Rewrite::Continual),
    cl::values(clEnumValN(Rewrite::Continual, "continual", "step by step (default)"),
               clEnumValN(Rewrite::None, "none", "every window as the model stands")),
    cl::cat(category));
static Opt<Positions> positions(
    "positions", cl::desc("What absolute positions mean on a stream"),
    cl::init(Positions::Reject),
    cl::values(clEnumValN(Positions::Reject, "reject", "refuse them (default)"),
               clEnumValN(Positions::Exact, "exact", "tie them to the window's slots"),
               clEnumValN(Positions::Recycle, "recycle", "let them follow the tokens")),
    cl::cat(category));
static Opt<std::string> rows("rows",
                             cl::desc("Rows of the outputs: all, last, first, INDEX"),
                             cl::init("all"), cl::cat(category));
static Opt<Requirement>
    require("require", cl::desc("What the step must be"), cl::init(Requirement::None),
            cl::values(clEnumValN(Requirement::Incremental, "incremental",
                                  "cheaper than the window")),
            cl::cat(category));
static Opt<Retroactive> retroactive(
    "retroactive", cl::desc("When a step updates attentions of all rows"),
    cl::init(Retroactive::Auto),
    cl::values(clEnumValN(Retroactive::Auto, "auto", "where that is cheaper (default)"),
               clEnumValN(Retroactive::Always, "always", "wherever it can"),
               clEnumValN(Retroactive::Never, "never", "they are computed again")),
    cl::cat(category));
static Opt<RetroactiveForm> retroactiveForm(
    "retroactive-form", cl::desc("How a step updates them"),
    cl::init(RetroactiveForm::Guarded),
    cl::values(clEnumValN(RetroactiveForm::Guarded, "guarded",
                          "building rows again that lose precision (default)"),
               clEnumValN(RetroactiveForm::Shadow, "shadow",
                          "building fewer, with twice the state"),
               clEnumValN(RetroactiveForm::Published, "published",
                          "as in the paper: unstable for large scores")),
    cl::cat(category));
static Opt<Entries> entries(
    "entries", cl::desc("Functions of the rewritten model"), cl::init(Entries::Step),
    cl::values(clEnumValN(Entries::Step, "step", "init and step (default)"),
               clEnumValN(Entries::All, "all",
                          "and push, predict, prime; --verify compares them too")),
    cl::cat(category));
static List<std::string> streams("stream", cl::desc("Input with a token axis"),
                                 cl::value_desc("NAME=FILE.npy"), cl::cat(category));
static List<std::string> statics("static", cl::desc("Input without a token axis"),
                                 cl::value_desc("NAME=FILE.npy"), cl::cat(category));
static Opt<std::string> output("output", cl::desc("File for the outputs"),
                               cl::value_desc("OUT.npz"), cl::cat(category));
static Opt<bool> verify("verify", cl::desc("Compare each step with its window"),
                        cl::cat(category));
static Opt<double> tolerance("tolerance",
                             cl::desc("Difference allowed, of the largest output"),
                             cl::init(2e-5), cl::cat(category));
static Opt<bool> verifySlides("verify-slides",
                              cl::desc("Check every value that is claimed to slide"),
                              cl::cat(category));
static Opt<ExplainFormat>
    explain("explain", cl::desc("Say what a step computes, and why"), cl::ValueOptional,
            cl::values(clEnumValN(ExplainFormat::Text, "text", ""),
                       clEnumValN(ExplainFormat::Json, "json", ""),
                       clEnumValN(ExplainFormat::Markdown, "md", ""),
                       clEnumValN(ExplainFormat::Text, "", "")),
            cl::cat(category));
static Opt<bool> bench("bench", cl::desc("Time step and window"), cl::cat(category));
static Opt<std::string> report("report", cl::desc("File for the explanation as JSON"),
                               cl::value_desc("FILE"), cl::cat(category));

static int usage(const llvm::Twine &message) {
  llvm::errs() << "weir-run: error: " << message << "\n";
  return static_cast<int>(Outcome::Usage);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  if (!cl::ParseCommandLineOptions(argc, argv, "Runs a model on a stream\n",
                                   &llvm::errs()))
    return static_cast<int>(Outcome::Usage);
  RunOptions options;
  options.model = model;
  if (window.getNumOccurrences()) {
    if (window < 1)
      return usage("--window must be positive");
    options.prepare.window = window;
  }
  if (chunk < 1)
    return usage("--chunk must be positive");
  options.prepare.dims.assign(dims.begin(), dims.end());
  options.prepare.tokenAxes.assign(tokenAxes.begin(), tokenAxes.end());
  options.prepare.chunk = chunk;
  options.continual = rewrite == Rewrite::Continual;
  options.positions = positions;
  int64_t row;
  bool isName = rows == "all" || rows == "last" || rows == "first";
  if (!isName && llvm::StringRef(rows).getAsInteger(10, row))
    return usage("--rows is none of all, last, first or a position: '" + rows + "'");
  options.rows = rows;
  options.requireIncremental = require == Requirement::Incremental;
  options.retroactive = retroactive;
  options.retroactiveForm = retroactiveForm;
  options.entries = entries;
  options.streams.assign(streams.begin(), streams.end());
  options.statics.assign(statics.begin(), statics.end());
  for (const auto *pairs : {&options.streams, &options.statics})
    for (llvm::StringRef pair : *pairs)
      if (pair.split('=').second.empty())
        return usage("'" + pair + "' is not NAME=FILE.npy");
  options.output = output;
  options.verify = verify;
  options.tolerance = tolerance;
  options.verifySlides = verifySlides;
  if (explain.getNumOccurrences())
    options.explain = explain;
  options.bench = bench;
  options.report = report;
  if (verify && streams.empty())
    return usage("--verify needs the stream to run on: --stream NAME=FILE.npy");
  return static_cast<int>(runModel(options, llvm::outs()));
}
