//===- Panels.h - How matrices lie for products ---------------------------===//
// Passes that lay matrices out and those that compute with them agree on this.

#ifndef WEIR_SUPPORT_PANELS_H
#define WEIR_SUPPORT_PANELS_H

#include <cstdint>

namespace weir {

/// Columns of a panel, which lie together for each step in depth: one or a few vector
/// registers of all targets.
constexpr int64_t panel = 16;
/// Neighbours in depth that lie together where elements are bytes: what a dot product of
/// bytes takes at a time.
constexpr int64_t byteGroup = 4;

} // namespace weir

#endif // WEIR_SUPPORT_PANELS_H
