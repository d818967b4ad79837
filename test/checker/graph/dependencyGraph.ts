/** A directed graph with labelled edges, in typed arrays: millions of edges fit. */

import { IntList } from '../growingList.ts';

export class DependencyGraph {
  nodeCount: number;
  readonly #from = new IntList();
  readonly #to = new IntList();
  readonly #label = new IntList();
  #sorted: { readonly starts: Int32Array; readonly edges: Int32Array } | undefined;

  constructor(nodeCount: number) {
    this.nodeCount = nodeCount;
  }

  addNode(): number {
    return this.nodeCount++;
  }

  /** @param label one bit. */
  addEdge(from: number, to: number, label: number): void {
    this.#from.push(from);
    this.#to.push(to);
    this.#label.push(label);
    this.#sorted = undefined;
  }

  get edgeCount(): number {
    return this.#to.length;
  }

  from(edge: number): number {
    return this.#from.at(edge);
  }

  to(edge: number): number {
    return this.#to.at(edge);
  }

  label(edge: number): number {
    return this.#label.at(edge);
  }

  /** Edges that leave each node: those of node N are `edges[starts[N]]` to before `starts[N+1]`. */
  sorted(): { readonly starts: Int32Array; readonly edges: Int32Array } {
    this.#sorted ??= this.#sort();
    return this.#sorted;
  }

  #sort(): { readonly starts: Int32Array; readonly edges: Int32Array } {
    const starts = new Int32Array(this.nodeCount + 1);
    for (const from of this.#from.items()) starts[from + 1]! += 1;
    for (let node = 0; node < this.nodeCount; node += 1) starts[node + 1]! += starts[node]!;
    const next = starts.slice();
    const edges = new Int32Array(this.edgeCount);
    for (let edge = 0; edge < this.edgeCount; edge += 1) {
      const from = this.from(edge);
      edges[next[from]!] = edge;
      next[from]! += 1;
    }
    return { starts, edges };
  }
}
