/**
 * What happened before what, as a graph of which every edge goes forward in time. A cycle therefore
 * cannot be, whatever clients overlapped.
 *
 *   node          its moment
 *   record        its append
 *   poll          the end of the operation
 *   transaction   its commit; its records are nodes of their own
 *
 *   edge          from                          to
 *   ww            record at an offset           record at the next known offset of the partition
 *   wr            record                        poll or transaction that read it
 *                 transaction                   the same, where its record was read as committed
 *   process       what ended ok                 what the same process began afterwards
 *   realtime      what ended ok                 what any process began afterwards
 *
 * rw edges (read before it was overwritten) are left out: a log is appended to, and what a reader
 * did not see yet was not overwritten. Since the records of a transaction are nodes of their own,
 * transactions that write in turn (T1, T2, T1 in one partition) are no cycle: nobody promises that
 * writes are isolated.
 *
 * Process and real time have one node per moment instead of an edge for each pair: an operation
 * that ends leads to the next moment, and each moment to those that begin in it. That is linear.
 */

import { DependencyGraph } from '../graph/dependencyGraph.ts';
import { ACKS_ALL, FAIL, OK, UNCOMMITTED_READ } from '../historyColumns.ts';
import type { HistoryModel } from '../historyModel.ts';
import type { PlaceIndex } from '../placeIndex.ts';

export const WW = 1;
export const WR = 2;
export const PROCESS = 4;
export const REALTIME = 8;

export interface Dependencies {
  readonly graph: DependencyGraph;
  /** @returns the operation of a node; undefined for a moment. */
  operationOf(node: number): number | undefined;
}

/** @param labels bits of the edges wanted. */
export function dependencies(model: HistoryModel, index: PlaceIndex, labels: number): Dependencies {
  const valueCount = model.values.names.length;
  const operationCount = model.operations.kind.length;
  const graph = new DependencyGraph(valueCount + operationCount);
  addWriteOrder(model, index, graph);
  addReads(model, graph);
  const timelines = [
    ...((labels & PROCESS) !== 0 ? [new Timelines(graph, PROCESS)] : []),
    ...((labels & REALTIME) !== 0 ? [new Timelines(graph, REALTIME)] : []),
  ];
  addTime(model, timelines);
  return {
    graph,
    operationOf: (node) => {
      if (node < valueCount) return model.values.operation.at(node);
      return node < valueCount + operationCount ? node - valueCount : undefined;
    },
  };
}

/** A record that stands twice has its first place: a late copy says nothing of its append. */
function addWriteOrder(model: HistoryModel, index: PlaceIndex, graph: DependencyGraph): void {
  const { places, values } = model;
  for (let partition = 0; partition < model.partitions.length; partition += 1) {
    if (model.isExcused(partition)) continue;
    let previous = -1;
    for (const place of index.ordered(partition)) {
      const value = places.value.at(place);
      if (values.operation.at(value) < 0 || values.place.at(value) !== place) continue;
      if (previous >= 0) graph.addEdge(previous, value, WW);
      previous = value;
    }
  }
}

function addReads(model: HistoryModel, graph: DependencyGraph): void {
  const { reads, values, places, operations } = model;
  const valueCount = values.names.length;
  for (let read = 0; read < reads.value.length; read += 1) {
    const value = reads.value.at(read);
    const writer = values.operation.at(value);
    const reader = reads.operation.at(read);
    if (writer < 0 || writer === reader) continue;
    if (model.isExcused(places.partition.at(reads.place.at(read)))) continue;
    const isCommitted =
      model.isTransactional(writer) &&
      operations.state.at(writer) !== FAIL &&
      !reads.bits.has(read, UNCOMMITTED_READ);
    graph.addEdge(value, valueCount + reader, WR);
    if (isCommitted) graph.addEdge(valueCount + writer, valueCount + reader, WR);
  }
}

/** Walks through the history in the order of its lines. */
function addTime(model: HistoryModel, timelines: readonly Timelines[]): void {
  const { operations } = model;
  const begins = new Int32Array(model.lineCount + 1).fill(-1);
  const ends = new Int32Array(model.lineCount + 1).fill(-1);
  for (let operation = 0; operation < operations.kind.length; operation += 1) {
    begins[operations.invokeLine.at(operation)] = operation;
    ends[operations.endLine.at(operation)] = operation;
  }
  for (let line = 1; line <= model.lineCount; line += 1) {
    for (const timeline of timelines) {
      const begun = begins[line]!;
      if (begun >= 0) {
        const key = timeline.label === PROCESS ? operations.process.at(begun) : 0;
        for (const node of nodesOf(model, begun)) timeline.begin(key, node);
      }
      const ended = ends[line]!;
      if (ended >= 0 && isTimeKnown(model, ended)) {
        const key = timeline.label === PROCESS ? operations.process.at(ended) : 0;
        for (const node of nodesOf(model, ended)) timeline.end(key, node);
      }
    }
  }
}

/**
 * Whether what the operation did was done when it ended. With less than acks "all" the copy that
 * was acknowledged may be gone, and a late one may stand.
 */
function isTimeKnown(model: HistoryModel, operation: number): boolean {
  const { operations } = model;
  if (operations.state.at(operation) !== OK) return false;
  return model.isPoll(operation) || operations.bits.has(operation, ACKS_ALL);
}

/** The records of an operation that stand somewhere, and itself where it has a moment. */
function* nodesOf(model: HistoryModel, operation: number): Generator<number> {
  const { sends, values, operations } = model;
  if (model.isPoll(operation) || model.isTransactional(operation)) {
    yield values.names.length + operation;
  }
  if (model.isPoll(operation)) return;
  for (let at = operations.firstSend.at(operation); at < sends.length; at += 1) {
    const value = sends.at(at);
    if (values.operation.at(value) !== operation) return;
    if (values.place.at(value) >= 0) yield value;
  }
}

/** Moments of each process, or of all together. */
class Timelines {
  readonly label: number;
  readonly #graph: DependencyGraph;
  readonly #now = new Map<number, number>();
  /** The moment to which ends lead, until something begins in it. */
  readonly #next = new Map<number, number>();

  constructor(graph: DependencyGraph, label: number) {
    this.#graph = graph;
    this.label = label;
  }

  begin(key: number, node: number): void {
    const next = this.#next.get(key);
    if (next !== undefined) {
      this.#now.set(key, next);
      this.#next.delete(key);
    }
    const now = this.#now.get(key);
    if (now !== undefined) this.#graph.addEdge(now, node, this.label);
  }

  end(key: number, node: number): void {
    let next = this.#next.get(key);
    if (next === undefined) {
      next = this.#graph.addNode();
      this.#next.set(key, next);
      const now = this.#now.get(key);
      if (now !== undefined) this.#graph.addEdge(now, next, this.label);
    }
    this.#graph.addEdge(node, next, this.label);
  }
}
