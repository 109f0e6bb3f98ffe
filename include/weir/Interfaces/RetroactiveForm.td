//===- RetroactiveForm.td - How an attention is updated by a step ---------===//

#ifndef WEIR_INTERFACES_RETROACTIVEFORM_TD
#define WEIR_INTERFACES_RETROACTIVEFORM_TD

include "mlir/IR/EnumAttr.td"

def RetroactiveForm : I32EnumAttr<"RetroactiveForm",
    "how an attention is updated by a step", [
      // against a reference maximum; rows that lose precision are built again
      I32EnumAttrCase<"Guarded", 0, "guarded">,
      // and beside each row what came after its reference key
      I32EnumAttrCase<"Shadow", 1, "shadow">,
      // as the paper prints it: e^s without a reference, nothing is built again
      I32EnumAttrCase<"Published", 2, "published">]> {
  let cppNamespace = "::weir";
  let genSpecializedAttr = 0;
}

#endif // WEIR_INTERFACES_RETROACTIVEFORM_TD
