//===- Contraction.cpp - onnx ops that multiply and accumulate ------------===//
// All of them become sums of products whose loops are ordered (batch, rows, columns,
// reduced). Convolutions gather their patches as rows first, so that they are one
// product with a constant matrix.

#include "Emit.h"
#include "weir/Dialect/Onnx/Onnx.h"
#include "weir/Support/HostTensor.h"
#include "weir/Support/TensorTypes.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

static bool isAbsent(Value value) { return isa<NoneType>(value.getType()); }

/// `kinds` of loops of which the last `numReduced` reduce.
static SmallVector<IteratorKind> loops(int64_t numLoops, int64_t numReduced = 1) {
  SmallVector<IteratorKind> kinds(numLoops, IteratorKind::parallel);
  std::fill(kinds.end() - numReduced, kinds.end(), IteratorKind::reduction);
  return kinds;
}

/// y[batch..., i, j] = sum_k a[batch..., i, k] b[batch..., k, j], rank 2 or more each;
/// batch dimensions broadcast.
static Tensor matmul(Emit &emit, Tensor a, Tensor b, ArrayRef<int64_t> batch) {
  MLIRContext *context = emit.rw.getContext();
  int64_t numBatch = batch.size(), rank = numBatch + 3;
  AffineExpr i = getAffineDimExpr(numBatch, context);
  AffineExpr j = getAffineDimExpr(numBatch + 1, context);
  AffineExpr k = getAffineDimExpr(numBatch + 2, context);
  auto mapOf = [&](Tensor x, AffineExpr row, AffineExpr column) {
    AffineMap outer = broadcastMap(context, x.shape().drop_back(2), batch);
    SmallVector<AffineExpr> exprs(outer.getResults());
    exprs.append({row, column});
    return AffineMap::get(rank, 0, exprs, context);
  };
  SmallVector<int64_t> shape(batch);
  shape.append({a.shape()[a.rank() - 2], b.shape().back()});
  SmallVector<int64_t> kept = llvm::to_vector(llvm::seq<int64_t>(0, numBatch + 2));
  return emit.contract(shape, {a, b}, {mapOf(a, i, k), mapOf(b, k, j)},
                       keepLoops(context, rank, kept), loops(rank));
}

static SmallVector<int64_t> broadcastShapes(ArrayRef<int64_t> x, ArrayRef<int64_t> y) {
  SmallVector<int64_t> shape(std::max(x.size(), y.size()), 1);
  for (ArrayRef<int64_t> operand : {x, y})
    for (auto [i, size] : llvm::enumerate(llvm::reverse(operand)))
      if (size != 1)
        shape[shape.size() - 1 - i] = size;
  return shape;
}

static Results lowerMatMul(MatMulOp op, Emit &emit) {
  Tensor a = emit.tensor(op.getA()), b = emit.tensor(op.getB());
  if (a.rank() == 1)
    a = emit.reshape(a, {1, a.shape()[0]});
  if (b.rank() == 1)
    b = emit.reshape(b, {b.shape()[0], 1});
  // One matrix for all rows: the batches of `a` are rows like any other.
  if (b.rank() == 2 && a.rank() > 2) {
    int64_t width = a.shape().back();
    a = emit.reshape(
        a, {typeOf(a.value).getNumElements() / std::max<int64_t>(width, 1), width});
  }
  SmallVector<int64_t> batch =
      broadcastShapes(a.shape().drop_back(2), b.shape().drop_back(2));
  Tensor y = matmul(emit, a, b, batch);
  return SmallVector<Value>{emit.reshape(y, typeOf(op.getY()).getShape()).value};
}

static Results lowerGemm(GemmOp op, Emit &emit) {
  MLIRContext *context = op.getContext();
  Tensor a = emit.tensor(op.getA()), b = emit.tensor(op.getB());
  auto mapOf = [&](int64_t row, int64_t column, bool swap) {
    return swap ? keepLoops(context, 3, {column, row})
                : keepLoops(context, 3, {row, column});
  };
  ArrayRef<int64_t> shape = typeOf(op.getY()).getShape();
  Tensor y = emit.contract(shape, {a, b},
                           {mapOf(0, 2, op.getTransA()), mapOf(2, 1, op.getTransB())},
                           keepLoops(context, 3, {0, 1}), loops(3));
  double alpha = op.getAlpha().convertToFloat(), beta = op.getBeta().convertToFloat();
  bool adds = !isAbsent(op.getC()) && beta != 0;
  SmallVector<Tensor> operands = {y};
  if (adds)
    operands.push_back(emit.tensor(op.getC()));
  if (!adds && alpha == 1)
    return SmallVector<Value>{y.value};
  Tensor scaled = emit.map(shape, y.element, operands, [&](Scalars &s, ValueRange v) {
    Value product = alpha == 1 ? v[0] : s.mul(s.constant(v[0], alpha), v[0]);
    if (!adds)
      return product;
    return s.add(product, beta == 1 ? v[1] : s.mul(s.constant(v[1], beta), v[1]));
  });
  return SmallVector<Value>{scaled.value};
}

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

namespace {
struct Equation {
  SmallVector<std::string> inputs;
  std::string output;
};
} // namespace

/// `bqd,bkd->bqk`; without an arrow the letters that occur once, sorted. An ellipsis is
/// not taken.
static FailureOr<Equation> parseEquation(StringRef text) {
  std::string plain = text.str();
  llvm::erase(plain, ' ');
  if (StringRef(plain).contains('.'))
    return failure();
  auto [left, right] = StringRef(plain).split("->");
  Equation equation;
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  for (StringRef term : terms)
    equation.inputs.push_back(term.str());
  equation.output = right.str();
  if (!StringRef(plain).contains("->"))
    for (char c = 'A'; c <= 'z'; ++c)
      if (left.count(c) == 1)
        equation.output.push_back(c);
  return equation;
}

static Results lowerEinsum(EinsumOp op, Emit &emit) {
  FailureOr<Equation> equation = parseEquation(op.getEquation());
  if (failed(equation))
    return emit.refuse("an ellipsis in the equation is not supported; write all letters");
  std::string letters = equation->output;
  for (const std::string &input : equation->inputs)
    for (char c : input)
      if (letters.find(c) == std::string::npos)
        letters.push_back(c);
  auto mapOf = [&](const std::string &term) {
    SmallVector<int64_t> positions;
    for (char c : term)
      positions.push_back(letters.find(c));
    return keepLoops(op.getContext(), letters.size(), positions);
  };
  SmallVector<Tensor> operands;
  SmallVector<AffineMap> maps;
  for (auto [input, operand] : llvm::zip_equal(equation->inputs, op.getInputs())) {
    operands.push_back(emit.tensor(operand));
    maps.push_back(mapOf(input));
  }
  Tensor y = emit.contract(
      typeOf(op.getOutput()).getShape(), operands, maps, mapOf(equation->output),
      loops(letters.size(), letters.size() - equation->output.size()));
  return SmallVector<Value>{y.value};
}

//===----------------------------------------------------------------------===//
// Conv
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> intsOr(std::optional<ArrayAttr> attr, int64_t count,
                                   int64_t otherwise) {
  if (!attr)
    return SmallVector<int64_t>(count, otherwise);
  return llvm::map_to_vector(attr->getAsRange<IntegerAttr>(),
                             [](IntegerAttr value) { return value.getInt(); });
}

/// Rows of zeros before the spatial dimensions; those after follow from the result.
static SmallVector<int64_t> padsBefore(ConvOp op, ArrayRef<int64_t> in,
                                       ArrayRef<int64_t> out, ArrayRef<int64_t> kernel,
                                       ArrayRef<int64_t> strides,
                                       ArrayRef<int64_t> dilations) {
  int64_t spatial = in.size();
  if (!op.getAutoPad().starts_with("SAME")) {
    SmallVector<int64_t> pads = intsOr(op.getPads(), 2 * spatial, 0);
    pads.resize(spatial);
    return op.getAutoPad() == "VALID" ? SmallVector<int64_t>(spatial, 0) : pads;
  }
  SmallVector<int64_t> pads;
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t span = (kernel[i] - 1) * dilations[i] + 1;
    int64_t total = std::max<int64_t>((out[i] - 1) * strides[i] + span - in[i], 0);
    pads.push_back(op.getAutoPad() == "SAME_UPPER" ? total / 2 : total - total / 2);
  }
  return pads;
}

namespace {
/// The sizes of a convolution, by ONNX's names.
struct ConvShape {
  int64_t batch, group, channels, filters; // the last two of one group
  SmallVector<int64_t> in, out, kernel, strides, dilations, pads;
};
} // namespace

static ConvShape getShape(ConvOp op) {
  ArrayRef<int64_t> x = typeOf(op.getX()).getShape(), w = typeOf(op.getW()).getShape();
  ConvShape shape;
  shape.batch = x[0];
  shape.group = op.getGroup();
  shape.channels = w[1];
  shape.filters = w[0] / shape.group;
  shape.in.assign(x.begin() + 2, x.end());
  shape.kernel.assign(w.begin() + 2, w.end());
  shape.out = llvm::to_vector(typeOf(op.getY()).getShape().drop_front(2));
  shape.strides = intsOr(op.getStrides(), shape.in.size(), 1);
  shape.dilations = intsOr(op.getDilations(), shape.in.size(), 1);
  shape.pads =
      padsBefore(op, shape.in, shape.out, shape.kernel, shape.strides, shape.dilations);
  return shape;
}

/// `x` with zeros around it, [batch, group, channels, spatial...].
static Tensor padInput(Emit &emit, Tensor x, const ConvShape &c) {
  SmallVector<int64_t> split = {c.batch, c.group, c.channels};
  SmallVector<int64_t> padded = split, offsets(3, 0);
  split.append(c.in);
  bool needsPad = false;
  for (size_t i = 0; i < c.in.size(); ++i) {
    int64_t span = (c.out[i] - 1) * c.strides[i] + (c.kernel[i] - 1) * c.dilations[i] + 1;
    padded.push_back(std::max(span, c.in[i] + c.pads[i]));
    offsets.push_back(c.pads[i]);
    needsPad |= padded.back() != c.in[i];
  }
  x = emit.reshape(x, split);
  return needsPad ? emit.insert(x, emit.fill(padded, x.element, 0), offsets) : x;
}

/// cols[batch, group, out..., channel, kernel...], each a row of what one filter sees.
static Tensor gatherPatches(Emit &emit, Tensor x, const ConvShape &c) {
  MLIRContext *context = emit.rw.getContext();
  int64_t spatial = c.in.size(), rank = 3 + 2 * spatial;
  SmallVector<int64_t> shape = {c.batch, c.group};
  shape.append(c.out);
  shape.push_back(c.channels);
  shape.append(c.kernel);
  SmallVector<AffineExpr> exprs = {getAffineDimExpr(0, context),
                                   getAffineDimExpr(1, context),
                                   getAffineDimExpr(2 + spatial, context)};
  for (int64_t i = 0; i < spatial; ++i)
    exprs.push_back(getAffineDimExpr(2 + i, context) * c.strides[i] +
                    getAffineDimExpr(3 + spatial + i, context) * c.dilations[i]);
  // An unused operand of the result's shape would be redundant: the loops follow from it.
  return emit.map(shape, x.element, {x}, {AffineMap::get(rank, 0, exprs, context)},
                  [](Scalars &, ValueRange v) { return v[0]; });
}

/// w[group, channel * kernel, filter] of the constant w[group * filter, channel, kernel].
static std::optional<Tensor> transposeFilters(Emit &emit, Value w, const ConvShape &c) {
  ElementsAttr attr = getConstantElements(w);
  if (!attr)
    return std::nullopt;
  FailureOr<HostTensor> from = HostTensor::get(attr);
  if (failed(from))
    return std::nullopt;
  int64_t depth = from->getNumElements() / (c.group * c.filters);
  auto type =
      RankedTensorType::get({c.group, depth, c.filters}, typeOf(w).getElementType());
  HostTensor to(type);
  int64_t width = from->getElementBytes();
  for (int64_t g = 0; g < c.group; ++g)
    for (int64_t f = 0; f < c.filters; ++f)
      for (int64_t k = 0; k < depth; ++k)
        std::memcpy(&to.getMutableBytes()[((g * depth + k) * c.filters + f) * width],
                    &from->getBytes()[((g * c.filters + f) * depth + k) * width], width);
  return emit.constant(to.toAttr("filters"));
}

static Results lowerConv(ConvOp op, Emit &emit) {
  ConvShape c = getShape(op);
  Tensor cols = gatherPatches(emit, padInput(emit, emit.tensor(op.getX()), c), c);
  int64_t points = 1, depth = c.channels;
  for (size_t i = 0; i < c.out.size(); ++i) {
    points *= c.out[i];
    depth *= c.kernel[i];
  }
  cols = emit.reshape(cols, {c.batch, c.group, points, depth});
  std::optional<Tensor> filters = transposeFilters(emit, op.getW(), c);
  if (!filters)
    filters = emit.transpose(
        emit.reshape(emit.tensor(op.getW()), {c.group, c.filters, depth}), {0, 2, 1});
  Tensor y = matmul(emit, cols, *filters, {c.batch, c.group});
  Value bias = op.getB();
  SmallVector<Tensor> operands = {y};
  SmallVector<int64_t> shape = {c.batch, c.group, c.filters, points};
  MLIRContext *context = op.getContext();
  SmallVector<AffineMap> maps = {keepLoops(context, 4, {0, 1, 3, 2})};
  if (!isAbsent(bias)) {
    operands.push_back(emit.reshape(emit.tensor(bias), {c.group, c.filters}));
    maps.push_back(keepLoops(context, 4, {1, 2}));
  }
  y = emit.map(shape, y.element, operands, maps, [](Scalars &s, ValueRange v) {
    return v.size() == 1 ? v[0] : s.add(v[0], v[1]);
  });
  return SmallVector<Value>{emit.reshape(y, typeOf(op.getY()).getShape()).value};
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// [B, heads, n, d], from that or from [B, n, heads * d].
static Tensor splitHeads(Emit &emit, Tensor x, std::optional<int64_t> heads) {
  if (x.rank() == 4)
    return x;
  ArrayRef<int64_t> shape = x.shape();
  x = emit.reshape(x, {shape[0], shape[1], *heads, shape[2] / *heads});
  return emit.transpose(x, {0, 2, 1, 3});
}

/// The additive mask applied to `scores` [B, kv, group, n, m]; booleans ask who may
/// attend.
static Tensor applyMask(Emit &emit, Tensor scores, Tensor mask) {
  SmallVector<int64_t> shape(mask.shape());
  while (shape.size() < 4)
    shape.insert(shape.begin(), 1);
  ArrayRef<int64_t> full = scores.shape();
  // Heads are (kv, group); a mask with one row a head is split the same way.
  SmallVector<int64_t> split = {shape[0], shape[1] == 1 ? 1 : full[1],
                                shape[1] == 1 ? 1 : full[2], shape[2], shape[3]};
  mask = emit.reshape(mask, split);
  bool isBool = mask.element.isInteger(1);
  return emit.map(full, scores.element, {scores, mask}, [&](Scalars &s, ValueRange v) {
    if (!isBool)
      return s.add(v[0], s.convert(v[1], v[0].getType(), false));
    return s.select(v[1], v[0],
                    s.constant(v[0], -std::numeric_limits<double>::infinity()));
  });
}

static Results lowerAttention(AttentionOp op, Emit &emit) {
  bool usesCache = !isAbsent(op.getPastKey()) || !isAbsent(op.getPastValue()) ||
                   !isAbsent(op.getNonpadKvSeqlen()) || !isAbsent(op.getPresentKey()) ||
                   !isAbsent(op.getPresentValue());
  if (usesCache)
    return emit.refuse("caches (past_key, past_value) are not supported; export the "
                       "encoder without them");
  if (!isAbsent(op.getQkMatmulOutput()))
    return emit.refuse("the output qk_matmul_output is not supported");
  if (op.getLeftWindowSize() >= 0 || op.getRightWindowSize() >= 0)
    return emit.refuse("its window of keys must be spelled out as a mask; run "
                       "weir-canonicalize first");
  Tensor q = splitHeads(emit, emit.tensor(op.getQ()), op.getQNumHeads());
  Tensor k = splitHeads(emit, emit.tensor(op.getK()), op.getKvNumHeads());
  Tensor v = splitHeads(emit, emit.tensor(op.getV()), op.getKvNumHeads());
  Type element = q.element;
  int64_t batch = q.shape()[0], kvHeads = k.shape()[1], group = q.shape()[1] / kvHeads;
  int64_t n = q.shape()[2], m = k.shape()[2], d = q.shape()[3], dv = v.shape()[3];
  q = emit.reshape(q, {batch, kvHeads, group, n, d});

  MLIRContext *context = op.getContext();
  double scale =
      op.getScale() ? op.getScale()->convertToFloat() : 1 / std::sqrt(double(d));
  double softcap = op.getSoftcap().convertToFloat();
  // Loops: batch, kv head, group, query, key, depth.
  Tensor scores = emit.contract(
      {batch, kvHeads, group, n, m}, {q, k},
      {keepLoops(context, 6, {0, 1, 2, 3, 5}), keepLoops(context, 6, {0, 1, 4, 5})},
      keepLoops(context, 6, {0, 1, 2, 3, 4}), loops(6));
  bool isCausal = op.getIsCausal();
  scores =
      emit.map(scores.shape(), scores.element, {scores}, [&](Scalars &s, ValueRange x) {
        Value y = s.mul(x[0], s.constant(x[0], scale));
        if (softcap != 0) {
          Value cap = s.constant(y, softcap);
          y = s.mul(cap, s.tanh(s.div(y, cap)));
        }
        if (!isCausal)
          return y;
        Value sees = arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::sle,
                                           s.index(4), s.index(3));
        double hidden = -std::numeric_limits<double>::infinity();
        return s.select(sees, y, s.constant(y, hidden));
      });
  if (!isAbsent(op.getAttnMask()))
    scores = applyMask(emit, scores, emit.tensor(op.getAttnMask()));
  Tensor weights = softmax(emit, scores, 4);
  // Loops: batch, kv head, group, query, width, key.
  Tensor y = emit.contract(
      {batch, kvHeads, group, n, dv}, {weights, v},
      {keepLoops(context, 6, {0, 1, 2, 3, 5}), keepLoops(context, 6, {0, 1, 5, 4})},
      keepLoops(context, 6, {0, 1, 2, 3, 4}), loops(6));
  y = emit.cast(emit.reshape(y, {batch, kvHeads * group, n, dv}), element);
  if (typeOf(op.getY()).getRank() == 3)
    y = emit.reshape(emit.transpose(y, {0, 2, 1, 3}), typeOf(op.getY()).getShape());
  SmallVector<Value> results = {y.value};
  for (int i = 0; i < 3; ++i)
    results.push_back(NoValueOp::create(emit.rw, emit.loc));
  return results;
}

void weir::onnx::addContractionLowerings(Lowerings &lowerings) {
  lowerings.add<MatMulOp>(lowerMatMul);
  lowerings.add<GemmOp>(lowerGemm);
  lowerings.add<EinsumOp>(lowerEinsum);
  lowerings.add<ConvOp>(lowerConv);
  lowerings.add<AttentionOp>(lowerAttention);
}
