/** The shortest cycle through an edge: the one that a person can follow. */

import type { DependencyGraph } from './dependencyGraph.ts';
import type { Components } from './stronglyConnected.ts';

export interface SearchBounds {
  readonly labels: number;
  readonly components: Components;
}

/**
 * @param edge both of its ends lie in one component.
 * @returns the edges of the cycle, this one first; breadth first search within the component.
 */
export function shortestCycle(
  graph: DependencyGraph,
  edge: number,
  { labels, components }: SearchBounds,
): readonly number[] {
  const target = graph.from(edge);
  const source = graph.to(edge);
  const { starts, edges } = graph.sorted();
  const arrivedBy = new Map<number, number>([[source, -1]]);
  const queue = [source];
  for (let at = 0; at < queue.length && !arrivedBy.has(target); at += 1) {
    const node = queue[at]!;
    for (let next = starts[node]!; next < starts[node + 1]!; next += 1) {
      const candidate = edges[next]!;
      const to = graph.to(candidate);
      if ((graph.label(candidate) & labels) === 0 || arrivedBy.has(to)) continue;
      if (components.of[to] !== components.of[target]) continue;
      arrivedBy.set(to, candidate);
      queue.push(to);
    }
  }
  const back: number[] = [];
  for (let node = target; node !== source; ) {
    const arrival = arrivedBy.get(node);
    if (arrival === undefined) throw new Error('the edge lies on no cycle');
    back.push(arrival);
    node = graph.from(arrival);
  }
  return [edge, ...back.reverse()];
}
