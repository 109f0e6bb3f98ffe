//===- InferContraction.cpp - Result types of contractions ----------------===//

#include "Infer.h"
#include <map>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;
using namespace weir::onnx::detail;

LogicalResult onnx::detail::infer(const Subject &op, MatMulOp::Adaptor adaptor,
                                  Types &types) {
  if (failed(sameElements(op, adaptor.getOperands())))
    return failure();
  return matMul(op, adaptor.getA(), adaptor.getB(), getElementType(adaptor.getA()),
                types);
}

LogicalResult onnx::detail::matMul(const Subject &op, Value a, Value b, Type element,
                                   Types &types) {
  std::optional<ArrayRef<int64_t>> lhs = getStaticShape(a), rhs = getStaticShape(b);
  if (!lhs || !rhs)
    return give(types, element, std::nullopt);
  if (lhs->empty() || rhs->empty()) // C1
    return fail(op, "wants operands of rank 1 or more, got a scalar");
  bool rowOnly = lhs->size() == 1, columnOnly = rhs->size() == 1;
  int64_t inner = columnOnly ? rhs->back() : (*rhs)[rhs->size() - 2];
  if (lhs->back() != inner) // C2
    return failf(op, "contracts {0} elements of A with {1} of B", lhs->back(), inner);
  ArrayRef<int64_t> lhsBatch = lhs->drop_back(rowOnly ? 1 : 2);
  ArrayRef<int64_t> rhsBatch = rhs->drop_back(columnOnly ? 1 : 2);
  std::optional<Shape> shape = broadcastShapes(lhsBatch, rhsBatch);
  if (!shape)
    return failf(op, "batch dimensions {0} and {1} do not broadcast", str(lhsBatch),
                 str(rhsBatch));
  if (!rowOnly)
    shape->push_back((*lhs)[lhs->size() - 2]);
  if (!columnOnly)
    shape->push_back(rhs->back());
  return give(types, element, ArrayRef<int64_t>(*shape));
}

LogicalResult onnx::detail::infer(const Subject &op, GemmOp::Adaptor adaptor,
                                  Types &types) {
  if (failed(sameElements(op, adaptor.getOperands())))
    return failure();
  Type element = getElementType(adaptor.getA());
  std::optional<ArrayRef<int64_t>> lhs = getStaticShape(adaptor.getA());
  std::optional<ArrayRef<int64_t>> rhs = getStaticShape(adaptor.getB());
  if (!lhs || !rhs)
    return give(types, element, std::nullopt);
  if (lhs->size() != 2 || rhs->size() != 2) // C1
    return failf(op, "wants matrices, got shapes {0} and {1}", str(*lhs), str(*rhs));
  bool flipA = adaptor.getTransA(), flipB = adaptor.getTransB();
  if ((*lhs)[!flipA] != (*rhs)[flipB]) // C2
    return failf(op, "contracts {0} elements of A with {1} of B", (*lhs)[!flipA],
                 (*rhs)[flipB]);
  Shape shape{(*lhs)[flipA], (*rhs)[!flipB]};
  if (!isNone(adaptor.getC()))
    if (std::optional<ArrayRef<int64_t>> bias = getStaticShape(adaptor.getC()))
      if (broadcastShapes(shape, *bias) != shape)
        return failf(op, "cannot add a C of shape {0} to {1}", str(*bias), str(shape));
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, EinsumOp::Adaptor adaptor,
                                  Types &types) {
  if (adaptor.getInputs().empty())
    return fail(op, "needs an operand");
  if (failed(sameElements(op, adaptor.getInputs())))
    return failure();
  Type element = getElementType(adaptor.getInputs().front());
  SmallVector<int64_t> ranks;
  for (Value input : adaptor.getInputs()) {
    if (!getStaticShape(input))
      return give(types, element, std::nullopt);
    ranks.push_back(getStaticShape(input)->size());
  }
  std::optional<EinsumTerms> terms = parseEinsum(adaptor.getEquation(), ranks);
  if (!terms) // C1
    return failf(op, "equation '{0}' does not fit operands of rank {1}",
                 adaptor.getEquation(), str(ranks));
  std::map<char, int64_t> sizes;
  for (auto [term, input] : llvm::zip_equal(terms->inputs, adaptor.getInputs()))
    for (auto [letter, size] : llvm::zip_equal(term, *getStaticShape(input))) {
      int64_t &known = sizes.try_emplace(letter, size).first->second;
      if (known != size && known != 1 && size != 1) // C2
        return failf(op, "'{0}' stands for both {1} and {2}", letter, known, size);
      known = std::max(known, size);
    }
  Shape shape;
  for (char letter : terms->output)
    shape.push_back(sizes[letter]);
  return give(types, element, ArrayRef<int64_t>(shape));
}

LogicalResult onnx::detail::infer(const Subject &op, ConvOp::Adaptor adaptor,
                                  Types &types) {
  if (failed(sameElements(op, adaptor.getOperands())))
    return failure();
  Type element = getElementType(adaptor.getX());
  std::optional<ArrayRef<int64_t>> x = getStaticShape(adaptor.getX());
  std::optional<ArrayRef<int64_t>> w = getStaticShape(adaptor.getW());
  if (!x || !w)
    return give(types, element, std::nullopt);
  if (x->size() < 3 || x->size() != w->size()) // C1
    return failf(op, "wants X and W of one rank of 3 or more, got {0} and {1}", x->size(),
                 w->size());
  int64_t group = adaptor.getGroup();
  if (group < 1 || (*x)[1] != group * (*w)[1] || (*w)[0] % group) // C2
    return failf(op, "{0} channels in and {1} out do not fit {2} groups of {3}", (*x)[1],
                 (*w)[0], group, (*w)[1]);
  ArrayRef<int64_t> kernel = w->drop_front(2);
  Shape stated = getInts(adaptor.getKernelShapeAttr());
  if (!stated.empty() && ArrayRef<int64_t>(stated) != kernel)
    return failf(op, "kernel_shape is {0}, but W holds {1}", str(stated), str(kernel));
  auto dims = resolveSliding(x->drop_front(2), kernel, adaptor.getStridesAttr(),
                             adaptor.getDilationsAttr(), adaptor.getPadsAttr(),
                             adaptor.getAutoPad(), /*ceilMode=*/false);
  if (!dims)
    return failf(op,
                 "kernel {0} with these strides and pads does not fit an input of {1}",
                 str(kernel), str(x->drop_front(2)));
  Shape shape{(*x)[0], (*w)[0]};
  for (const SlidingDim &dim : *dims)
    shape.push_back(dim.outputs);
  return give(types, element, ArrayRef<int64_t>(shape));
}

/// [B, heads, n, d] of an operand of rank 3 or 4; nullopt when the heads do not fit.
static std::optional<Shape> splitHeads(ArrayRef<int64_t> shape,
                                       std::optional<int64_t> heads) {
  if (shape.size() == 4)
    return Shape(shape);
  if (!heads || *heads < 1 || shape[2] % *heads)
    return std::nullopt;
  return Shape{shape[0], *heads, shape[1], shape[2] / *heads};
}

/// A mask broadcasts to the scores [B, heads, n, m]; one of fewer keys hides the others.
static LogicalResult checkMask(const Subject &op, Value mask, ArrayRef<int64_t> scores) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(mask);
  if (!shape)
    return success();
  bool fits = shape->size() <= scores.size();
  for (size_t i = 0; fits && i < shape->size(); ++i) {
    int64_t size = shape->rbegin()[i], wanted = scores.rbegin()[i];
    fits = size == 1 || size == wanted || (i == 0 && size < wanted);
  }
  if (fits)
    return success();
  return failf(op, "a mask of shape {0} does not fit scores of {1}", str(*shape),
               str(scores));
}

/// Position numbers, or tables that have them in place: one for each row of [B, n].
static LogicalResult checkPositions(const Subject &op, RotaryEmbeddingOp::Adaptor adaptor,
                                    ArrayRef<int64_t> x) {
  Shape rows{x.front(), x[x.size() - 2]};
  Value ids = adaptor.getPositionIds();
  for (Value value : {isNone(ids) ? adaptor.getCosCache() : ids,
                      isNone(ids) ? adaptor.getSinCache() : ids}) {
    std::optional<ArrayRef<int64_t>> shape = getStaticShape(value);
    if (shape && (shape->size() < 2 || (shape->front() != 1 && (*shape)[0] != rows[0]) ||
                  (*shape)[1] != rows[1]))
      return failf(op, "positions of shape {0} do not fit [B, n] = {1}", str(*shape),
                   str(rows));
  }
  return success();
}

/// All operands of an attention are floats of one type, but for masks of booleans.
static LogicalResult checkElements(const Subject &op, AttentionOp::Adaptor adaptor) {
  Type element = getElementType(adaptor.getQ());
  if (failed(sameElements(op, {adaptor.getQ(), adaptor.getK(), adaptor.getV()})))
    return failure();
  if (!isa<FloatType>(element))
    return failf(op, "wants floats, got elements of type {0}", element);
  Type mask = getElementType(adaptor.getAttnMask());
  if (mask && mask != element && !mask.isInteger(1))
    return failf(op, "wants a mask of {0} or booleans, got {1}", element, mask);
  return success();
}

/// Each of `batch` sequences has its own number of keys.
static LogicalResult checkLengths(const Subject &op, Value lengths, int64_t batch) {
  std::optional<ArrayRef<int64_t>> shape = getStaticShape(lengths);
  if (!shape || (Shape(*shape) == Shape{batch} && getElementType(lengths).isInteger(64)))
    return success();
  return failf(op, "wants one number of keys for each of {0} sequences", batch);
}

LogicalResult onnx::detail::infer(const Subject &op, AttentionOp::Adaptor adaptor,
                                  Types &types) {
  if (failed(checkElements(op, adaptor)))
    return failure();
  Type element = getElementType(adaptor.getQ());
  auto none = NoneType::get(element.getContext());
  std::optional<ArrayRef<int64_t>> q = getStaticShape(adaptor.getQ());
  std::optional<ArrayRef<int64_t>> k = getStaticShape(adaptor.getK());
  std::optional<ArrayRef<int64_t>> v = getStaticShape(adaptor.getV());
  if (q && k && v) {
    size_t rank = q->size();
    if ((rank != 3 && rank != 4) || k->size() != rank || v->size() != rank) // C1
      return failf(op, "wants Q, K and V of rank 3 or 4, got ranks {0}, {1}, {2}", rank,
                   k->size(), v->size());
    std::optional<Shape> qs = splitHeads(*q, adaptor.getQNumHeads());
    std::optional<Shape> ks = splitHeads(*k, adaptor.getKvNumHeads());
    std::optional<Shape> vs = splitHeads(*v, adaptor.getKvNumHeads());
    if (!qs || !ks || !vs) // C2
      return failf(op, "head counts do not divide widths {0}, {1} and {2}", q->back(),
                   k->back(), v->back());
    if ((*qs)[0] != (*ks)[0] || (*ks)[0] != (*vs)[0] || (*qs)[3] != (*ks)[3] ||
        (*ks)[2] != (*vs)[2] || (*ks)[1] != (*vs)[1] || (*ks)[1] == 0 ||
        (*qs)[1] % (*ks)[1])
      return failf(op, "Q {0}, K {1} and V {2} do not fit together", str(*qs), str(*ks),
                   str(*vs));
    std::optional<ArrayRef<int64_t>> past = getStaticShape(adaptor.getPastKey());
    int64_t keys = (*ks)[2] + (past && past->size() == 4 ? (*past)[2] : 0);
    if (failed(
            checkMask(op, adaptor.getAttnMask(), {(*qs)[0], (*qs)[1], (*qs)[2], keys})) ||
        failed(checkLengths(op, adaptor.getNonpadKvSeqlen(), (*qs)[0])))
      return failure();
    Shape shape = rank == 4 ? Shape{(*q)[0], (*q)[1], (*q)[2], v->back()}
                            : Shape{(*q)[0], (*q)[1], (*qs)[1] * (*vs)[3]};
    (void)give(types, element, ArrayRef<int64_t>(shape));
  } else {
    (void)give(types, element, std::nullopt);
  }
  types.append(3, none);
  return success();
}

LogicalResult onnx::detail::infer(const Subject &op, RotaryEmbeddingOp::Adaptor adaptor,
                                  Types &types) {
  std::optional<ArrayRef<int64_t>> x = getStaticShape(adaptor.getX());
  if (x) {
    int64_t heads = adaptor.getNumHeads();
    bool cut = x->size() == 3 && heads > 0 && x->back() % heads == 0;
    if (x->size() != 4 && !cut) // C1
      return failf(op, "wants [B, heads, n, d] or num_heads, got shape {0} and {1} heads",
                   str(*x), heads);
    int64_t width = x->size() == 4 ? x->back() : x->back() / heads;
    int64_t turned = adaptor.getRotaryEmbeddingDim();
    turned = turned == 0 ? width : turned;
    size_t tableRank = isNone(adaptor.getPositionIds()) ? 3 : 2;
    for (Value table : {adaptor.getCosCache(), adaptor.getSinCache()})
      if (std::optional<ArrayRef<int64_t>> shape = getStaticShape(table))
        if (shape->size() != tableRank || turned > width ||
            2 * shape->back() != turned) // C2
          return failf(op, "a table of shape {0} does not turn {1} of {2} features",
                       str(*shape), turned, width);
    if (failed(checkPositions(op, adaptor, *x)))
      return failure();
  }
  return inferLike(adaptor.getX(), getElementType(adaptor.getX()), types);
}
