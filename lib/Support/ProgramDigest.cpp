//===- ProgramDigest.cpp - A hash of what a program computes --------------===//

#include "weir/Support/ProgramDigest.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "weir/Support/HostTensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"

using namespace mlir;
using namespace weir;

void ProgramDigest::add(StringRef text) {
  uint64_t size = text.size();
  hash.update(StringRef(reinterpret_cast<const char *>(&size), sizeof size));
  hash.update(text);
}

void ProgramDigest::add(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  add(text);
}

void ProgramDigest::add(Attribute attribute) {
  if (auto elements = dyn_cast<ElementsAttr>(attribute)) {
    FailureOr<HostTensor> tensor = HostTensor::get(elements);
    if (succeeded(tensor)) {
      add(elements.getType());
      ArrayRef<char> bytes = tensor->getBytes();
      llvm::TruncatedBLAKE3<32> fast; // weights are most of a program
      fast.update(StringRef(bytes.data(), bytes.size()));
      return add(llvm::toHex(fast.final()));
    }
  }
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  add(text);
}

void ProgramDigest::add(Operation *op) {
  add(op->getName().getStringRef());
  for (NamedAttribute attribute : op->getAttrDictionary()) {
    add(attribute.getName().getValue());
    add(attribute.getValue());
  }
  for (Value operand : op->getOperands())
    add(numberOf(operand));
  for (Value result : op->getResults()) {
    add(numberOf(result));
    add(result.getType());
  }
  for (Region &region : op->getRegions())
    for (Block &block : region) {
      for (BlockArgument argument : block.getArguments()) {
        add(numberOf(argument));
        add(argument.getType());
      }
      for (Operation &inner : block)
        add(&inner);
    }
}

std::string ProgramDigest::finish() {
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}
