//===- PassOptions.cpp - Options of a pass, where it is not run -----------===//

#include "weir/Transforms/PassOptions.h"

using namespace mlir;

llvm::Error weir::readPassOptions(Pass &pass, StringRef text) {
  std::string why;
  auto refuse = [&](const Twine &message) {
    why = message.str();
    return failure();
  };
  if (failed(pass.initializeOptions(text, refuse)))
    return llvm::createStringError(StringRef(why).trim());
  return llvm::Error::success();
}
