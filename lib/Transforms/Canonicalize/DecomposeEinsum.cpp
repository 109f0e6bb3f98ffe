//===- DecomposeEinsum.cpp - Spell contractions as MatMul -----------------===//
// Einsum("bqd,bkd->bqk", q, k)  ==>  MatMul(q, Transpose(k))
// Einsum("bnd,dhk->bnhk", x, w)  ==>  Reshape(MatMul(x, Reshape(w)))
// Einsum("bnd,bnd->bnd", x, y)  ==>  Mul(x, y)
// Einsum("ii,ij,jk->k", a, b, c)  ==>  sums, diagonals and products of two, left to right
// Legal always: what is summed last may be summed first where nobody else has its letter.

#include "Patterns.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Dialect/Onnx/OnnxBuilder.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

namespace {
/// An operand, or a product of some, with a letter for each of its dimensions.
struct Term {
  Value value;
  std::string letters;

  bool has(char letter) const { return StringRef(letters).contains(letter); }
};

/// Letters of two terms by what becomes of them.
struct Letters {
  std::string batch;      ///< in both terms and the result
  std::string left;       ///< in the first and the result
  std::string right;      ///< in the second and the result
  std::string contracted; ///< in both terms only
};

class Contraction {
public:
  Contraction(OnnxBuilder &make, EinsumOp op, const EinsumTerms &terms)
      : make(make), output(terms.output) {
    for (auto [value, letters] : llvm::zip_equal(op.getInputs(), terms.inputs)) {
      this->terms.push_back({value, letters});
      for (auto [letter, size] : llvm::zip_equal(letters, *getStaticShape(value)))
        sizes[letter] = std::max(sizes.lookup(letter), size);
    }
  }
  Value build();

private:
  Shape sizesOf(StringRef letters) {
    return llvm::map_to_vector(letters, [&](char letter) { return sizes[letter]; });
  }
  int64_t countOf(StringRef letters) { return *countElements(sizesOf(letters)); }
  bool isWanted(char letter, ArrayRef<Term> others) {
    return StringRef(output).contains(letter) ||
           llvm::any_of(others, [&](const Term &term) { return term.has(letter); });
  }
  void dropUnits(Term &term);
  void takeDiagonals(Term &term);
  void sumUnwanted(Term &term, ArrayRef<Term> others);
  Value reorder(const Term &term, StringRef order);
  Value align(const Term &term, StringRef order);
  Term multiply(const Term &a, const Term &b, ArrayRef<Term> others);
  Value matMul(const Term &a, const Term &b, const Letters &by);

  OnnxBuilder &make;
  std::string output;
  SmallVector<Term> terms;
  llvm::SmallDenseMap<char, int64_t> sizes;
};
} // namespace

/// A dimension of size 1 broadcasts where its letter is larger elsewhere: it has none.
void Contraction::dropUnits(Term &term) {
  Shape shape;
  std::string letters;
  for (auto [letter, size] : llvm::zip_equal(term.letters, *getStaticShape(term.value)))
    if (size != 1 || sizes[letter] == 1) {
      shape.push_back(size);
      letters += letter;
    }
  term = {make.reshape(term.value, shape), letters};
}

/// A letter that occurs twice keeps what lies on the diagonal, the rest becoming 0.
void Contraction::takeDiagonals(Term &term) {
  for (size_t i = 0; i < term.letters.size(); ++i) {
    size_t j = term.letters.find(term.letters[i], i + 1);
    if (j == std::string::npos)
      continue;
    Shape shape(*getStaticShape(term.value));
    Shape identity(shape.size(), 1);
    identity[i] = identity[j] = shape[i];
    Type element = getElementType(term.value);
    HostTensor isKept(
        RankedTensorType::get(identity, IntegerType::get(element.getContext(), 1)));
    for (int64_t k = 0; k < shape[i]; ++k)
      isKept.setInt(k * shape[i] + k, 1);
    Value kept = make.make<WhereOp>(make.constant(isKept.toAttr()), term.value,
                                    make.scalar(0, element));
    term.value = make.make<ReduceSumOp>(kept, make.ints({static_cast<int64_t>(j)}),
                                        /*keepdims=*/0, /*noop_with_empty_axes=*/0);
    term.letters.erase(j, 1);
    --i; // the same letter may occur again
  }
}

/// Sums over letters that only this term has.
void Contraction::sumUnwanted(Term &term, ArrayRef<Term> others) {
  Shape axes;
  std::string letters;
  for (auto [i, letter] : llvm::enumerate(term.letters))
    if (isWanted(letter, others))
      letters += letter;
    else
      axes.push_back(i);
  if (!axes.empty())
    term = {make.make<ReduceSumOp>(term.value, make.ints(axes), /*keepdims=*/0,
                                   /*noop_with_empty_axes=*/0),
            letters};
}

/// The dimensions in another order.
Value Contraction::reorder(const Term &term, StringRef order) {
  return make.transpose(term.value, llvm::map_to_vector(order, [&](char letter) {
                          return static_cast<int64_t>(term.letters.find(letter));
                        }));
}

/// The same with a dimension of 1 for each letter that the term lacks.
Value Contraction::align(const Term &term, StringRef order) {
  std::string own;
  Shape shape;
  for (char letter : order) {
    shape.push_back(term.has(letter) ? sizes[letter] : 1);
    if (term.has(letter))
      own += letter;
  }
  return make.reshape(reorder(term, own), shape);
}

Value Contraction::matMul(const Term &a, const Term &b, const Letters &by) {
  // Without batch letters the rows need no merging: MatMul takes any number of them.
  Shape rows =
      by.batch.empty() && !by.left.empty() ? sizesOf(by.left) : Shape{countOf(by.left)};
  Shape aShape = sizesOf(by.batch), bShape = sizesOf(by.batch);
  aShape.append(rows);
  aShape.push_back(countOf(by.contracted));
  bShape.append({countOf(by.contracted), countOf(by.right)});
  Value left = make.reshape(reorder(a, by.batch + by.left + by.contracted), aShape);
  Value right = make.reshape(reorder(b, by.batch + by.contracted + by.right), bShape);
  return make.reshape(make.matMul(left, right), sizesOf(by.batch + by.left + by.right));
}

/// The product of two terms, summed over what nobody else wants.
Term Contraction::multiply(const Term &a, const Term &b, ArrayRef<Term> others) {
  Letters by;
  // In the order of the output, so that the last product needs no reordering.
  std::string all = output + a.letters + b.letters, seen;
  for (char letter : all) {
    bool inA = a.has(letter), inB = b.has(letter);
    if ((!inA && !inB) || StringRef(seen).contains(letter))
      continue;
    seen += letter;
    if (!isWanted(letter, others))
      by.contracted += letter;
    else
      (inA && inB ? by.batch : inA ? by.left : by.right) += letter;
  }
  if (by.contracted.empty())
    return {make.mul(align(a, seen), align(b, seen)), seen};
  return {matMul(a, b, by), by.batch + by.left + by.right};
}

Value Contraction::build() {
  for (Term &term : terms) {
    takeDiagonals(term);
    dropUnits(term);
  }
  for (auto [index, term] : llvm::enumerate(terms)) {
    SmallVector<Term> others(terms);
    others.erase(others.begin() + index);
    sumUnwanted(term, others);
  }
  Term product = terms.front();
  for (size_t i = 1; i < terms.size(); ++i)
    product = multiply(product, terms[i], ArrayRef(terms).drop_front(i + 1));
  return reorder(product, output);
}

namespace {
struct DecomposeEinsum : OpRewritePattern<EinsumOp> {
  using OpRewritePattern::OpRewritePattern;
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
    rw.replaceOp(op, Contraction(make, op, *terms).build());
    return success();
  }
};
} // namespace

void weir::populateDecomposeEinsumPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeEinsum>(patterns.getContext());
}
