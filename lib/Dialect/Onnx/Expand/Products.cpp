//===- Products.cpp - Fused products that other operators spell out -------===//

#include "Expansion.h"

using namespace mlir;
using namespace weir;
using namespace weir::onnx;

/// The operand of a FusedMatMul as MatMul takes it: `transBatch` moves the first
/// dimension to the last but one, `trans` swaps the last two. A vector is left alone.
static Value turned(Expansion &x, unsigned operand, bool trans, bool transBatch) {
  Value value = x[operand];
  int64_t rank = x.shape(operand).size();
  if (transBatch && rank > 2) {
    Shape perm = llvm::to_vector(llvm::seq<int64_t>(1, rank - 1));
    perm.append({0, rank - 1});
    value = x.transpose(value, perm);
  }
  return trans && rank >= 2 ? x.transposeMatrix(value) : value;
}

/// alpha A' B'
static Results expandFusedMatMul(Expansion &x) {
  Value a = turned(x, 0, x.getInt("transA", 0), x.getInt("transBatchA", 0));
  Value b = turned(x, 1, x.getInt("transB", 0), x.getInt("transBatchB", 0));
  double alpha = x.getFloat("alpha", 1);
  Value y = x.matMul(a, b);
  return one(alpha == 1 ? y : x.mul(y, x.scalar(alpha, x.element())));
}

/// The activation that onnxruntime fused into a product, of the parameters that it has.
static FailureOr<Value> activate(Expansion &x, Value y, ArrayRef<double> parameters) {
  StringRef kind = x.getString("activation", "");
  auto parameter = [&](size_t index, double otherwise) {
    return APFloat(float(index < parameters.size() ? parameters[index] : otherwise));
  };
  if (kind.empty())
    return y;
  if (kind == "Relu")
    return x.make<ReluOp>(y);
  if (kind == "Tanh")
    return x.make<TanhOp>(y);
  if (kind == "Sigmoid")
    return x.make<SigmoidOp>(y);
  if (kind == "Softplus")
    return x.make<SoftplusOp>(y);
  if (kind == "Softsign")
    return x.make<SoftsignOp>(y);
  if (kind == "LeakyRelu")
    return x.make<LeakyReluOp>(y, parameter(0, 0.01));
  if (kind == "Elu")
    return x.make<EluOp>(y, parameter(0, 1));
  if (kind == "HardSigmoid")
    return x.make<HardSigmoidOp>(y, parameter(0, 0.2), parameter(1, 0.5));
  if (kind == "Clip" && parameters.size() == 2)
    return x.make<ClipOp>(y, x.scalar(parameters[0], x.element()),
                          x.scalar(parameters[1], x.element()));
  return x.refuse("has an activation '{0}' that Weir does not know", kind);
}

static Results expandFusedGemm(Expansion &x) {
  Value y = x.make<GemmOp>(x[0], x[1], x[2], APFloat(float(x.getFloat("alpha", 1))),
                           APFloat(float(x.getFloat("beta", 1))), x.getInt("transA", 0),
                           x.getInt("transB", 0));
  SmallVector<double> parameters;
  for (StringRef name : {"activation_alpha", "activation_beta", "activation_gamma"})
    if (x.hasAttr(name))
      parameters.push_back(x.getFloat(name, 0));
  FailureOr<Value> result = activate(x, y, parameters);
  return failed(result) ? Results(failure()) : one(*result);
}

/// activation(Conv(X, W, B) + Z)
static Results expandFusedConv(Expansion &x) {
  auto array = [&](StringRef name) {
    return x.getIntArray(name) ? cast<ArrayAttr>(x.getAttr(name)) : ArrayAttr();
  };
  Value y = x.make<ConvOp>(x[0], x[1], x[2], x.getString("auto_pad", "NOTSET"),
                           array("dilations"), x.getInt("group", 1),
                           array("kernel_shape"), array("pads"), array("strides"));
  if (x.has(3))
    y = x.add(y, x[3]);
  FailureOr<Value> result = activate(
      x, y, x.getFloatArray("activation_params").value_or(SmallVector<double>()));
  return failed(result) ? Results(failure()) : one(*result);
}

ArrayRef<ExpandedOperator> weir::onnx::expandedProducts() {
  static const ExpandedOperator rows[] = {
      {microsoft, "FusedConv", 2, 4, 1, expandFusedConv},
      {microsoft, "FusedGemm", 2, 3, 1, expandFusedGemm},
      {microsoft, "FusedMatMul", 2, 2, 1, expandFusedMatMul},
      {microsoft, "TransposeMatMul", 2, 2, 1, expandFusedMatMul},
  };
  return rows;
}
