//===- WeightKind.cpp - How the weights of a model are stored -------------===//

#include "weir/Support/WeightKind.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace weir;

static constexpr StringLiteral kindName = "weir.weights", productsName = "weir.products";
static constexpr StringLiteral names[] = {"f32", "bf16", "f16", "int8"};

StringRef weir::getName(WeightKind kind) { return names[static_cast<size_t>(kind)]; }

std::optional<WeightKind> weir::parseWeightKind(StringRef name) {
  for (auto [index, other] : llvm::enumerate(names))
    if (name == other)
      return static_cast<WeightKind>(index);
  return std::nullopt;
}

WeightKind weir::getWeightKind(ModuleOp module) {
  auto name = module->getAttrOfType<StringAttr>(kindName);
  return name ? parseWeightKind(name.getValue()).value_or(WeightKind::F32)
              : WeightKind::F32;
}

void weir::setWeightKind(ModuleOp module, WeightKind kind) {
  if (kind == WeightKind::F32)
    module->removeAttr(kindName);
  else
    module->setAttr(kindName, StringAttr::get(module.getContext(), getName(kind)));
}

SmallVector<StoredWeights> weir::getStoredWeights(ModuleOp module) {
  SmallVector<StoredWeights> stored;
  auto entries = module->getAttrOfType<ArrayAttr>(productsName);
  if (!entries)
    return stored;
  for (Attribute attribute : entries) {
    auto entry = dyn_cast<DictionaryAttr>(attribute);
    auto digest = entry ? entry.getAs<IntegerAttr>("digest") : nullptr;
    auto name = entry ? entry.getAs<StringAttr>("kind") : nullptr;
    auto kind = name ? parseWeightKind(name.getValue()) : std::nullopt;
    if (digest && kind)
      stored.push_back({digest.getValue().getZExtValue(), *kind,
                        entry.getAs<DenseElementsAttr>("rows")});
  }
  return stored;
}

void weir::setStoredWeights(ModuleOp module, ArrayRef<StoredWeights> stored) {
  if (stored.empty()) {
    module->removeAttr(productsName);
    return;
  }
  Builder b(module.getContext());
  SmallVector<Attribute> entries;
  for (const StoredWeights &weights : stored) {
    SmallVector<NamedAttribute> entry = {
        b.getNamedAttr("digest", b.getI64IntegerAttr(weights.digest)),
        b.getNamedAttr("kind", b.getStringAttr(getName(weights.kind)))};
    if (weights.rows)
      entry.push_back(b.getNamedAttr("rows", weights.rows));
    entries.push_back(b.getDictionaryAttr(entry));
  }
  module->setAttr(productsName, b.getArrayAttr(entries));
}

uint64_t weir::digestOf(ArrayRef<char> bytes) {
  return llvm::xxh3_64bits(
      ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
}
