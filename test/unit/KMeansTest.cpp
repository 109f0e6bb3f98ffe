//===- KMeansTest.cpp - Points that stand for many ------------------------===//

#include "weir/Runner/KMeans.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

using namespace weir;

/// Five points around each of (0, 0), (10, 0) and (0, 10).
static std::vector<float> threeHeaps() {
  std::vector<float> points;
  for (auto [x, y] : {std::pair(0, 0), {10, 0}, {0, 10}})
    for (auto [dx, dy] : {std::pair(0, 0), {1, 0}, {-1, 0}, {0, 1}, {0, -1}})
      points.insert(points.end(),
                    {static_cast<float>(x + dx), static_cast<float>(y + dy)});
  return points;
}

TEST(KMeans, FindsHeaps) {
  std::vector<float> centres = findCentres(threeHeaps(), 2, 3);
  std::vector<std::pair<float, float>> found;
  for (int i = 0; i < 3; ++i)
    found.emplace_back(centres[2 * i], centres[2 * i + 1]);
  llvm::sort(found);
  EXPECT_EQ(found, (std::vector<std::pair<float, float>>{{0, 0}, {0, 10}, {10, 0}}));
}

TEST(KMeans, FindsTheSameAgain) {
  EXPECT_EQ(findCentres(threeHeaps(), 2, 4), findCentres(threeHeaps(), 2, 4));
}

TEST(KMeans, OneCentreIsTheMean) {
  EXPECT_EQ(findCentres({1, 2, 3, 4, 5, 9}, 2, 1), (std::vector<float>{3, 5}));
}

// Fewer different points than centres: all of them are one's.
TEST(KMeans, TakesFewPoints) {
  std::vector<float> centres = findCentres({1, 1, 5, 5}, 2, 3);
  EXPECT_EQ(centres.size(), 6u);
  for (float number : centres)
    EXPECT_TRUE(number == 1 || number == 5);
}
