//===- GeometryTest.cpp - ONNX's positions, ranges and equations ----------===//

#include "weir/Dialect/Onnx/Geometry.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include <climits>
#include <gtest/gtest.h>

using namespace weir::onnx;

TEST(Geometry, BroadcastsFromTheRight) {
  EXPECT_EQ(*broadcastShapes({2, 1, 4}, {3, 1}), (Shape{2, 3, 4}));
  EXPECT_EQ(*broadcastShapes({}, {0}), (Shape{0}));
  EXPECT_EQ(*broadcastShapes({1}, {0}), (Shape{0}));
  EXPECT_FALSE(broadcastShapes({2}, {3}));
}

TEST(Geometry, ResolvesReshapes) {
  EXPECT_EQ(*resolveReshape({2, 6}, {0, -1, 3}, false), (Shape{2, 2, 3}));
  EXPECT_EQ(*resolveReshape({0, 6}, {0, 3}, true), (Shape{0, 3}));
  EXPECT_FALSE(resolveReshape({0, 6}, {0, -1}, true)) << "the rest of nothing is unknown";
  EXPECT_FALSE(resolveReshape({2, 6}, {-1, -1}, false));
  EXPECT_FALSE(resolveReshape({2, 6}, {5, -1}, false));
  EXPECT_FALSE(resolveReshape({2}, {2, 0}, false)) << "no dimension to copy";
  EXPECT_FALSE(resolveReshape({INT64_MAX, 8}, {-1}, false));
}

TEST(Geometry, ClampsSlices) {
  auto all = resolveSlice({5}, {0}, {INT64_MAX}, {}, {});
  EXPECT_EQ(all->front().size, 5);
  auto reversed = resolveSlice({5}, {-1}, {INT64_MIN}, {0}, {-2});
  EXPECT_EQ(reversed->front().start, 4);
  EXPECT_EQ(reversed->front().step, -2);
  EXPECT_EQ(reversed->front().size, 3);
  EXPECT_EQ(resolveSlice({5}, {3}, {1}, {-1}, {1})->front().size, 0);
  EXPECT_EQ(resolveSlice({5}, {0}, {5}, {0}, {INT64_MAX})->front().size, 1);
  EXPECT_EQ(resolveSlice({5}, {4}, {-9}, {0}, {INT64_MIN})->front().size, 1);
  EXPECT_FALSE(resolveSlice({5}, {0}, {5}, {0}, {0})) << "a step of 0 goes nowhere";
  EXPECT_FALSE(resolveSlice({5}, {0, 0}, {5, 5}, {0, -1}, {})) << "one axis twice";
}

TEST(Geometry, ResolvesPadding) {
  mlir::MLIRContext context;
  mlir::Builder builder(&context);
  auto twos = builder.getI64ArrayAttr({2});
  auto same = resolveSliding({7}, {4}, twos, nullptr, nullptr, "SAME_UPPER", false);
  EXPECT_EQ(same->front().outputs, 4);
  EXPECT_EQ(same->front().padBegin, 1);
  EXPECT_EQ(same->front().padEnd, 2);
  auto pads = builder.getI64ArrayAttr({1, 1});
  EXPECT_EQ(
      resolveSliding({7}, {3}, nullptr, twos, pads, "NOTSET", false)->front().outputs, 5);
  EXPECT_EQ(
      resolveSliding({6}, {3}, twos, nullptr, nullptr, "NOTSET", true)->front().outputs,
      3);
  EXPECT_FALSE(resolveSliding({2}, {3}, nullptr, nullptr, nullptr, "NOTSET", false));
}

TEST(Geometry, ParsesEinsum) {
  auto terms = parseEinsum("b i d, b j d -> b i j", {3, 3});
  EXPECT_EQ(terms->inputs[1], "bjd");
  EXPECT_EQ(terms->output, "bij");
  EXPECT_EQ(parseEinsum("ji", {2})->output, "ij") << "without an arrow: sorted letters";
  auto rest = parseEinsum("...id,jd->...ij", {4, 2});
  EXPECT_EQ(rest->inputs[0], "ABid");
  EXPECT_EQ(rest->output, "ABij");
  EXPECT_FALSE(parseEinsum("ij->ik", {2})) << "k is nowhere";
  EXPECT_FALSE(parseEinsum("ij", {3}));
  EXPECT_FALSE(parseEinsum("i?", {2}));
}
