//===- DecomposeEinsum.cpp - Spell contractions as MatMul -----------------===//
// Einsum("bqd,bkd->bqk", q, k)  ==>  MatMul(q, Transpose(k))
// Einsum("bnd,dhk->bnhk", x, w)  ==>  Reshape(MatMul(x, Reshape(w)))
// Legal for two operands whose letters are each kept, or contracted between the two.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/Remarks.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// Letters of an equation by what becomes of them.
struct Letters {
  std::string batch;      ///< in both operands and the result
  std::string left;       ///< in the first and the result
  std::string right;      ///< in the second and the result
  std::string contracted; ///< in both operands only
};

static bool has(StringRef term, char letter) { return term.contains(letter); }

static bool hasRepeats(StringRef term) {
  return llvm::any_of(term, [&](char letter) { return llvm::count(term, letter) > 1; });
}

static std::optional<Letters> classify(const EinsumTerms &terms) {
  StringRef a = terms.inputs[0], b = terms.inputs[1], y = terms.output;
  if (hasRepeats(a) || hasRepeats(b))
    return std::nullopt;
  Letters letters;
  for (char letter : y)
    (has(a, letter) && has(b, letter) ? letters.batch
     : has(a, letter)                 ? letters.left
                                      : letters.right) += letter;
  for (char letter : a)
    if (!has(y, letter)) {
      if (!has(b, letter))
        return std::nullopt;
      letters.contracted += letter;
    }
  if (llvm::any_of(b, [&](char letter) { return !has(y, letter) && !has(a, letter); }))
    return std::nullopt;
  return letters;
}

/// Reorders the dimensions named by `term` to those of `order`.
static Value reorder(OnnxBuilder &make, Value value, StringRef term, StringRef order) {
  Shape perm;
  for (char letter : order)
    perm.push_back(term.find(letter));
  return make.transpose(value, perm);
}

namespace {
struct DecomposeEinsum : OpRewritePattern<EinsumOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Sizes by letter; nullopt when one letter broadcasts.
  static std::optional<llvm::SmallDenseMap<char, int64_t>>
  sizesOf(EinsumOp op, const EinsumTerms &terms) {
    llvm::SmallDenseMap<char, int64_t> sizes;
    for (auto [term, input] : llvm::zip_equal(terms.inputs, op.getInputs()))
      for (auto [letter, size] : llvm::zip_equal(term, *getStaticShape(input)))
        if (sizes.try_emplace(letter, size).first->second != size)
          return std::nullopt;
    return sizes;
  }

  LogicalResult matchAndRewrite(EinsumOp op, PatternRewriter &rw) const override {
    Shape ranks;
    for (Value input : op.getInputs()) {
      if (!getStaticShape(input))
        return failure();
      ranks.push_back(getStaticShape(input)->size());
    }
    std::optional<EinsumTerms> terms = parseEinsum(op.getEquation(), ranks);
    if (!terms)
      return failure();
    OnnxBuilder make(rw, op.getLoc());
    if (ranks.size() == 1 && !hasRepeats(terms->inputs[0]) &&
        terms->inputs[0].size() == terms->output.size()) {
      rw.replaceOp(op, reorder(make, op.getInputs()[0], terms->inputs[0], terms->output));
      return success();
    }
    auto letters = ranks.size() == 2 ? classify(*terms) : std::nullopt;
    auto sizes = sizesOf(op, *terms);
    if (!letters || !sizes)
      return missed(op, "equation '{0}' is no product of two matrices", op.getEquation());
    rw.replaceOp(op, contract(make, op, *terms, *letters, *sizes));
    return success();
  }

  static Value contract(OnnxBuilder &make, EinsumOp op, const EinsumTerms &terms,
                        const Letters &by, llvm::SmallDenseMap<char, int64_t> &sizes) {
    auto shape = [&](StringRef letters) {
      Shape result;
      for (char letter : letters)
        result.push_back(sizes[letter]);
      return result;
    };
    auto product = [&](StringRef letters) { return *countElements(shape(letters)); };
    Value a = reorder(make, op.getInputs()[0], terms.inputs[0],
                      by.batch + by.left + by.contracted);
    Value b = reorder(make, op.getInputs()[1], terms.inputs[1],
                      by.batch + by.contracted + by.right);
    // Without batch letters the rows need no merging: MatMul takes any number of them.
    Shape rows =
        by.batch.empty() && !by.left.empty() ? shape(by.left) : Shape{product(by.left)};
    Shape aShape = shape(by.batch), bShape = shape(by.batch);
    aShape.append(rows);
    aShape.push_back(product(by.contracted));
    bShape.append({product(by.contracted), product(by.right)});
    Value y = make.matMul(make.reshape(a, aShape), make.reshape(b, bShape));
    std::string order = by.batch + by.left + by.right;
    return reorder(make, make.reshape(y, shape(order)), order, terms.output);
  }
};
} // namespace

void weir::populateDecomposeEinsumPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeEinsum>(patterns.getContext());
}
