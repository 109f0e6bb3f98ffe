//===- TeamOptions.h - Threads that one call runs on ------------------------===//

#ifndef WEIR_TRANSFORMS_TEAMOPTIONS_H
#define WEIR_TRANSFORMS_TEAMOPTIONS_H

#include <cstdint>

namespace weir {

struct TeamOptions {
  /// Most threads of one call.
  int64_t threads = 1;
  /// Iterations of work that can be shared below which a function stays on one thread.
  int64_t minWork = 32768;
};

} // namespace weir

#endif // WEIR_TRANSFORMS_TEAMOPTIONS_H
