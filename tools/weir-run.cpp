//===- weir-run.cpp - Run a model on a stream -----------------------------===//

#include "ModelOptions.h"
#include "RewriteOptions.h"
#include "weir/Runner/Run.h"
#include "llvm/Support/InitLLVM.h"

namespace cl = llvm::cl;
using namespace weir;

template <typename T>
using Opt = cl::opt<T>;
template <typename T>
using List = cl::list<T>;

static List<std::string> streams("stream", cl::desc("Input with a token axis"),
                                 cl::value_desc("NAME=FILE.npy"), cl::cat(toolOptions));
static Opt<std::string> output("output", cl::desc("File for the outputs"),
                               cl::value_desc("OUT.npz"), cl::cat(toolOptions));
static Opt<bool> verify("verify", cl::desc("Compare each step with its window"),
                        cl::cat(toolOptions));
static Opt<Semantics> against(
    "against", cl::desc("What --verify compares with; what --semantics says"),
    cl::values(
        clEnumValN(Semantics::Window, "window", "the original model on each window"),
        clEnumValN(Semantics::Stream, "stream", "on the whole stream so far"),
        clEnumValN(Semantics::Deep, "deep", "the same, each attention seeing a window")),
    cl::cat(toolOptions));
static Opt<double> tolerance("tolerance",
                             cl::desc("Difference allowed, of the largest output"),
                             cl::init(2e-5), cl::cat(toolOptions));
static Opt<bool> verifySlides("verify-slides",
                              cl::desc("Check every value that is claimed to slide"),
                              cl::cat(toolOptions));
static Opt<bool> prove("prove",
                       cl::desc("Compare step and window in a finite field, exactly"),
                       cl::cat(toolOptions));
static Opt<ExplainFormat>
    explain("explain", cl::desc("Say what a step computes, and why"), cl::ValueOptional,
            cl::values(clEnumValN(ExplainFormat::Text, "text", ""),
                       clEnumValN(ExplainFormat::Json, "json", ""),
                       clEnumValN(ExplainFormat::Markdown, "md", ""),
                       clEnumValN(ExplainFormat::Text, "", "")),
            cl::cat(toolOptions));
static Opt<bool> bench("bench", cl::desc("Time step and window"), cl::cat(toolOptions));
static Opt<std::string> report("report", cl::desc("File for the explanation as JSON"),
                               cl::value_desc("FILE"), cl::cat(toolOptions));

static int usage(const llvm::Twine &message) {
  llvm::errs() << "weir-run: error: " << message << "\n";
  return static_cast<int>(Outcome::Usage);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  if (!parseToolOptions(argc, argv, "Runs a model on a stream\n"))
    return static_cast<int>(Outcome::Usage);
  llvm::Expected<ModelOptions> model = getModelOptions(Entries::Step);
  if (!model)
    return usage(llvm::toString(model.takeError()));
  bool isNarrow = model->weights.value_or(WeightKind::F32) != WeightKind::F32;
  llvm::Expected<RewriteChoice> rewrite = getRewriteChoice(isNarrow);
  if (!rewrite)
    return usage(llvm::toString(rewrite.takeError()));
  if (model->wholeWindows)
    return usage("--entries=window is for weir-compile; --rewrite=none runs windows");
  RunOptions options;
  options.model = std::move(*model);
  options.continual = rewrite->continual;
  options.compress = rewrite->compress;
  options.streams.assign(streams.begin(), streams.end());
  options.statics = rewrite->statics;
  if (llvm::Error error = checkPairs(options.streams))
    return usage(llvm::toString(std::move(error)));
  options.calibration = rewrite->calibration;
  options.output = output;
  options.verify = verify;
  if (against.getNumOccurrences())
    options.against = against;
  options.tolerance = tolerance;
  options.verifySlides = verifySlides;
  options.prove = prove;
  if (explain.getNumOccurrences())
    options.explain = explain;
  options.bench = bench;
  options.report = report;
  if (against.getNumOccurrences() && !verify)
    return usage("--against says what --verify compares with: give that, too");
  if (verify && streams.empty())
    return usage("--verify needs the stream to run on: --stream NAME=FILE.npy");
  if (verify && isNarrow && !tolerance.getNumOccurrences())
    return usage(
        "--verify compares with weights of f32, from which others differ: say by "
        "how much they may, --tolerance=0.05");
  return static_cast<int>(runModel(options, llvm::outs()));
}
