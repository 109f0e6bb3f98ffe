//===- Session.cpp - Call a model's functions on streams ------------------===//

#include "Session.h"
#include <cstring>

using namespace mlir;
using namespace weir;

BoundFunction::BoundFunction(const CompiledFunction &function) : function(function) {
  for (const Port &port : function.getPorts())
    buffers.emplace_back(port.numBytes());
  for (std::vector<char> &buffer : buffers)
    addresses.push_back(buffer.data());
}

std::vector<char> *BoundFunction::findState(StringRef name) {
  for (auto [port, buffer] : llvm::zip(getPorts(), buffers))
    if (port.kind == Port::State && port.name == name)
      return &buffer;
  return nullptr;
}

void BoundFunction::feed(const Streams &streams, int64_t first, int64_t count) {
  for (auto [port, buffer] : llvm::zip(getPorts(), buffers))
    if (port.kind == Port::Input)
      streams.find(port.name).copyTokens(first, count, buffer.data());
}

void BoundFunction::copyStatesTo(BoundFunction &other) {
  for (auto [port, buffer] : llvm::zip(getPorts(), buffers))
    if (port.kind == Port::State)
      if (std::vector<char> *state = other.findState(port.name))
        llvm::copy(buffer, state->begin());
}

void WindowSession::run(int64_t index) {
  bound.feed(streams, index * streams.chunk, streams.tokens);
  int64_t step = index + warmup - 1;
  for (auto [i, port] : llvm::enumerate(bound.getPorts()))
    if (port.kind == Port::Step)
      std::memcpy(bound.getBuffer(i).data(), &step, sizeof step);
  bound.call();
}

StepSession::StepSession(const CompiledModule &module, const Streams &streams,
                         int64_t skipped)
    : bound(*module.lookup("step")), streams(streams), init(*module.lookup("init")),
      skipped(skipped) {}

void StepSession::reset() {
  next = -skipped;
  init.call();
  init.copyStatesTo(bound);
}

void StepSession::advance() {
  bound.feed(streams, next, streams.chunk);
  next += streams.chunk;
  bound.call();
}

Recorder::Recorder(ArrayRef<Port> ports) {
  for (const Port &port : ports) {
    if (port.kind != Port::Output)
      continue;
    NpyArray array;
    array.dtype = getNpyType(port.type.getElementType());
    array.shape.push_back(0);
    llvm::append_range(array.shape, port.type.getShape());
    arrays.push_back({port.name, std::move(array)});
  }
}

void Recorder::record(BoundFunction &bound) {
  auto array = arrays.begin();
  for (auto [i, port] : llvm::enumerate(bound.getPorts())) {
    if (port.kind != Port::Output)
      continue;
    llvm::append_range(array->second.bytes, bound.getBuffer(i));
    ++array->second.shape[0];
    ++array;
  }
}
