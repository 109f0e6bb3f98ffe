//===- StateLayout.cpp - Where states stand in their arena ----------------===//

#include "weir/Support/StateLayout.h"
#include "mlir/IR/Builders.h"
#include "weir/Support/HostTensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;

static constexpr const char *layoutName = "weir.state_layout";
static constexpr const char *bytesName = "weir.state_bytes";

const StateSlot *StateLayout::find(StringRef name) const {
  for (const StateSlot &slot : slots)
    if (slot.name == name)
      return &slot;
  return nullptr;
}

void StateLayout::add(StringRef name, MemRefType type) {
  int64_t size = type.getNumElements() * HostTensor::elementBytes(type.getElementType());
  slots.push_back({name.str(), type, bytes, size});
  bytes = llvm::alignTo(bytes + size, alignment);
}

void StateLayout::attachTo(ModuleOp module) const {
  Builder b(module.getContext());
  SmallVector<Attribute> entries;
  for (const StateSlot &slot : slots)
    entries.push_back(
        b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(slot.name)),
                             b.getNamedAttr("type", TypeAttr::get(slot.type)),
                             b.getNamedAttr("offset", b.getI64IntegerAttr(slot.offset)),
                             b.getNamedAttr("bytes", b.getI64IntegerAttr(slot.bytes))}));
  module->setAttr(layoutName, b.getArrayAttr(entries));
  module->setAttr(bytesName, b.getI64IntegerAttr(bytes));
}

std::optional<StateLayout> StateLayout::get(ModuleOp module) {
  auto entries = module->getAttrOfType<ArrayAttr>(layoutName);
  auto size = module->getAttrOfType<IntegerAttr>(bytesName);
  if (!entries || !size)
    return std::nullopt;
  StateLayout layout;
  layout.bytes = size.getInt();
  for (auto entry : entries.getAsRange<DictionaryAttr>())
    layout.slots.push_back({entry.getAs<StringAttr>("name").str(),
                            cast<MemRefType>(entry.getAs<TypeAttr>("type").getValue()),
                            entry.getAs<IntegerAttr>("offset").getInt(),
                            entry.getAs<IntegerAttr>("bytes").getInt()});
  return layout;
}
