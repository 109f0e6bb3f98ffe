//===- ByteProduct.cpp - Products with 8-bit weights in groups of four ----===//
// blocks of rows                      as digits, where bytes are multiplied
//   panels
//     rows of the block
//       depth, four at a time         a register of sums a row, digit and 16 columns
// The weights of a panel are read once for a block. Where the instruction takes one
// factor without a sign, weights are moved up by 128 and the sums begin at -128 times
// the sum of the digits: whole numbers of 32 bits, so no order matters.

#include "ByteProduct.h"
#include "FixedPointRows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace weir;

/// Depths up to here keep |256 d1 + d0| * 127 summed within 31 bits for each digit.
static constexpr int64_t mostDepth = 1 << 17;
/// Bytes of digits of a block of rows.
static constexpr int64_t mostDigitBytes = 1 << 16;

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
class ByteEmitter {
public:
  ByteEmitter(const Nest &nest, const ByteProduct &product, const VectorUnit &vectors);
  void emit();

private:
  using Indices = SmallVector<Value>; // one an operand
  /// Panels and rows that are summed in registers at a time.
  struct Tile {
    Indices at; // of its first row and panel
    Value row;  // number of its first row in the block
    int64_t rows, panels;
  };

  void emitOuter(ArrayRef<const Loop *> loops, const Indices &at);
  void emitRows(const Indices &at);
  void emitBlock(const Indices &at, int64_t numRows);
  void emitDigits(const Indices &at, int64_t numRows);
  void emitTile(const Tile &tile);
  SmallVector<Value> startSums(const Tile &tile);
  SmallVector<Value> addDigits(const Tile &tile, Value group, ValueRange sums);
  SmallVector<Value> addWidened(const Tile &tile, Value group, ValueRange sums);
  void finish(const Tile &tile, ValueRange sums);
  Value multiplyBytes(Value sum, Value weights, Value digits);
  Value loadWeights(const Tile &tile, int64_t vector, Value group);

  /// Cuts `extent` into nearly equal pieces of at most `most`.
  void split(int64_t extent, int64_t most,
             function_ref<void(Value first, int64_t size)> inside);
  Indices advance(const Indices &from, const Loop *loop, Value by);
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value add(Value x, int64_t y) { return y == 0 ? x : add(x, index(y)); }
  Value scaled(Value x, int64_t by) {
    return by == 1 ? x : arith::MulIOp::create(b, loc, x, index(by)).getResult();
  }
  Value splat(Value x) {
    return vector::BroadcastOp::create(b, loc, vectorOf(x.getType()), x);
  }
  Value splat(TypedAttr number, VectorType type) {
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(type, ArrayRef<Attribute>(number)));
  }
  VectorType vectorOf(Type type) const { return VectorType::get({lanes}, type); }
  VectorType bytes() { return VectorType::get({4 * lanes}, b.getI8Type()); }
  int64_t vectorsPerPanel() const { return weir::panel / lanes; }
  int64_t numDigits() const { return isExact ? FixedPointRows::numDigits : 1; }
  bool movesWeights() const { return dot == ByteDot::Avx || dot == ByteDot::Avx512; }
  /// Where vector number `vector` of the tile lies in an operand with these columns.
  int64_t offset(unsigned operand, int64_t vector) const {
    int64_t panel = vector / vectorsPerPanel(), part = vector % vectorsPerPanel();
    int64_t perPanel = product.panels ? product.panels->strides[operand] : 0;
    return panel * perPanel + part * lanes * product.columns->strides[operand];
  }
  int64_t rowStride(unsigned operand) const {
    return product.row ? product.row->strides[operand] : 0;
  }

  const Nest &nest;
  const ByteProduct &product;
  ByteDot dot;
  bool isExact;
  int64_t lanes; // sums of 32 bits in a register
  int64_t mostPanels, mostRows, rowsOfBlock;
  OpBuilder b;
  Location loc;
  SmallVector<Value> buffers;
  std::optional<FixedPointRows> digits;
};
} // namespace

static int64_t lanesOf(ByteDot dot, int64_t lanes) {
  switch (dot) {
  case ByteDot::None:
    return std::min(lanes, weir::panel);
  case ByteDot::Avx:
    return 8;
  case ByteDot::Avx512:
    return 16;
  case ByteDot::Neon:
    return 4;
  }
  llvm_unreachable("all are handled");
}

ByteEmitter::ByteEmitter(const Nest &nest, const ByteProduct &product,
                         const VectorUnit &vectors)
    : nest(nest), product(product),
      dot(product.depth() <= mostDepth ? vectors.dot : ByteDot::None),
      isExact(dot != ByteDot::None), lanes(lanesOf(dot, vectors.lanes)), b(nest.op),
      loc(nest.op->getLoc()) {
  // The rest hold weights and a row's elements.
  int64_t registersOfSums = std::max<int64_t>(vectors.registers * 3 / 4, 4);
  int64_t budget = registersOfSums / (numDigits() * vectorsPerPanel());
  mostPanels = product.numRows() == 1 ? std::clamp<int64_t>(budget, 1, 4)
               : budget >= 8          ? 2
                                      : 1; // rows share what is loaded
  mostRows = std::clamp<int64_t>(budget / mostPanels, 1, 6);
  int64_t fitting = mostDigitBytes / (FixedPointRows::numDigits * product.depth());
  rowsOfBlock = isExact ? std::max(fitting, mostRows) : product.numRows();
}

void ByteEmitter::split(int64_t extent, int64_t most,
                        function_ref<void(Value, int64_t)> inside) {
  int64_t numPieces = llvm::divideCeil(extent, most);
  int64_t size = extent / numPieces, numLarger = extent % numPieces;
  auto repeat = [&](int64_t first, int64_t count, int64_t size) {
    if (count == 0)
      return;
    if (count == 1)
      return inside(index(first), size);
    auto each = scf::ForOp::create(b, loc, index(first), index(first + count * size),
                                   index(size));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(each.getBody());
    inside(each.getInductionVar(), size);
  };
  repeat(0, numLarger, size + 1);
  repeat(numLarger * (size + 1), numPieces - numLarger, size);
}

ByteEmitter::Indices ByteEmitter::advance(const Indices &from, const Loop *loop,
                                          Value by) {
  Indices to(from);
  if (loop)
    for (auto [position, stride] : llvm::zip_equal(to, loop->strides))
      if (stride != 0)
        position = add(position, scaled(by, stride));
  return to;
}

void ByteEmitter::emitOuter(ArrayRef<const Loop *> loops, const Indices &at) {
  if (loops.empty())
    return emitRows(at);
  auto each =
      scf::ForOp::create(b, loc, index(0), index(loops.front()->extent), index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(each.getBody());
  emitOuter(loops.drop_front(), advance(at, loops.front(), each.getInductionVar()));
}

void ByteEmitter::emitRows(const Indices &at) {
  split(product.numRows(), rowsOfBlock, [&](Value first, int64_t size) {
    emitBlock(advance(at, product.row, first), size);
  });
}

void ByteEmitter::emitDigits(const Indices &at, int64_t numRows) {
  split(numRows, 1, [&](Value row, int64_t) {
    Indices here = advance(at, product.row, row);
    digits->fill(row, buffers[product.rows], here[product.rows],
                 product.rest->strides[product.rows]);
  });
}

void ByteEmitter::emitBlock(const Indices &at, int64_t numRows) {
  if (isExact)
    emitDigits(at, numRows);
  split(product.numPanels(), mostPanels, [&](Value panel, int64_t numPanels) {
    Indices here = advance(at, product.panels, panel);
    split(numRows, mostRows, [&](Value row, int64_t size) {
      emitTile({advance(here, product.row, row), row, size, numPanels});
    });
  });
}

//===----------------------------------------------------------------------===//
// A tile
//===----------------------------------------------------------------------===//

/// Sums lie row by row, in each vector by vector, in each digit by digit.
SmallVector<Value> ByteEmitter::startSums(const Tile &tile) {
  SmallVector<Value> sums;
  int64_t numVectors = tile.panels * vectorsPerPanel();
  Value zero = isExact ? splat(b.getI32IntegerAttr(0), vectorOf(b.getI32Type()))
                       : splat(b.getF32FloatAttr(0), vectorOf(b.getF32Type()));
  for (int64_t row = 0; row < tile.rows; ++row) {
    SmallVector<Value> starts(numDigits(), zero);
    if (movesWeights())
      for (int64_t digit = 0; digit < numDigits(); ++digit) {
        Value sum = digits->loadSum(add(tile.row, row), digit);
        Value by = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(-128));
        starts[digit] = splat(arith::MulIOp::create(b, loc, sum, by));
      }
    for (int64_t vector = 0; vector < numVectors; ++vector)
      sums.append(starts);
  }
  return sums;
}

Value ByteEmitter::loadWeights(const Tile &tile, int64_t vector, Value group) {
  Value at = add(tile.at[product.weights],
                 scaled(group, product.groups->strides[product.weights]));
  return vector::LoadOp::create(b, loc, bytes(), buffers[product.weights],
                                add(at, offset(product.weights, vector)));
}

Value ByteEmitter::multiplyBytes(Value sum, Value weights, Value digits) {
  StringRef name = dot == ByteDot::Avx512 ? "llvm.x86.avx512.vpdpbusd.512"
                   : dot == ByteDot::Avx  ? "llvm.x86.avx512.vpdpbusd.256"
                                          : "llvm.aarch64.neon.sdot.v4i32.v16i8";
  return LLVM::CallIntrinsicOp::create(b, loc, sum.getType(), b.getStringAttr(name),
                                       ValueRange{sum, weights, digits})
      .getResult(0);
}

SmallVector<Value> ByteEmitter::addDigits(const Tile &tile, Value group,
                                          ValueRange sums) {
  SmallVector<Value> weights, next;
  for (int64_t vector = 0; vector < tile.panels * vectorsPerPanel(); ++vector) {
    Value loaded = loadWeights(tile, vector, group);
    if (movesWeights())
      loaded =
          arith::XOrIOp::create(b, loc, loaded, splat(b.getI8IntegerAttr(-128), bytes()));
    weights.push_back(loaded);
  }
  size_t number = 0;
  for (int64_t row = 0; row < tile.rows; ++row) {
    SmallVector<Value> factors;
    for (int64_t digit = 0; digit < numDigits(); ++digit)
      factors.push_back(vector::BitCastOp::create(
          b, loc, bytes(), splat(digits->loadDigits(add(tile.row, row), digit, group))));
    for (Value weight : weights)
      for (Value factor : factors)
        next.push_back(multiplyBytes(sums[number++], weight, factor));
  }
  return next;
}

/// Bytes 0 to 3 of each 32-bit lane are a column's weights at four depths.
SmallVector<Value> ByteEmitter::addWidened(const Tile &tile, Value group,
                                           ValueRange sums) {
  VectorType ints = vectorOf(b.getI32Type()), floats = vectorOf(b.getF32Type());
  SmallVector<Value> words, next(sums);
  int64_t numVectors = tile.panels * vectorsPerPanel();
  for (int64_t vector = 0; vector < numVectors; ++vector)
    words.push_back(
        vector::BitCastOp::create(b, loc, ints, loadWeights(tile, vector, group)));
  auto shift = [&](int64_t by) { return splat(b.getI32IntegerAttr(by), ints); };
  Value depth = scaled(group, product.groups->strides[product.rows]);
  for (int64_t rest = 0; rest < byteGroup; ++rest) {
    SmallVector<Value> weights;
    for (Value word : words) {
      if (rest < 3)
        word = arith::ShLIOp::create(b, loc, word, shift(24 - 8 * rest));
      word = arith::ShRSIOp::create(b, loc, word, shift(24));
      weights.push_back(arith::SIToFPOp::create(b, loc, floats, word));
    }
    for (int64_t row = 0; row < tile.rows; ++row) {
      Value at =
          add(add(tile.at[product.rows], depth),
              row * rowStride(product.rows) + rest * product.rest->strides[product.rows]);
      Value x = splat(memref::LoadOp::create(b, loc, buffers[product.rows], at));
      for (int64_t vector = 0; vector < numVectors; ++vector) {
        Value &sum = next[row * numVectors + vector];
        sum = math::FmaOp::create(b, loc, x, weights[vector], sum);
      }
    }
  }
  return next;
}

/// Scales the sums of a tile and adds them to what is there.
void ByteEmitter::finish(const Tile &tile, ValueRange sums) {
  VectorType floats = vectorOf(b.getF32Type());
  unsigned output = nest.output();
  size_t number = 0;
  for (int64_t row = 0; row < tile.rows; ++row) {
    Value scale = isExact ? splat(digits->loadScale(add(tile.row, row))) : Value();
    for (int64_t vector = 0; vector < tile.panels * vectorsPerPanel(); ++vector) {
      Value sum = sums[number++];
      if (isExact) {
        Value large = arith::SIToFPOp::create(b, loc, floats, sums[number++]);
        sum = arith::SIToFPOp::create(b, loc, floats, sum);
        sum = math::FmaOp::create(b, loc, large, splat(b.getF32FloatAttr(256), floats),
                                  sum);
        sum = arith::MulFOp::create(b, loc, sum, scale);
      }
      Value columns = vector::LoadOp::create(
          b, loc, floats, buffers[product.scales],
          add(tile.at[product.scales], offset(product.scales, vector)));
      Value at = add(tile.at[output], row * rowStride(output) + offset(output, vector));
      Value before = vector::LoadOp::create(b, loc, floats, buffers[output], at);
      vector::StoreOp::create(b, loc, math::FmaOp::create(b, loc, sum, columns, before),
                              buffers[output], at);
    }
  }
}

void ByteEmitter::emitTile(const Tile &tile) {
  auto depth = scf::ForOp::create(b, loc, index(0), index(product.numGroups()), index(1),
                                  startSums(tile));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(depth.getBody());
    Value group = depth.getInductionVar();
    ValueRange sums = depth.getRegionIterArgs();
    scf::YieldOp::create(
        b, loc, isExact ? addDigits(tile, group, sums) : addWidened(tile, group, sums));
  }
  finish(tile, depth.getResults());
}

void ByteEmitter::emit() {
  Indices start;
  for (auto [operand, offset] : llvm::zip(nest.op->getOperands(), nest.offsets)) {
    buffers.push_back(flattenMemref(b, loc, operand));
    start.push_back(index(offset));
  }
  if (!isExact) {
    emitOuter(product.outer, start);
    nest.op->erase();
    return;
  }
  // A function may hold many products: each gives its stack back.
  Value stack =
      LLVM::StackSaveOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()));
  digits.emplace(b, loc, std::min(rowsOfBlock, product.numRows()), product.depth());
  emitOuter(product.outer, start);
  LLVM::StackRestoreOp::create(b, loc, stack);
  nest.op->erase();
}

void weir::emitByteProduct(const Nest &nest, const ByteProduct &product,
                           const VectorUnit &vectors) {
  ByteEmitter(nest, product, vectors).emit();
}
