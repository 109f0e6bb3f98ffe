//===- OnnxBase.td - The onnx dialect and the classes of its ops ----------===//
// One canonical form an operator: the one of the newest opset. The importer turns
// the older spellings (attributes that became inputs, other defaults) into it.

#ifndef WEIR_DIALECT_ONNX_ONNXBASE_TD
#define WEIR_DIALECT_ONNX_ONNXBASE_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Onnx_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::weir::onnx";
  let summary = "ONNX operators as imported from a model";
  let description = [{
    The operators of Transformer Encoders, with ONNX's spelling of names and
    attributes. Text in generic form can be exchanged with onnx-mlir: an absent
    optional input is a `none` value made by `onnx.NoValue`, integers are `si64`
    attributes. Operators that are not defined here survive as unregistered
    `onnx.NAME` ops, those of other domains as `onnx.Custom`.

    Types are inferred: a result has a static shape as soon as the shapes of all
    operands, and the values of shape operands, are static; else it is unranked.
  }];
  let hasConstantMaterializer = 1;
}

def Onnx_Tensor : AnyTypeOf<[AnyTensor]>;
def Onnx_OptionalTensor : AnyTypeOf<[AnyTensor, NoneType]>;

/// An op whose result types follow from `inferFn({location, op name}, adaptor, types)`.
class Onnx_Op<string mnemonic, list<Trait> traits = [], string inferFn = "infer">
    : Op<Onnx_Dialect, mnemonic,
         !listconcat(traits, [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>])> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange actual);
    /// The verifier compares types; doing it here too would report each error twice.
    static ::llvm::LogicalResult refineReturnTypes(
        ::mlir::MLIRContext *, std::optional<::mlir::Location>, ::mlir::ValueRange,
        ::mlir::DictionaryAttr, ::mlir::OpaqueProperties, ::mlir::RegionRange,
        ::llvm::SmallVectorImpl<::mlir::Type> &) {
      return ::llvm::success();
    }
  }];
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *context, std::optional<::mlir::Location> location,
        ::mlir::ValueRange operands, ::mlir::DictionaryAttr attributes,
        ::mlir::OpaqueProperties properties, ::mlir::RegionRange regions,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      $cppClass::Adaptor adaptor(operands, attributes, properties, regions);
      return ::weir::onnx::detail::}] # inferFn # [{(
          {location, $cppClass::getOperationName()}, adaptor, types);
    }
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange inferred,
                                            ::mlir::TypeRange actual) {
      return ::weir::onnx::detail::compatibleTypes(inferred, actual);
    }
    ::llvm::LogicalResult $cppClass::verify() {
      return ::weir::onnx::detail::verifyTypes(getOperation());
    }
  }];
}

#endif // WEIR_DIALECT_ONNX_ONNXBASE_TD
