//===- Manifest.cpp - A compiled model as JSON ----------------------------===//
// The same facts as in the header, for programs that do not read C.

#include "weir/Target/Native/NativeModel.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace weir;

static void printType(llvm::json::OStream &json, ShapedType type) {
  json.attribute("dtype", getTypeName(type.getElementType()));
  json.attributeArray("shape", [&] {
    for (int64_t size : type.getShape())
      json.value(size);
  });
}

static void printPorts(llvm::json::OStream &json, StringRef key,
                       ArrayRef<NativePort> ports) {
  json.attributeArray(key, [&] {
    for (const NativePort &port : ports)
      json.object([&] {
        json.attribute("name", llvm::json::fixUTF8(port.name));
        json.attribute("identifier", port.identifier);
        printType(json, port.type);
        if (port.tokenDim)
          json.attribute("token_axis", *port.tokenDim);
      });
  });
}

void weir::printManifest(llvm::raw_ostream &os, const NativeModel &model) {
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("abi_version", nativeAbiVersion);
    json.attribute("name", model.name);
    json.attribute("source", llvm::json::fixUTF8(model.source));
    json.attribute("target", model.target);
    json.attribute("weights", model.weights);
    json.attribute("hash", model.digest);
    json.attribute("window", model.window);
    json.attribute("chunk", model.chunk);
    json.attribute("warmup", model.warmup);
    json.attribute("skipped", model.skipped);
    printPorts(json, "inputs", model.inputs);
    printPorts(json, "outputs", model.outputs);
    json.attributeArray("entries", [&] {
      for (const NativeEntry &entry : model.entries)
        json.value(entry.name);
    });
    json.attributeArray("groups", [&] {
      for (const NativeGroup &group : model.groups)
        json.value(group.streams);
    });
    json.attribute("threads", model.getThreads());
    json.attribute("state_bytes", model.layout.bytes);
    json.attribute("state_alignment", StateLayout::alignment);
    json.attribute("scratch_bytes", model.getScratchBytes());
    json.attributeArray("states", [&] {
      for (const StateSlot &slot : model.layout.slots)
        json.object([&] {
          json.attribute("name", llvm::json::fixUTF8(slot.name));
          printType(json, model.stateTypes.lookup(slot.name));
          json.attribute("offset", slot.offset);
          json.attribute("bytes", slot.bytes);
        });
    });
  });
  os << "\n";
}
