/** Tarjan's strongly connected components, without recursion: a history is a million nodes deep. */

import { IntList } from '../growingList.ts';
import type { DependencyGraph } from './dependencyGraph.ts';

/** Component of each node. A node on no cycle is alone in its component. */
export interface Components {
  readonly of: Int32Array;
  /** Number of nodes in each component. */
  readonly sizes: IntList;
}

/** @param labels bits of the edges that count; edges of a node to itself never do. */
export function stronglyConnected(graph: DependencyGraph, labels: number): Components {
  return new Search(graph, labels).run();
}

const UNVISITED = -1;

class Search {
  readonly #graph: DependencyGraph;
  readonly #labels: number;
  readonly #order: Int32Array;
  readonly #low: Int32Array;
  /** Next edge to look at, by node. */
  readonly #next: Int32Array;
  readonly #component: Int32Array;
  readonly #sizes = new IntList();
  /** Nodes visited and not yet in a component. */
  readonly #stack: number[] = [];
  /** The way from the root to the present node. */
  readonly #path: number[] = [];
  #visited = 0;

  constructor(graph: DependencyGraph, labels: number) {
    this.#graph = graph;
    this.#labels = labels;
    this.#order = new Int32Array(graph.nodeCount).fill(UNVISITED);
    this.#low = new Int32Array(graph.nodeCount);
    this.#next = graph.sorted().starts.slice(0, graph.nodeCount);
    this.#component = new Int32Array(graph.nodeCount).fill(UNVISITED);
  }

  run(): Components {
    for (let root = 0; root < this.#graph.nodeCount; root += 1) {
      if (this.#order[root] !== UNVISITED) continue;
      this.#enter(root);
      for (let node = this.#path.at(-1); node !== undefined; node = this.#path.at(-1)) {
        const child = this.#advance(node);
        if (child === undefined) this.#leave(node);
        else this.#enter(child);
      }
    }
    return { of: this.#component, sizes: this.#sizes };
  }

  #enter(node: number): void {
    this.#order[node] = this.#visited;
    this.#low[node] = this.#visited;
    this.#visited += 1;
    this.#stack.push(node);
    this.#path.push(node);
  }

  /** @returns a node not visited before that an edge leads to; undefined when all are done. */
  #advance(node: number): number | undefined {
    const { starts, edges } = this.#graph.sorted();
    const end = starts[node + 1]!;
    while (this.#next[node]! < end) {
      const edge = edges[this.#next[node]!]!;
      this.#next[node]! += 1;
      if ((this.#graph.label(edge) & this.#labels) === 0) continue;
      const to = this.#graph.to(edge);
      if (this.#order[to] === UNVISITED) return to;
      if (this.#component[to] === UNVISITED) this.#lower(node, this.#order[to]!);
    }
    return undefined;
  }

  #leave(node: number): void {
    this.#path.pop();
    const parent = this.#path.at(-1);
    if (parent !== undefined) this.#lower(parent, this.#low[node]!);
    if (this.#low[node] !== this.#order[node]) return;
    const component = this.#sizes.push(0);
    for (;;) {
      const member = this.#stack.pop()!;
      this.#component[member] = component;
      this.#sizes.set(component, this.#sizes.at(component) + 1);
      if (member === node) return;
    }
  }

  #lower(node: number, order: number): void {
    if (order < this.#low[node]!) this.#low[node] = order;
  }
}
