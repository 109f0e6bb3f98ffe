//===- ImportTensor.h - Tensors of a file become attributes ---------------===//

#ifndef WEIR_LIB_TARGET_ONNX_IMPORTTENSOR_H
#define WEIR_LIB_TARGET_ONNX_IMPORTTENSOR_H

#include "Model.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

namespace weir {

/// Turns tensors into attributes; large ones share the file's bytes.
class TensorImporter {
public:
  /// `modelPath` tells the folder that external data must lie in.
  TensorImporter(mlir::MLIRContext *context, llvm::StringRef modelPath)
      : context(context), modelPath(modelPath) {}

  /// An error's message names what is wrong with the tensor, not the tensor.
  llvm::Expected<mlir::ElementsAttr> import(const source::Tensor &tensor,
                                            llvm::StringRef name);

private:
  struct Bytes {
    llvm::ArrayRef<char> data;
    std::shared_ptr<const void> owner;
  };
  llvm::Expected<Bytes> readExternal(const source::ExternalData &external, int64_t size);
  llvm::Expected<Bytes> mapFile(llvm::StringRef location);

  mlir::MLIRContext *context;
  std::string modelPath;
  llvm::StringMap<Bytes> mappedFiles;
};

} // namespace weir

#endif // WEIR_LIB_TARGET_ONNX_IMPORTTENSOR_H
