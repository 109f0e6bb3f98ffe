//===- Schema.cpp - Operand, attribute and result names of an op ----------===//

#include "Schema.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace llvm;
using namespace weir;

namespace {
struct Onnx_Schema {
  const char *Mnemonic, *Operands, *Attributes, *Results;
};
#define GET_SchemaTable_IMPL
#include "Schemas.inc"
} // namespace

/// Reads "X Scale B?" or "inputs*".
static SmallVector<Schema::Field> parseFields(StringRef text) {
  SmallVector<Schema::Field> fields;
  for (StringRef word : split(text, ' ')) {
    Schema::Arity arity = Schema::Arity::Required;
    if (word.consume_back("?"))
      arity = Schema::Arity::Optional;
    else if (word.consume_back("*"))
      arity = Schema::Arity::Variadic;
    if (!word.empty())
      fields.push_back({word, arity});
  }
  return fields;
}

static StringMap<Schema> readTable() {
  StringMap<Schema> schemas;
  for (const Onnx_Schema &row : SchemaTable)
    schemas[row.Mnemonic] = {parseFields(row.Operands), parseFields(row.Attributes),
                             parseFields(row.Results)};
  // Ops of the dialect that are no operators of ONNX.
  schemas.erase("Custom");
  schemas.erase("NoValue");
  return schemas;
}

const Schema *weir::findSchema(StringRef op) {
  static const StringMap<Schema> schemas = readTable();
  auto found = schemas.find(op);
  return found == schemas.end() ? nullptr : &found->second;
}

std::optional<unsigned> Schema::findOperand(StringRef name) const {
  const Field *found = find_if(operands, [&](const Field &f) { return f.name == name; });
  if (found == operands.end())
    return std::nullopt;
  return found - operands.begin();
}

bool Schema::hasAttribute(StringRef name) const {
  return any_of(attributes, [&](const Field &f) { return f.name == name; });
}
