//===- WeightKind.cpp - How the weights of a model are stored -------------===//

#include "weir/Support/WeightKind.h"

using namespace mlir;
using namespace weir;

static constexpr StringLiteral attributeName = "weir.weights";
static constexpr StringLiteral names[] = {"f32", "bf16", "f16", "int8"};

StringRef weir::getName(WeightKind kind) { return names[static_cast<size_t>(kind)]; }

WeightKind weir::getWeightKind(ModuleOp module) {
  if (auto name = module->getAttrOfType<StringAttr>(attributeName))
    for (WeightKind kind : {WeightKind::BF16, WeightKind::F16, WeightKind::Int8})
      if (name.getValue() == getName(kind))
        return kind;
  return WeightKind::F32;
}

void weir::setWeightKind(ModuleOp module, WeightKind kind) {
  if (kind == WeightKind::F32)
    module->removeAttr(attributeName);
  else
    module->setAttr(attributeName, StringAttr::get(module.getContext(), getName(kind)));
}
