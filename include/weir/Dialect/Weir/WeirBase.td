//===- WeirBase.td - The weir dialect: what its ops share -----------------===//

#ifndef WEIR_DIALECT_WEIR_WEIRBASE_TD
#define WEIR_DIALECT_WEIR_WEIRBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "weir/Interfaces/Enums.td"
include "weir/Interfaces/TokenFlowOpInterface.td"

def Weir_Dialect : Dialect {
  let name = "weir";
  let cppNamespace = "::weir";
  let summary = "What one step keeps for the next";
  let description = [{
    Rings hold the tokens of a window in *slot order*: at step t (counted from 0) the
    token at window position p stands in slot `(p + (t + 1) * chunk) mod tokens`, so that
    new tokens overwrite the ones that leave and nothing else moves. Fixed rows before
    and after the tokens keep their places.

    States are values: a function takes the state `k` as an argument with
    `weir.state = "k"` and returns its new value as a result with the same attribute.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasRegionArgAttrVerify = 1;
}

def Weir_AxisAttr : AttrDef<Weir_Dialect, "Axis"> {
  let mnemonic = "axis";
  let summary = "Where the tokens stand in a tensor";
  let description = [{
    Dimension `dim` reads (outer, row, inner); the rows are `lead` fixed ones, `tokens`
    tokens and `tail` fixed ones; `chunk` tokens enter a step.

    C1: `dim`, `lead` and `tail` are not negative; `inner`, `tokens` and `chunk` are
    positive, and `chunk` is at most `tokens`.

    Example: 64 tokens after a class token: `#weir.axis<dim = 1, lead = 1, tokens = 64>`.
  }];
  let parameters = (ins "int64_t":$dim, DefaultValuedParameter<"int64_t", "1">:$inner,
    DefaultValuedParameter<"int64_t", "0">:$lead, "int64_t":$tokens,
    DefaultValuedParameter<"int64_t", "0">:$tail, DefaultValuedParameter<"int64_t", "1">:$chunk);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let builders = [AttrBuilder<(ins "const ::weir::TokenAxis &":$axis), [{
    return $_get($_ctxt, axis.dim, axis.inner, axis.lead, axis.tokens, axis.tail, axis.chunk);
  }]>];
  let extraClassDeclaration = [{
    ::weir::TokenAxis toAxis() const {
      return {getDim(), getInner(), getLead(), getTokens(), getTail(), getChunk()};
    }
  }];
}

def Weir_AttentionFunctionAttr : EnumAttr<Weir_Dialect, AttentionFunction, "function"> {
  let assemblyFormat = "$value";
}

class Weir_Op<string mnemonic, list<Trait> traits = []>
    : Op<Weir_Dialect, mnemonic, !listconcat(traits, [Pure])> {
  let hasVerifier = 1;
}

#endif // WEIR_DIALECT_WEIR_WEIRBASE_TD
