//===- ImportTest.cpp - No bytes crash the ONNX importer ------------------===//
// A model that visits most of the importer is written field by field, then broken in
// every byte. Each variant must import to valid IR, or fail with an error.

#include "weir/Target/Onnx/Import.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;

namespace {
/// A protobuf message under construction.
struct Message {
  std::string bytes;
  Message &number(unsigned field, uint64_t value) {
    varint(field << 3);
    varint(value);
    return *this;
  }
  Message &text(unsigned field, const std::string &value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes += value;
    return *this;
  }
  Message &add(unsigned field, const Message &value) { return text(field, value.bytes); }

private:
  void varint(uint64_t value) {
    for (; value > 127; value >>= 7)
      bytes += static_cast<char>(value | 128);
    bytes += static_cast<char>(value);
  }
};
} // namespace

static Message tensorInfo(const std::string &name, std::vector<int64_t> dims) {
  Message shape;
  for (int64_t dim : dims)
    shape.add(1, Message().number(1, dim));
  Message tensor = Message().number(1, 1).add(2, shape);
  return Message().text(1, name).add(2, Message().add(1, tensor));
}

static Message attribute(const std::string &name, unsigned type, unsigned field,
                         std::vector<int64_t> ints) {
  Message message = Message().text(1, name).number(20, type);
  for (int64_t value : ints)
    message.number(field, value);
  return message;
}

static Message node(const std::string &op, std::vector<std::string> inputs,
                    std::vector<std::string> outputs,
                    std::vector<Message> attributes = {},
                    const std::string &domain = "") {
  Message message;
  for (const std::string &input : inputs)
    message.text(1, input);
  for (const std::string &output : outputs)
    message.text(2, output);
  message.text(4, op);
  for (const Message &attr : attributes)
    message.add(5, attr);
  if (!domain.empty())
    message.text(7, domain);
  return message;
}

/// Softmax and ReduceMean of opset 12, a call with a bound attribute, an If on a
/// constant.
static std::string richModel() {
  Message raw = Message().number(1, 2).number(1, 3).number(2, 1).text(8, "w").text(
      9, std::string(24, '\x3f'));
  Message typed =
      Message().number(1, 1).number(2, 7).text(7, std::string("\x02")).text(8, "k");
  Message truth = Message().number(2, 9).text(5, std::string("\x01")).text(8, "true");
  Message reference = Message().text(1, "axis").number(20, 2).text(21, "along");
  Message branch =
      Message().add(1, node("Relu", {"r"}, {"z"})).add(12, tensorInfo("z", {2, 1}));
  Message then = Message().text(1, "then_branch").number(20, 5).add(6, branch);
  Message otherwise = Message().text(1, "else_branch").number(20, 5).add(6, branch);
  Message graph;
  graph.add(1, node("Add", {"x", "w"}, {"a"}))
      .add(1, node("Scaled", {"a"}, {"s"}, {attribute("along", 2, 3, {0})}, "local"))
      .add(1, node("ReduceMean", {"s"}, {"r"}, {attribute("axes", 7, 8, {1})}))
      .add(1, node("If", {"true"}, {"b"}, {then, otherwise}))
      .add(1, node("TopK", {"b", "k"}, {"v", "i"}))
      .add(1, node("Split", {"s"}, {"p", "q"}, {attribute("axis", 2, 3, {0})}))
      .text(2, "graph")
      .add(5, raw)
      .add(5, typed)
      .add(5, truth)
      .add(11, tensorInfo("x", {2, 3}))
      .add(12, tensorInfo("v", {2, 1}))
      .add(12, tensorInfo("p", {1, 3}))
      .add(12, tensorInfo("q", {1, 3}));
  Message function =
      Message().text(1, "Scaled").text(4, "in").text(5, "out").text(6, "along");
  function.add(7, node("Softmax", {"in"}, {"out"}, {reference}))
      .add(9, Message().text(1, "").number(2, 12))
      .text(10, "local");
  return Message()
      .number(1, 8)
      .add(7, graph)
      .add(8, Message().text(1, "").number(2, 12))
      .add(8, Message().text(1, "local").number(2, 1))
      .add(25, function)
      .bytes;
}

namespace {
struct Import : testing::Test {
  Import() {
    context.getDiagEngine().registerHandler([&](Diagnostic &) { ++numDiagnostics; });
  }

  /// Whether the bytes import; they do so to valid IR, or fail with a diagnostic.
  bool imports(const std::string &bytes) {
    numDiagnostics = 0;
    OwningOpRef<ModuleOp> module = weir::importOnnxBytes(bytes, "model.onnx", &context);
    EXPECT_TRUE(module ? succeeded(verify(*module)) : numDiagnostics > 0);
    return static_cast<bool>(module);
  }

  MLIRContext context;
  int numDiagnostics = 0;
};
} // namespace

TEST_F(Import, ReadsTheModel) { EXPECT_TRUE(imports(richModel())); }

TEST_F(Import, SurvivesTruncation) {
  std::string model = richModel();
  for (size_t size = 0; size < model.size(); ++size)
    imports(model.substr(0, size));
}

TEST_F(Import, SurvivesEveryByteChanged) {
  std::string model = richModel();
  for (size_t at = 0; at < model.size(); ++at)
    for (int change : {1, 2, 4, 8, 0x7f, 0x80, 0xff}) {
      std::string broken = model;
      broken[at] = static_cast<char>(broken[at] ^ change);
      imports(broken);
    }
}

TEST_F(Import, SurvivesManyBytesChanged) {
  std::mt19937 random(1);
  for (int round = 0; round < 10000; ++round) {
    std::string broken = richModel();
    for (unsigned i = 0, e = 1 + random() % 8; i < e; ++i)
      broken[random() % broken.size()] = static_cast<char>(random());
    imports(broken);
  }
}
