//===- Probe.cpp - Values inside of a window, as its outputs --------------===//

#include "Probe.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace weir;

void weir::returnValues(func::FuncOp window, ArrayRef<Value> values) {
  Builder builder(window.getContext());
  SmallVector<DictionaryAttr> attrs;
  for (size_t index = 0; index < values.size(); ++index)
    attrs.push_back(builder.getDictionaryAttr(builder.getNamedAttr(
        "weir.output", builder.getStringAttr(std::to_string(index)))));
  window.getBody().front().getTerminator()->setOperands(values);
  window.setType(
      builder.getFunctionType(window.getArgumentTypes(), ValueRange(values).getTypes()));
  window.setAllResultAttrs(attrs);
}

OwningOpRef<ModuleOp> weir::makeProbe(func::FuncOp window, ArrayRef<Value> values) {
  OpBuilder builder(window.getContext());
  OwningOpRef<ModuleOp> module(ModuleOp::create(window.getLoc()));
  builder.setInsertionPointToEnd(module->getBody());
  IRMapping mapping;
  auto probe = cast<func::FuncOp>(builder.clone(*window, mapping));
  returnValues(probe, llvm::map_to_vector(
                          values, [&](Value value) { return mapping.lookup(value); }));
  return module;
}
