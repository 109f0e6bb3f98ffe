//===- TokenFlowLinalg.cpp - Token flow of structured linalg ops ----------===//
// One model for named ops and generics: an operand's token axis makes a loop one over
// tokens, and all that is said of rows follows from the maps.
//
//   scores[b, i, j] += queries[b, i, k] * keys[b, j, k]     loops b, i, j of tokens i, j,
//   k weights[b, i]    = max(weights[b, i], scores[b, i, j])  reduces over the tokens j

#include "TokenFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace weir;
using namespace weir::external;
using linalg::LinalgOp;

namespace {
/// Of each loop the token axis along which it runs, as one of dimension 0.
class TokenLoops {
public:
  explicit TokenLoops(LinalgOp op)
      : op(op), kinds(op.getIteratorTypesArray()), axes(op.getNumLoops()) {}

  /// Why rows of the op cannot be told apart, "" when they can.
  StringRef collect(Flows operands);
  const std::optional<TokenAxis> &operator[](unsigned loop) const { return axes[loop]; }
  bool isReduction(unsigned loop) const {
    return kinds[loop] == utils::IteratorType::reduction;
  }
  bool any(bool ofReductions) const;

private:
  StringRef addOperand(OpOperand &operand, const TokenFlow &flow);
  StringRef checkMap(AffineMap map) const;
  bool readsPosition();

  LinalgOp op;
  SmallVector<utils::IteratorType> kinds;
  SmallVector<std::optional<TokenAxis>> axes;
};
} // namespace

static std::optional<unsigned> loopOf(AffineExpr expr) {
  auto dim = dyn_cast<AffineDimExpr>(expr);
  return dim ? std::optional(dim.getPosition()) : std::nullopt;
}

/// Does the op write into `operand` what does not depend on what it held?
static bool isFresh(LinalgOp op, OpOperand &operand) {
  return op.isDpsInit(&operand) &&
         (!op.payloadUsesValueFromOperand(&operand) || isFreshDestination(operand.get()));
}

StringRef TokenLoops::addOperand(OpOperand &operand, const TokenFlow &flow) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  for (const TokenAxis &axis : flow.axes) {
    std::optional<unsigned> loop = loopOf(map.getResult(axis.dim));
    if (!loop)
      return "reads tokens at a computed place";
    if (axes[*loop] && *axes[*loop] != axis.inDim(0))
      return "the token axes of the operands do not line up";
    axes[*loop] = axis.inDim(0);
  }
  return "";
}

/// A loop over tokens must be one dimension of an operand, or none.
StringRef TokenLoops::checkMap(AffineMap map) const {
  SmallVector<unsigned> seen;
  for (AffineExpr expr : map.getResults()) {
    std::optional<unsigned> loop = loopOf(expr);
    for (unsigned other = 0; other < axes.size(); ++other)
      if (!loop && axes[other] && expr.isFunctionOfDim(other))
        return "reads tokens at a computed place";
    if (!loop || !axes[*loop])
      continue;
    if (llvm::is_contained(seen, *loop))
      return "reads a diagonal of tokens";
    seen.push_back(*loop);
  }
  return "";
}

bool TokenLoops::readsPosition() {
  return op
      ->walk([&](linalg::IndexOp index) {
        return axes[index.getDim()] ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

StringRef TokenLoops::collect(Flows operands) {
  for (OpOperand &operand : op->getOpOperands())
    if (!isFresh(op, operand) && isa<RankedTensorType>(operand.get().getType()))
      if (StringRef why = addOperand(operand, operands[operand.getOperandNumber()]);
          !why.empty())
        return why;
  for (AffineMap map : op.getIndexingMapsArray())
    if (StringRef why = checkMap(map); !why.empty())
      return why;
  return readsPosition() ? "its body reads the position of tokens" : "";
}

bool TokenLoops::any(bool ofReductions) const {
  for (auto [loop, axis] : llvm::enumerate(axes))
    if (axis && isReduction(loop) == ofReductions)
      return true;
  return false;
}

//===----------------------------------------------------------------------===//
// What the body says
//===----------------------------------------------------------------------===//

/// The op that combines an element with what has been reduced so far, if the element
/// enters it as it is.
static Operation *findCombiner(LinalgOp op) {
  Block *body = op.getBlock();
  Operation *combiner = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!combiner || combiner->getNumOperands() != 2 || combiner->getBlock() != body)
    return nullptr;
  Value sum = op.getRegionOutputArgs().front();
  Value element = combiner->getOperand(combiner->getOperand(0) == sum ? 1 : 0);
  bool combines = llvm::is_contained(combiner->getOperands(), sum);
  return combines && llvm::is_contained(op.getRegionInputArgs(), element) ? combiner
                                                                          : nullptr;
}

static bool isProduct(LinalgOp op) { return linalg::isaContractionOpInterface(op); }

/// What changes no reduction of other tokens.
static AbsentToken neutralToken(LinalgOp op) {
  if (isProduct(op))
    return AbsentToken::Zero;
  Operation *combiner = findCombiner(op);
  StringRef name = combiner ? combiner->getName().getStringRef() : "";
  if (name == "arith.addf" || name == "arith.addi")
    return AbsentToken::Zero;
  if (name == "arith.mulf" || name == "arith.muli")
    return AbsentToken::One;
  if (name == "arith.maximumf" || name == "arith.maxnumf" || name == "arith.maxsi")
    return AbsentToken::Lowest;
  if (name == "arith.minimumf" || name == "arith.minnumf" || name == "arith.minsi")
    return AbsentToken::Highest;
  return AbsentToken::Unknown;
}

/// Does the op only move or repeat elements?
static bool onlyMoves(LinalgOp op) {
  auto moved = dyn_cast<BlockArgument>(op.getBlock()->getTerminator()->getOperand(0));
  return moved && op.getNumReductionLoops() == 0 && moved.getOwner() == op.getBlock();
}

/// Is it the sum of two operands, element by element?
static bool isSum(LinalgOp op) {
  Operation *sum = op.getBlock()->getTerminator()->getOperand(0).getDefiningOp();
  return sum && op.getNumReductionLoops() == 0 &&
         sum->getName().getStringRef() == "arith.addf" &&
         llvm::all_of(sum->getOperands(), llvm::IsaPred<BlockArgument>);
}

/// y[.., i, d] = sum over j of a[.., i, j] b[.., j, d], in that layout.
static bool isMatrixProduct(LinalgOp op) {
  auto maps = op.getIndexingMapsArray();
  if (!isProduct(op) || maps.size() != 3 || op.getNumReductionLoops() != 1)
    return false;
  unsigned rank = maps[2].getNumResults();
  if (rank < 2 || maps[0].getNumResults() != rank || maps[1].getNumResults() != rank)
    return false;
  for (unsigned dim = 0; dim + 2 < rank; ++dim)
    if (maps[0].getResult(dim) != maps[2].getResult(dim) ||
        maps[1].getResult(dim) != maps[2].getResult(dim))
      return false;
  AffineExpr contracted = maps[0].getResult(rank - 1);
  return contracted == maps[1].getResult(rank - 2) &&
         !llvm::is_contained(maps[2].getResults(), contracted) &&
         maps[0].getResult(rank - 2) == maps[2].getResult(rank - 2) &&
         maps[1].getResult(rank - 1) == maps[2].getResult(rank - 1);
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

/// Rows of an operand by the loops that read its dimensions.
static SmallVector<AxisUse, 2> usesOf(AffineMap map, const TokenLoops &loops,
                                      ArrayRef<TokenAxis> axes, AffineMap resultMap) {
  SmallVector<AxisUse, 2> uses;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    std::optional<unsigned> loop = loopOf(expr);
    if (!loop || !loops[*loop])
      continue;
    if (loops.isReduction(*loop)) {
      uses.push_back({loops[*loop]->inDim(dim), RowMap::all()});
      continue;
    }
    int64_t place =
        llvm::find(resultMap.getResults(), expr) - resultMap.getResults().begin();
    unsigned index = llvm::find(axes, loops[*loop]->inDim(place)) - axes.begin();
    uses.push_back({loops[*loop]->inDim(dim), RowMap::same(index)});
  }
  return uses;
}

static FlowTransfer structuredFlow(LinalgOp op, Flows operands) {
  if (!isStaticTensorOp(op) || op.getNumDpsInits() != 1)
    return FlowTransfer::whole("has several results, or no fixed shape");
  TokenLoops loops(op);
  if (StringRef why = loops.collect(operands); !why.empty())
    return FlowTransfer::whole(why.str());
  FlowTransfer transfer;
  AffineMap resultMap = op.getIndexingMapsArray().back();
  for (auto [dim, expr] : llvm::enumerate(resultMap.getResults()))
    if (std::optional<unsigned> loop = loopOf(expr); loop && loops[*loop])
      if (!addAxis(transfer.axes, loops[*loop]->inDim(dim)))
        return FlowTransfer::whole("tokens of more than two axes meet");
  for (OpOperand &operand : op->getOpOperands())
    transfer.uses.push_back(isFresh(op, operand)
                                ? SmallVector<AxisUse, 2>()
                                : usesOf(op.getMatchingIndexingMap(&operand), loops,
                                         transfer.axes, resultMap));
  if (loops.any(/*ofReductions=*/true))
    transfer.reason =
        isProduct(op) ? "contracts the token axis" : "reduces over the token axis";
  transfer.absent = neutralToken(op);
  transfer.isView = onlyMoves(op);
  transfer.isAdditive = isSum(op);
  transfer.isMatrixProduct = isMatrixProduct(op);
  return transfer;
}

static FailureOr<Value> buildStructured(LinalgOp op, OpBuilder &builder,
                                        const RowsRequest &request) {
  SmallVector<Value> operands(request.operands);
  for (OpOperand &operand : op->getOpOperands())
    if (isFresh(op, operand))
      operands[operand.getOperandNumber()] =
          makeDestination(builder, operand.get(), request.resultType);
  if (llvm::is_contained(operands, Value()))
    return failure();
  return clone(builder, op, TypeRange(request.resultType), operands)->getResult(0);
}

/// Every iteration of a contraction multiplies and adds once.
static int64_t countProducts(LinalgOp op, ArrayRef<Type> operands, Type result) {
  if (!isProduct(op))
    return 0;
  SmallVector<int64_t> sizes(op.getNumLoops(), 1);
  for (OpOperand &operand : op->getOpOperands()) {
    Type type = op.isDpsInit(&operand) ? result : operands[operand.getOperandNumber()];
    auto tensor = dyn_cast<RankedTensorType>(type);
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (std::optional<unsigned> loop = loopOf(expr); loop && tensor)
        sizes[*loop] = tensor.getDimSize(dim);
  }
  return llvm::product_of(sizes);
}

namespace {
template <typename OpT>
struct StructuredFlow : TokenFlowOpInterface::ExternalModel<StructuredFlow<OpT>, OpT> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    return structuredFlow(cast<LinalgOp>(op), operands);
  }
  FailureOr<Value> buildOnRows(Operation *op, OpBuilder &builder,
                               const RowsRequest &request) const {
    return buildStructured(cast<LinalgOp>(op), builder, request);
  }
  int64_t countMacs(Operation *op, ArrayRef<Type> operands, Type result) const {
    return countProducts(cast<LinalgOp>(op), operands, result);
  }
};

/// Over features it keeps everything; over tokens each weight depends on its whole row.
struct SoftmaxFlow : TokenFlowOpInterface::ExternalModel<SoftmaxFlow, linalg::SoftmaxOp> {
  FlowTransfer transferTokenFlow(Operation *op, Flows operands) const {
    auto softmax = cast<linalg::SoftmaxOp>(op);
    if (!isStaticTensorOp(op))
      return FlowTransfer::whole("its shape is not fixed");
    const TokenFlow &input = operands[0];
    FlowTransfer transfer = followAxes(op, input, input.axes);
    int64_t dim = softmax.getDimension();
    std::optional<unsigned> key = input.axisInDim(dim);
    if (!key)
      return transfer;
    const TokenAxis &axis = input.axes[*key];
    if (axis.inner != 1 || axis.numOuter(shapeOf(softmax.getInput())[dim]) != 1)
      return FlowTransfer::whole("normalizes tokens together with other entries");
    transfer.reason = "softmax over the token axis";
    transfer.uses[0][*key].map = RowMap::normalize(*key);
    transfer.isSoftmax = true;
    transfer.absent = AbsentToken::Lowest;
    return transfer;
  }
  FailureOr<Value> buildOnRows(Operation *op, OpBuilder &builder,
                               const RowsRequest &request) const {
    Value output = makeDestination(builder, op->getOperand(1), request.resultType);
    return clone(builder, op, TypeRange(request.resultType),
                 {request.operands[0], output})
        ->getResult(0);
  }
};
} // namespace

template <typename... Ops>
static void attachStructured(MLIRContext *context) {
  (Ops::template attachInterface<StructuredFlow<Ops>>(*context), ...);
}

void external::attachLinalgFlow(MLIRContext *context) {
  attachStructured<
#define GET_OP_LIST
#include "mlir/Dialect/Linalg/IR/LinalgStructuredOps.cpp.inc"
      >(context);
  linalg::SoftmaxOp::attachInterface<SoftmaxFlow>(*context);
}
