//===- Opsets.cpp - Which opset brought which operator --------------------===//

#include "weir/Dialect/Onnx/Opsets.h"
#include "llvm/ADT/StringSwitch.h"

using namespace weir::onnx;

int64_t weir::onnx::opsetOfOperator(llvm::StringRef op) {
  return llvm::StringSwitch<int64_t>(op)
      .Cases({"HardSwish", "Trilu"}, 14)
      .Case("LayerNormalization", 17)
      .Case("Mish", 18)
      .Case("Gelu", 20)
      .Cases({"Attention", "RMSNormalization", "RotaryEmbedding"}, 23)
      .Case("Swish", 24)
      .Default(oldestWrittenOpset);
}

llvm::ArrayRef<Addition> weir::onnx::getAdditions() {
  static const Addition additions[] = {
      {"Attention", "left_window_size", 25},
      {"Attention", "right_window_size", 25},
      {"Attention", "nonpad_kv_seqlen", 24},
      {"AveragePool", "dilations", 19},
      {"BatchNormalization", "training_mode", 14},
      {"Cast", "saturate", 19},
      {"DequantizeLinear", "block_size", 21},
      {"DequantizeLinear", "output_dtype", 23},
      {"Pad", "axes", 18},
      {"QuantizeLinear", "block_size", 21},
      {"QuantizeLinear", "output_dtype", 21},
      {"QuantizeLinear", "precision", 23},
      {"QuantizeLinear", "saturate", 19},
      {"ReduceL1", "noop_with_empty_axes", 18},
      {"ReduceL2", "noop_with_empty_axes", 18},
      {"ReduceLogSumExp", "noop_with_empty_axes", 18},
      {"ReduceMax", "noop_with_empty_axes", 18},
      {"ReduceMean", "noop_with_empty_axes", 18},
      {"ReduceMin", "noop_with_empty_axes", 18},
      {"ReduceProd", "noop_with_empty_axes", 18},
      {"ReduceSumSquare", "noop_with_empty_axes", 18},
      {"Reshape", "allowzero", 14},
      {"ScatterElements", "reduction", 16},
      {"ScatterND", "reduction", 16},
      {"Shape", "end", 15},
      {"Shape", "start", 15},
      {"Split", "num_outputs", 18},
  };
  return additions;
}
