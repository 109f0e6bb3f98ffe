//===- RecycledWindow.cpp - What a step with recycled positions equals ----===//
// @window  ==>  @window_recycled, whose position tables are read by the step counter

#include "EmitStep.h"
#include "RecycledTable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "weir/Dialect/Weir/Weir.h"

using namespace mlir;
using namespace weir;

LogicalResult weir::emitRecycledWindow(func::FuncOp window, const ArgumentAxes &axes,
                                       const ContinualOptions &options) {
  TokenFlowAnalysis flows(window, axes, {/*recyclePositions=*/true});
  if (flows.getPositionTables().empty())
    return success();
  OpBuilder builder(window.getContext());
  builder.setInsertionPointAfter(window);
  IRMapping mapping;
  auto recycled = cast<func::FuncOp>(builder.clone(*window, mapping));
  recycled.setName("window_recycled");
  auto counterType = RankedTensorType::get({}, builder.getI64Type());
  NamedAttribute name = builder.getNamedAttr("weir.step", builder.getUnitAttr());
  if (failed(recycled.insertArgument(recycled.getNumArguments(), counterType,
                                     builder.getDictionaryAttr(name), window.getLoc())))
    return failure();
  Block &body = recycled.getBody().front();
  builder.setInsertionPointToStart(&body);
  Value count =
      tensor::ExtractOp::create(builder, window.getLoc(), body.getArguments().back(), {});
  Value step =
      arith::IndexCastOp::create(builder, window.getLoc(), builder.getIndexType(), count);
  for (const PositionTable &table : flows.getPositionTables()) {
    Operation *producer = table.use->get().getDefiningOp();
    Operation *user = mapping.lookup(table.use->getOwner());
    builder.setInsertionPoint(user);
    RecycledTable recycled = RecycledTable::get(table.use->getOwner(), table.use->get(),
                                                table.axis, options.period);
    Operation *constant = producer->getDialect()->materializeConstant(
        builder, recycled.rows, recycled.rows.getType(), producer->getLoc());
    Value rows = recycled.emitRows(builder, user->getLoc(), constant->getResult(0), step,
                                   table.axis, Rows::range(0, table.axis.numRows()));
    user->setOperand(table.use->getOperandNumber(), rows);
  }
  return success();
}
