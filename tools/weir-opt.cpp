//===- weir-opt.cpp - Run passes on IR or ONNX, as mlir-opt does ----------===//

#include "OnnxFiles.h"
#include "RegisterMlir.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "weir/Pipelines/Registration.h"
#include "weir/Runner/Passes.h"
#include "weir/Target/Onnx/Import.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  weir::registerMlir(registry);
  weir::registerWeirDialects(registry);
  weir::registerWeirPasses();
  weir::registerRunnerPasses();
  auto [input, output] =
      mlir::registerAndParseCLIOptions(argc, argv, "Weir's optimizer driver\n", registry);
  if (weir::isOnnxFile(input) || llvm::StringRef(output).ends_with(".onnx"))
    return mlir::asMainReturnCode(weir::optimizeModel(input, output, registry));
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, input, output, registry));
}
