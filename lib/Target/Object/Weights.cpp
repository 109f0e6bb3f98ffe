//===- Weights.cpp - Constants that stay out of the code ------------------===//

#include "weir/Target/Object/Weights.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "weir/Support/HostTensor.h"

using namespace mlir;
using namespace weir;

FailureOr<NamedWeights> weir::getWeights(ModuleOp module) {
  NamedWeights weights;
  for (auto global : module.getOps<memref::GlobalOp>()) {
    auto value = global->getAttrOfType<ElementsAttr>("weir.value");
    if (!value)
      continue;
    if (failed(HostTensor::get(value)))
      return global.emitError()
             << "a constant of type " << value.getType() << " is too large";
    weights.push_back({global.getSymName().str(), value});
  }
  return weights;
}
