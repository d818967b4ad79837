/** Cycles of dependencies, each named by the weakest edges that make it and shown at its shortest. */

import type { AnomalyKind } from '../anomaly.ts';
import type { Findings } from '../findings.ts';
import { shortestCycle } from '../graph/shortestCycle.ts';
import { type Components, stronglyConnected } from '../graph/stronglyConnected.ts';
import type { HistoryModel } from '../historyModel.ts';
import type { PlaceIndex } from '../placeIndex.ts';
import { type Dependencies, dependencies, PROCESS, REALTIME, WR, WW } from './dependencies.ts';

interface Level {
  readonly kind: AnomalyKind;
  readonly labels: number;
  /** An edge of this kind must be in the cycle. */
  readonly through: number;
}

/** Of each list the first that applies to a component is its name. */
const levels: readonly (readonly Level[])[] = [
  [
    { kind: 'G0-process', labels: WW | PROCESS, through: WW },
    { kind: 'G0-realtime', labels: WW | REALTIME, through: WW },
  ],
  [
    { kind: 'G1c', labels: WW | WR, through: WR },
    { kind: 'G1c-process', labels: WW | WR | PROCESS, through: WR },
    { kind: 'G1c-realtime', labels: WW | WR | REALTIME, through: WR },
  ],
];

const labelNames = new Map([
  [WW, 'ww'],
  [WR, 'wr'],
  [PROCESS, 'process'],
  [REALTIME, 'realtime'],
]);

/** Cycles tried per component, to show the shortest of them. */
const TRIES = 32;

export interface CycleOptions {
  /** Whether the order of lines is that of real time also between processes. */
  readonly realtime: boolean;
}

export function checkCycles(
  model: HistoryModel,
  index: PlaceIndex,
  { findings, realtime }: CycleOptions & { readonly findings: Findings },
): void {
  // The order of a process is part of real time: one search tells whether there is anything.
  const time = realtime ? REALTIME : PROCESS;
  const { graph } = dependencies(model, index, time);
  if (stronglyConnected(graph, -1).sizes.length === graph.nodeCount) return;
  const labels = realtime ? PROCESS | REALTIME : PROCESS;
  const full = dependencies(model, index, labels);
  const whole = stronglyConnected(full.graph, -1);
  for (const list of levels) {
    const named = new Set<number>();
    for (const level of list) nameCycles(full, { level, whole, named, model, findings });
  }
}

interface Naming {
  readonly level: Level;
  readonly whole: Components;
  /** Components of the whole graph that have their name. */
  readonly named: Set<number>;
  readonly model: HistoryModel;
  readonly findings: Findings;
}

function nameCycles({ graph, operationOf }: Dependencies, naming: Naming): void {
  const { level, whole, named, model, findings } = naming;
  const { labels, through } = level;
  const components = stronglyConnected(graph, labels);
  const candidates = new Map<number, number[]>();
  for (let edge = 0; edge < graph.edgeCount; edge += 1) {
    const from = graph.from(edge);
    const isInside = components.of[from] === components.of[graph.to(edge)];
    const component = whole.of[from]!;
    if (!isInside || (graph.label(edge) & through) === 0 || named.has(component)) continue;
    const edges = candidates.get(component) ?? [];
    candidates.set(component, edges);
    if (edges.length < TRIES) edges.push(edge);
  }
  for (const [component, edges] of candidates) {
    named.add(component);
    const cycles = edges.map((edge) => shortestCycle(graph, edge, { labels, components }));
    const shortest = cycles.reduce((a, b) => (b.length < a.length ? b : a));
    findings.add(level.kind, describe(shortest, { graph, operationOf }, model));
  }
}

/** Leaves the moments out: an operation and what leads from it to the next one. */
function describe(
  cycle: readonly number[],
  { graph, operationOf }: Dependencies,
  model: HistoryModel,
): { readonly lines: readonly number[]; readonly steps: readonly string[] } {
  const lines: number[] = [];
  const steps: string[] = [];
  // A cycle always begins with a ww or wr edge, and both leave an operation.
  for (const edge of cycle) {
    const operation = operationOf(graph.from(edge));
    if (operation === undefined) continue;
    const [invoked, ended = invoked] = model.operationLines(operation);
    const label = graph.label(edge);
    lines.push(label === PROCESS || label === REALTIME ? ended! : invoked!);
    steps.push(labelNames.get(label)!);
  }
  return { lines, steps };
}
