import { expect } from 'chai';
import fc from 'fast-check';
import { DependencyGraph } from '../../checker/graph/dependencyGraph.ts';
import { shortestCycle } from '../../checker/graph/shortestCycle.ts';
import { stronglyConnected } from '../../checker/graph/stronglyConnected.ts';

const NODES = 8;
const edges = fc.array(
  fc.record({ from: fc.nat(NODES - 1), to: fc.nat(NODES - 1), label: fc.constantFrom(1, 2, 4) }),
  { maxLength: 24 },
);
type Edges = readonly { readonly from: number; readonly to: number; readonly label: number }[];

describe('components', () => {
  it('hold the nodes that reach each other, by the labels asked for', () => {
    fc.assert(
      fc.property(edges, fc.integer({ min: 1, max: 7 }), (list, labels) => {
        const components = stronglyConnected(graphOf(list), labels);
        const reach = reachability(list, labels);
        for (let a = 0; a < NODES; a += 1) {
          for (let b = 0; b < NODES; b += 1) {
            const isMutual = a === b || (reach[a]!.has(b) && reach[b]!.has(a));
            expect(components.of[a] === components.of[b]).to.equal(isMutual);
          }
        }
        const total = [...components.sizes.items()].reduce((sum, size) => sum + size, 0);
        expect(total).to.equal(NODES);
      }),
    );
  });

  it('are found a million nodes deep', () => {
    const graph = new DependencyGraph(1_000_000);
    for (let node = 0; node < 999_999; node += 1) graph.addEdge(node, node + 1, 1);
    expect(stronglyConnected(graph, 1).sizes.length).to.equal(1_000_000);
    graph.addEdge(999_999, 0, 1);
    expect(stronglyConnected(graph, 1).sizes.length).to.equal(1);
  });
});

describe('the shortest cycle through an edge', () => {
  it('is a cycle, and none is shorter', () => {
    fc.assert(
      fc.property(edges, (list) => {
        const graph = graphOf(list);
        const components = stronglyConnected(graph, 7);
        for (const [edge, { from, to }] of list.entries()) {
          if (from === to || components.of[from] !== components.of[to]) continue;
          const cycle = shortestCycle(graph, edge, { labels: 7, components });
          expect(cycle[0]).to.equal(edge);
          for (const [at, step] of cycle.entries()) {
            expect(list[step]!.to).to.equal(list[cycle[(at + 1) % cycle.length]!]!.from);
          }
          expect(cycle.length).to.equal(1 + distance(list, to, from));
        }
      }),
    );
  });
});

function graphOf(list: Edges): DependencyGraph {
  const graph = new DependencyGraph(NODES);
  for (const { from, to, label } of list) graph.addEdge(from, to, label);
  return graph;
}

function reachability(list: Edges, labels: number): readonly Set<number>[] {
  const reach = Array.from({ length: NODES }, () => new Set<number>());
  for (let round = 0; round < NODES; round += 1) {
    for (const { from, to, label } of list) {
      if ((label & labels) === 0) continue;
      reach[from]!.add(to);
      for (const further of reach[to]!) reach[from]!.add(further);
    }
  }
  return reach;
}

function distance(list: Edges, from: number, to: number): number {
  let reached = new Set([from]);
  for (let steps = 0; steps <= NODES; steps += 1) {
    if (reached.has(to)) return steps;
    const next = list.filter((edge) => reached.has(edge.from)).map((edge) => edge.to);
    reached = new Set([...reached, ...next]);
  }
  return Number.POSITIVE_INFINITY;
}
