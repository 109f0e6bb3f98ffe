//===- Schedule.cpp - Who does what, and where threads meet ----------------===//
// Walks through the program once, with all that was touched since threads met last:
//   - work in pieces, where it can be cut; each op in those pieces that need no barrier
//     behind what came before, if there are such
//   - little work on what all threads see already: each does it for itself, in a
//     temporary of its own, and nobody has to wait for the result
//   - the rest: thread 0
// Control flow is everybody's; conditions are read behind a barrier.

#include "Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace weir;

/// What costs a thread less than meeting the others once.
static constexpr int64_t littleWork = 4096;

bool weir::isShared(scf::ForOp loop) {
  return loop->hasAttr("weir.parallel") && loop.getNumResults() == 0;
}

namespace {
class Scheduler {
public:
  Scheduler(func::FuncOp function, int64_t threads)
      : function(function), threads(threads) {}
  Schedule run();

private:
  /// What a block touches before threads meet in it for the first time.
  struct Head {
    SmallVector<Access> accesses;
    bool isOver = false;
  };
  struct Writers {
    SmallVector<Operation *> ops;
    bool isGivenOn = false; // to what may write it unseen
  };

  void findWriters();
  void visit(Block &block);
  void visit(linalg::LinalgOp op);
  void visit(memref::LoadOp load);
  void visit(memref::StoreOp store);
  void visit(Operation *op, const Touched &touched);
  void visit(scf::ForOp loop);
  void visit(scf::IfOp branch);
  void visitIterations(scf::ForOp loop);
  void shareLoop(scf::ForOp loop);
  /// Visits a block that runs at some time or never; returns what its head is.
  Head visitNested(Block &block);
  void append(const Head &head);

  void touch(Operation *op, SmallVector<Access> accesses);
  void meet(Operation *before);
  bool isPrivate(Value root) { return root && privates.lookup(root); }
  bool choosePrivate(Value root);
  bool isAwaited(Operation *reader, Value written);
  bool isForFirstAlone(memref::LoadOp load);
  Access::Who whoStores(memref::StoreOp store);
  SmallVector<Access> onlyShared(SmallVector<Access> accesses);

  func::FuncOp function;
  int64_t threads;
  Schedule schedule;
  DenseMap<Value, Writers> writers;
  DenseMap<Value, bool> privates; // those decided on
  DenseSet<Operation *> visited;
  SmallVector<Access> dirty; // since threads met last
  SmallVector<Head> heads;   // of the blocks around, innermost last
  int64_t trips = 1;         // of the loops around
};
} // namespace

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

void Scheduler::meet(Operation *before) {
  schedule.barriers.insert(before);
  dirty.clear();
  heads.back().isOver = true;
}

/// Private memory is nobody else's, and constants nobody writes.
SmallVector<Access> Scheduler::onlyShared(SmallVector<Access> accesses) {
  llvm::erase_if(accesses, [&](const Access &access) {
    return isPrivate(access.place.root) || access.place.isConstant();
  });
  return accesses;
}

void Scheduler::append(const Head &head) {
  if (!heads.back().isOver)
    llvm::append_range(heads.back().accesses, head.accesses);
}

void Scheduler::touch(Operation *op, SmallVector<Access> accesses) {
  accesses = onlyShared(std::move(accesses));
  if (conflict(accesses, dirty, threads))
    meet(op);
  append({accesses, false});
  llvm::append_range(dirty, accesses);
  visited.insert(op);
}

//===----------------------------------------------------------------------===//
// Temporaries
//===----------------------------------------------------------------------===//

void Scheduler::findWriters() {
  function.walk([&](Operation *op) {
    auto add = [&](Value memref) { writers[findPlace(memref).root].ops.push_back(op); };
    if (auto store = dyn_cast<memref::StoreOp>(op))
      add(store.getMemRef());
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      for (Value output : linalgOp.getDpsInits())
        add(output);
    if (isa<linalg::LinalgOp, memref::LoadOp, memref::StoreOp, memref::DeallocOp,
            ViewLikeOpInterface>(op))
      return;
    for (Value operand : op->getOperands()) // of a loop, of a yield
      if (isa<MemRefType>(operand.getType()))
        writers[findPlace(operand).root].isGivenOn = true;
  });
}

/// Will threads have to meet before each of them can read what others write?
bool Scheduler::isAwaited(Operation *reader, Value written) {
  auto op = dyn_cast<linalg::LinalgOp>(reader);
  if (!op)
    return false;
  for (Value input : op.getDpsInputs()) {
    Value root = isa<MemRefType>(input.getType()) ? findPlace(input).root : Value();
    if (!root || root == written || isPrivate(root))
      continue;
    for (Operation *writer : writers[root].ops)
      if (!visited.contains(writer) && writer->getBlock() == reader->getBlock() &&
          writer->isBeforeInBlock(reader))
        return true;
    for (const Access &access : dirty)
      if (access.writes && (!access.place.root || access.place.root == root))
        return true;
  }
  return false;
}

bool Scheduler::choosePrivate(Value root) {
  if (!root)
    return false;
  auto known = privates.find(root);
  if (known != privates.end())
    return known->second;
  auto choose = [&] {
    const Writers &all = writers[root];
    if (!root.getDefiningOp<memref::AllocOp>() || all.isGivenOn)
      return false;
    int64_t work = 0;
    bool canCut = true, isAwaiting = false;
    for (Operation *writer : all.ops) {
      auto op = dyn_cast<linalg::LinalgOp>(writer);
      if (op && op.getNumDpsInits() != 1)
        return false;
      for (auto loop = writer->getParentOfType<scf::ForOp>(); loop;
           loop = loop->getParentOfType<scf::ForOp>())
        if (loop->hasAttr("weir.parallel"))
          return false;
      work += op ? getWork(op) : 1;
      canCut &= op && !findCuts(op, threads, {}).empty();
      isAwaiting |= isAwaited(writer, root);
    }
    return work <= littleWork && !(canCut && isAwaiting);
  };
  bool chosen = choose();
  privates[root] = chosen;
  if (chosen)
    schedule.privates.insert(root.getDefiningOp());
  return chosen;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

void Scheduler::visit(linalg::LinalgOp op) {
  bool areOwn = true;
  for (Value output : op.getDpsInits())
    areOwn &= choosePrivate(findPlace(output).root);
  if (areOwn)
    return touch(op, getAccesses(op, Access::All, {}));
  SmallVector<Cut> cuts = findCuts(op, threads, dirty);
  llvm::erase_if(cuts, [&](const Cut &cut) { // a piece reads what another one writes
    SmallVector<Access> accesses = getAccesses(op, Access::Shared, cut);
    return conflict(accesses, accesses, threads);
  });
  if (cuts.empty()) {
    schedule.firsts.insert(op);
    return touch(op, getAccesses(op, Access::First, {}));
  }
  auto fits = [&](const Cut &cut) {
    return !conflict(onlyShared(getAccesses(op, Access::Shared, cut)), dirty, threads);
  };
  Cut *fitting = llvm::find_if(cuts, fits);
  Cut chosen = fitting == cuts.end() ? cuts.front() : *fitting;
  schedule.cuts.insert({op, chosen});
  schedule.sharedWork += trips * getWork(op);
  touch(op, getAccesses(op, Access::Shared, chosen));
}

Access::Who Scheduler::whoStores(memref::StoreOp store) {
  return choosePrivate(findPlace(store.getMemRef()).root) ? Access::All : Access::First;
}

/// Is a value needed for nothing but what thread 0 stores? Then the load may be made
/// there: nothing between both writes what it reads.
bool Scheduler::isForFirstAlone(memref::LoadOp load) {
  SmallVector<Operation *> pending = {load};
  DenseSet<Operation *> users;
  Operation *last = load;
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val()->getUsers()) {
      auto store = dyn_cast<memref::StoreOp>(user);
      if (user->getBlock() != load->getBlock() || (!store && !isPure(user)) ||
          (store && whoStores(store) != Access::First))
        return false;
      if (!users.insert(user).second)
        continue;
      if (last->isBeforeInBlock(user))
        last = user;
      if (!store)
        pending.push_back(user);
    }
  Access read = getAccess(load.getMemRef(), load.getIndices(), false, Access::All);
  for (Operation *op = load->getNextNode(); op != last; op = op->getNextNode()) {
    auto store = dyn_cast<memref::StoreOp>(op);
    if (store &&
        conflict(read,
                 getAccess(store.getMemRef(), store.getIndices(), true, Access::All), 2))
      return false;
    bool mayWrite = !store && !isPure(op) &&
                    !isa<memref::LoadOp, memref::AllocOp, ViewLikeOpInterface>(op);
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      mayWrite = llvm::any_of(linalgOp.getDpsInits(), [&](Value output) {
        Value root = findPlace(output).root;
        return !root || !read.place.root || root == read.place.root;
      });
    if (mayWrite)
      return false;
  }
  return isa<memref::StoreOp>(last);
}

void Scheduler::visit(memref::LoadOp load) {
  Access::Who who = Access::All;
  if (isForFirstAlone(load)) {
    schedule.firsts.insert(load);
    who = Access::First;
  }
  touch(load, {getAccess(load.getMemRef(), load.getIndices(), false, who)});
}

void Scheduler::visit(memref::StoreOp store) {
  Access::Who who = whoStores(store);
  if (who == Access::First)
    schedule.firsts.insert(store);
  touch(store, {getAccess(store.getMemRef(), store.getIndices(), true, who)});
}

void Scheduler::visit(Operation *op, const Touched &touched) {
  bool writes = llvm::any_of(touched, [](auto each) { return each.second; });
  if (writes)
    schedule.firsts.insert(op);
  touch(op, getAccesses(touched, writes ? Access::First : Access::All));
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

Scheduler::Head Scheduler::visitNested(Block &block) {
  heads.push_back({});
  visit(block);
  return heads.pop_back_val();
}

/// Threads that meet in front of a loop need not do so in each iteration, often.
void Scheduler::visit(scf::ForOp loop) {
  if (isShared(loop))
    return shareLoop(loop);
  Scheduler other = *this;
  visitIterations(loop);
  if (other.dirty.empty() || schedule.barriers.size() == other.schedule.barriers.size())
    return;
  other.meet(loop);
  other.visitIterations(loop);
  if (other.schedule.barriers.size() <= schedule.barriers.size())
    *this = std::move(other);
}

void Scheduler::visitIterations(scf::ForOp loop) {
  std::optional<int64_t> count = getTripCount(loop);
  SmallVector<Access> before = dirty;
  int64_t outside = trips;
  trips *= count.value_or(1);
  Head head = visitNested(*loop.getBody());
  trips = outside;
  if (conflict(head.accesses, dirty, threads, loop)) { // the next iteration's
    schedule.barriers.insert(loop.getBody()->getTerminator());
    dirty.clear();
    head.isOver = true;
  }
  append(head);
  if (head.isOver && count.value_or(0) > 0)
    heads.back().isOver = true;
  else
    llvm::append_range(dirty, before);
}

void Scheduler::visit(scf::IfOp branch) {
  SmallVector<Access> before = dirty, behind;
  bool meetsAlways = branch.elseBlock();
  for (Block *block : {branch.thenBlock(), branch.elseBlock()}) {
    dirty = before;
    if (block) {
      Head head = visitNested(*block);
      append(head);
      meetsAlways &= head.isOver;
    }
    llvm::append_range(behind, dirty);
  }
  dirty = behind;
  heads.back().isOver |= meetsAlways;
}

/// Temporaries of an iteration are of the thread that runs it.
void Scheduler::shareLoop(scf::ForOp loop) {
  int64_t work = 0;
  loop.getBody()->walk([&](Operation *op) {
    if (isa<memref::AllocOp>(op)) {
      privates[op->getResult(0)] = true;
      schedule.privates.insert(op);
    }
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
        linalgOp && !linalgOp.hasDynamicShape())
      work += getWork(linalgOp);
    visited.insert(op);
  });
  schedule.sharedWork += trips * getTripCount(loop).value_or(1) * work;
  schedule.loops.insert(loop);
  touch(loop, getAccesses(loop));
}

void Scheduler::visit(Block &block) {
  for (Operation &op : block) {
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      visit(linalgOp);
    else if (auto load = dyn_cast<memref::LoadOp>(op))
      visit(load);
    else if (auto store = dyn_cast<memref::StoreOp>(op))
      visit(store);
    else if (auto loop = dyn_cast<scf::ForOp>(op))
      visit(loop);
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      visit(branch);
    else if (auto touched = getTouched(&op))
      visit(&op, *touched);
  }
}

Schedule Scheduler::run() {
  findWriters();
  heads.emplace_back();
  visit(function.front());
  return std::move(schedule);
}

Schedule weir::makeSchedule(func::FuncOp function, int64_t threads) {
  return Scheduler(function, threads).run();
}
