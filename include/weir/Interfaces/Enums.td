//===- Enums.td - Choices that analyses and ops share ---------------------===//

#ifndef WEIR_INTERFACES_ENUMS_TD
#define WEIR_INTERFACES_ENUMS_TD

include "mlir/IR/EnumAttr.td"

class Weir_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::weir";
  let genSpecializedAttr = 0;
}

def RetroactiveForm : Weir_Enum<"RetroactiveForm",
    "how an attention is updated by a step", [
      // against a reference maximum; rows that lose precision are built again
      I32EnumAttrCase<"Guarded", 0, "guarded">,
      // and beside each row what came after its reference key
      I32EnumAttrCase<"Shadow", 1, "shadow">,
      // as the paper prints it: e^s without a reference, nothing is built again
      I32EnumAttrCase<"Published", 2, "published">]>;

def AbsentToken : Weir_Enum<"AbsentToken",
    "what a token that has not come yet reads as", [
      // nobody has said
      I32EnumAttrCase<"Unknown", 0, "unknown">,
      I32EnumAttrCase<"Zero", 1, "zero">,
      I32EnumAttrCase<"One", 2, "one">,
      // the least number of the type, and the largest
      I32EnumAttrCase<"Lowest", 3, "lowest">,
      I32EnumAttrCase<"Highest", 4, "highest">,
      // zero, and the result is scaled to the tokens that are there
      I32EnumAttrCase<"Mean", 5, "mean">]>;

def AttentionFunction : Weir_Enum<"AttentionFunction",
    "what makes weights of scores", [
      I32EnumAttrCase<"Softmax", 0, "softmax">,
      // a smooth step, entry by entry (MEGA, Ma et al. 2023)
      I32EnumAttrCase<"Laplace", 1, "laplace">]>;

def Clustering : Weir_Enum<"Clustering",
    "how the tokens of each cluster are chosen", [
      // the best of each cluster
      I32EnumAttrCase<"TopK", 0, "topk">,
      // each token once, the surest first
      I32EnumAttrCase<"SaGreedy", 1, "sa_greedy">,
      // each token once, by rounds of preference
      I32EnumAttrCase<"SaRounds", 2, "sa_rounds">]>;

#endif // WEIR_INTERFACES_ENUMS_TD
