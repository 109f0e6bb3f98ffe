//===- Refusal.cpp - Operators that cannot be evaluated, and what to do ---===//
// They are read, so that files survive, but no number can be computed of them.

#include "weir/Dialect/Onnx/Refusal.h"
#include "weir/Dialect/Onnx/Expand.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/Quantization.h"
#include "weir/Support/NodeDiagnostics.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// Operators of ONNX that are refused for one reason.
struct Family {
  ArrayRef<StringLiteral> operators;
  StringLiteral reason, help;
};
} // namespace

static constexpr StringLiteral recurrentCells[] = {"LSTM", "GRU", "RNN"};
static constexpr StringLiteral randomNumbers[] = {"RandomNormal",  "RandomNormalLike",
                                                  "RandomUniform", "RandomUniformLike",
                                                  "Bernoulli",     "Multinomial"};
static constexpr StringLiteral selections[] = {"Unique", "NonMaxSuppression"};
static constexpr StringLiteral sequences[] = {
    "SequenceConstruct", "SequenceEmpty",      "SequenceAt",
    "SequenceErase",     "SequenceInsert",     "SequenceLength",
    "SequenceMap",       "ConcatFromSequence", "SplitToSequence"};
static constexpr StringLiteral optionals[] = {"Optional", "OptionalGetElement",
                                              "OptionalHasElement"};
static constexpr StringLiteral strings[] = {"StringNormalizer", "StringConcat",
                                            "StringSplit", "RegexFullMatch",
                                            "TfIdfVectorizer"};

static const Family families[] = {
    {recurrentCells, "keeps a state from token to token, which is not one of a window",
     "split the model at this node (onnx.utils.extract_model): let Weir stream the "
     "encoder, and step the recurrent layer in a runtime that has it, such as "
     "onnxruntime"},
    {randomNumbers, "draws random numbers, so that no two runs agree",
     "export the model after model.eval(), or make the numbers an input"},
    {selections, "returns as many elements as its data says: its shape depends on data",
     "keep all tokens and mask those that are not wanted, as by a key padding mask"},
    {sequences, "works on a sequence, but Weir computes on tensors only",
     "use Split, Gather and Concat, which work on tensors"},
    {optionals, "works on an optional, but Weir computes on tensors only",
     "export the model with the tensor in place of the optional"},
    {strings, "works on strings, but Weir computes on numbers only",
     "run the tokenizer in front of the model, and stream its ids"},
};

std::optional<Refusal> onnx::findRefusal(Operation *op) {
  if (isKnown(op))
    return std::nullopt;
  StringRef advice = adviceFor(op);
  std::string fullName = getOperatorName(op); // com.microsoft.QAttention
  if (isQuantizedOperator(StringRef(fullName).rsplit('.').second) ||
      isQuantizedOperator(fullName))
    return Refusal{"computes on quantized integers, which Weir does not", advice.str()};
  if (isa<CustomOp>(op))
    return Refusal{"is no operator of ONNX, but of another domain",
                   advice.empty() ? "replace it by standard ONNX operators, or give it a "
                                    "body, as a function of the model"
                                  : advice.str()};
  StringRef name = op->getName().stripDialect();
  for (const Family &family : families)
    if (llvm::is_contained(family.operators, name))
      return Refusal{family.reason.str(), family.help.str()};
  return Refusal{"is no operator that Weir knows",
                 "replace it by standard ONNX operators that Weir has, or add it to Weir "
                 "(docs/adding-an-op.md)"};
}

LogicalResult onnx::refuseUnknown(Operation *op) {
  std::optional<Refusal> refusal = findRefusal(op);
  if (!refusal)
    return success();
  InFlightDiagnostic error = emitNodeError(op) << refusal->reason;
  attachHelp(error, refusal->help);
  return error;
}
