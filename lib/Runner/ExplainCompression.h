//===- ExplainCompression.h - Print what became of attentions -------------===//

#ifndef WEIR_LIB_RUNNER_EXPLAINCOMPRESSION_H
#define WEIR_LIB_RUNNER_EXPLAINCOMPRESSION_H

#include "weir/Runner/Compress.h"
#include "llvm/Support/JSON.h"

namespace weir {

/// 10640000 as "10.64 M".
std::string formatCount(int64_t count);
/// How many times `after` fits into `before`: "2.50x".
std::string formatRatio(int64_t before, int64_t after);

/// Costs; errors are printErrors.
void printTextOf(llvm::raw_ostream &os, const CompressReport &report);
void printMarkdownOf(llvm::raw_ostream &os, const CompressReport &report);
/// As attributes of the object that is open.
void writeJson(llvm::json::OStream &json, const CompressReport &report);

} // namespace weir

#endif // WEIR_LIB_RUNNER_EXPLAINCOMPRESSION_H
