//===- Schemas.td - What the importer must know of each op ----------------===//
// A table of the ops' operand, attribute and result names, made from their
// definitions: an op that is added to the dialect is imported at once.

include "llvm/TableGen/SearchableTable.td"
include "weir/Dialect/Onnx/OnnxOps.td"

/// "" for required, "?" for optional, "*" for variadic.
class Onnx_Arity<Constraint constraint> {
  string mark = !cond(!isa<Variadic>(constraint) : "*",
                      !eq(!cast<string>(constraint), "Onnx_OptionalTensor") : "?",
                      true : "");
}
class Onnx_AttrMark<Constraint constraint> {
  string mark = !if(!isa<OptionalAttr>(constraint), "?",
                    !if(!isa<DefaultValuedAttr>(constraint), "?", ""));
}

class Onnx_Schema<Op op> {
  string Mnemonic = op.opName;
  list<int> all = !range(!size(op.arguments));
  list<int> operandIndices = !filter(i, all,
    !not(!isa<AttrConstraint>(!getdagarg<Constraint>(op.arguments, i))));
  list<int> attrIndices = !filter(i, all,
    !isa<AttrConstraint>(!getdagarg<Constraint>(op.arguments, i)));
  string Operands = !interleave(!foreach(i, operandIndices,
    !getdagname(op.arguments, i) # Onnx_Arity<!getdagarg<Constraint>(op.arguments, i)>.mark), " ");
  string Attributes = !interleave(!foreach(i, attrIndices,
    !getdagname(op.arguments, i) # Onnx_AttrMark<!getdagarg<Constraint>(op.arguments, i)>.mark), " ");
  string Results = !interleave(!foreach(i, !range(!size(op.results)),
    !getdagname(op.results, i) # Onnx_Arity<!getdagarg<Constraint>(op.results, i)>.mark), " ");
}

foreach op = !instances<Op>() in
  def Schema_ # op.opName : Onnx_Schema<op>;

def SchemaTable : GenericTable {
  let FilterClass = "Onnx_Schema";
  let Fields = ["Mnemonic", "Operands", "Attributes", "Results"];
}
