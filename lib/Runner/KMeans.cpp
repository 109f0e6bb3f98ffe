//===- KMeans.cpp - Points that stand for many ----------------------------===//
// Lloyd's iteration behind the seeds of k-means++ (Arthur and Vassilvitskii, SODA 2007):
// each next seed is a point drawn with a probability that grows with the square of its
// distance to the seeds so far.

#include "weir/Runner/KMeans.h"
#include "llvm/ADT/STLExtras.h"
#include <random>

using namespace llvm;
using namespace weir;

static constexpr int mostRounds = 50;

namespace {
class KMeans {
public:
  KMeans(ArrayRef<float> points, int64_t width, int64_t count)
      : points(points), width(width), count(count), numPoints(points.size() / width),
        centres(count * width), nearest(numPoints, -1),
        distances(numPoints, std::numeric_limits<double>::infinity()) {}
  std::vector<float> run();

private:
  ArrayRef<float> pointAt(int64_t index) { return points.slice(index * width, width); }
  MutableArrayRef<float> centreAt(int64_t index) {
    return MutableArrayRef(centres).slice(index * width, width);
  }
  double distance(int64_t point, int64_t centre);
  void seed();
  int64_t draw();
  bool assign();
  void moveCentres();

  ArrayRef<float> points;
  int64_t width, count, numPoints;
  std::vector<float> centres;
  std::vector<int64_t> nearest;  ///< centre of each point
  std::vector<double> distances; ///< squared, to it
  // The distributions of the standard library are not the same everywhere; this is.
  std::mt19937_64 random{1};
};
} // namespace

double KMeans::distance(int64_t point, int64_t centre) {
  constexpr int lanes = 8; // sums that the compiler may keep side by side
  float sums[lanes] = {};
  ArrayRef<float> x = pointAt(point), y = centreAt(centre);
  int64_t i = 0;
  for (; i + lanes <= width; i += lanes)
    for (int lane = 0; lane < lanes; ++lane)
      sums[lane] += (x[i + lane] - y[i + lane]) * (x[i + lane] - y[i + lane]);
  double sum = 0;
  for (; i < width; ++i)
    sum += (x[i] - y[i]) * (x[i] - y[i]);
  for (float part : sums)
    sum += part;
  return sum;
}

/// A point, drawn by its distance; the first one where all are seeds already.
int64_t KMeans::draw() {
  double total = 0;
  for (double distance : distances)
    total += distance;
  double left = static_cast<double>(random() >> 11) * 0x1p-53 * total;
  for (int64_t point = 0; point < numPoints; ++point) {
    left -= distances[point];
    if (left < 0)
      return point;
  }
  return 0;
}

void KMeans::seed() {
  for (int64_t centre = 0; centre < count; ++centre) {
    int64_t chosen = centre == 0 ? static_cast<int64_t>(random() % numPoints) : draw();
    copy(pointAt(chosen), centreAt(centre).begin());
    for (int64_t point = 0; point < numPoints; ++point)
      distances[point] = std::min(distances[point], distance(point, centre));
  }
}

/// Did any point come to another centre? Of equally near ones it is the first.
bool KMeans::assign() {
  bool changes = false;
  for (int64_t point = 0; point < numPoints; ++point) {
    int64_t best = 0;
    double least = distance(point, 0);
    for (int64_t centre = 1; centre < count; ++centre) {
      double other = distance(point, centre);
      if (other < least) {
        least = other;
        best = centre;
      }
    }
    changes |= nearest[point] != best;
    nearest[point] = best;
    distances[point] = least;
  }
  return changes;
}

/// To the means of their points; one without points goes to the point that is worst off.
void KMeans::moveCentres() {
  std::vector<double> sums(centres.size());
  std::vector<int64_t> sizes(count);
  for (int64_t point = 0; point < numPoints; ++point) {
    ++sizes[nearest[point]];
    for (auto [sum, value] :
         zip(MutableArrayRef(sums).slice(nearest[point] * width, width), pointAt(point)))
      sum += value;
  }
  for (int64_t centre = 0; centre < count; ++centre) {
    if (sizes[centre] == 0) {
      auto worst = llvm::max_element(distances);
      copy(pointAt(worst - distances.begin()), centreAt(centre).begin());
      *worst = 0;
      continue;
    }
    for (auto [to, sum] :
         zip(centreAt(centre), ArrayRef(sums).slice(centre * width, width)))
      to = static_cast<float>(sum / sizes[centre]);
  }
}

std::vector<float> KMeans::run() {
  seed();
  for (int round = 0; round < mostRounds && assign(); ++round)
    moveCentres();
  return std::move(centres);
}

std::vector<float> weir::findCentres(ArrayRef<float> points, int64_t width,
                                     int64_t count) {
  return KMeans(points, width, count).run();
}
