/**
 * Where the replicas of a new topic go. Three aims, in Kafka's order: replicas spread evenly over
 * the brokers, the other replicas of one broker's partitions spread over all others, and no two
 * replicas of a partition share a rack while there are racks enough.
 *
 * For five brokers and factor 3, started at broker 0 with shift 0:
 *
 *     partition  0: 0 1 2     4: 4 0 1
 *                1: 1 2 3     5: 0 2 3      <- one round done: the followers move on by one
 *                2: 2 3 4     6: 1 3 4
 *                3: 3 4 0     7: 2 4 0
 */

import { assert, type Random } from '../../common/index.ts';

export interface PlacementBroker {
  readonly id: number;
  readonly rack: string | undefined;
}

export interface PlacementOptions {
  readonly partitionCount: number;
  /** At most the number of brokers. */
  readonly replicationFactor: number;
}

/** @returns for each partition its brokers, preferred leader first. */
export function placeReplicas(
  brokers: readonly PlacementBroker[],
  { partitionCount, replicationFactor }: PlacementOptions,
  random: Random,
): readonly (readonly number[])[] {
  assert(replicationFactor >= 1 && replicationFactor <= brokers.length, 'Enough brokers', {
    replicationFactor,
    brokerCount: brokers.length,
  });
  const racks = new Map(brokers.map(({ id, rack }) => [id, rack]));
  // Racks count only where every broker tells its own: half a picture would pile up replicas.
  const useRacks = brokers.every(({ rack }) => rack !== undefined);
  const order = useRacks ? alternateRacks(brokers) : sorted(brokers.map(({ id }) => id));
  const start = random.below(order.length);
  let shift = random.below(order.length);
  const placed: number[][] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    if (partition > 0 && partition % order.length === 0) shift += 1;
    const first = (start + partition) % order.length;
    const candidates = [first, ...followers(first, shift, order.length)].map((i) => at(order, i));
    placed.push(
      useRacks
        ? spread(candidates, racks, replicationFactor)
        : candidates.slice(0, replicationFactor),
    );
  }
  return placed;
}

/** Positions of all brokers but the first, in the order in which they become followers. */
function followers(first: number, shift: number, count: number): number[] {
  return Array.from(
    { length: count - 1 },
    (_, j) => (first + 1 + ((shift + j) % (count - 1))) % count,
  );
}

/** The first `count` candidates, taking a rack a second time only when each has been taken once. */
function spread(
  candidates: readonly number[],
  racks: ReadonlyMap<number, string | undefined>,
  count: number,
): number[] {
  const chosen: number[] = [];
  const rackCount = new Set(racks.values()).size;
  const usage = new Map<string | undefined, number>();
  while (chosen.length < count) {
    // Each round allows every rack one replica more.
    const allowed = Math.floor(chosen.length / rackCount) + 1;
    const next =
      candidates.find((id) => !chosen.includes(id) && (usage.get(racks.get(id)) ?? 0) < allowed) ??
      candidates.find((id) => !chosen.includes(id));
    assert(next !== undefined, 'There are more brokers than replicas chosen');
    chosen.push(next);
    usage.set(racks.get(next), (usage.get(racks.get(next)) ?? 0) + 1);
  }
  return chosen;
}

/** Brokers rack by rack in turn, so that neighbours are in different racks: a0 b0 c0 a1 b1 ... */
function alternateRacks(brokers: readonly PlacementBroker[]): number[] {
  const byRack = new Map<string, number[]>();
  for (const { id, rack } of brokers)
    byRack.set(rack ?? '', [...(byRack.get(rack ?? '') ?? []), id]);
  const lists = [...byRack.keys()].sort().map((rack) => sorted(byRack.get(rack) ?? []));
  const order: number[] = [];
  for (let turn = 0; order.length < brokers.length; turn++) {
    for (const list of lists) {
      const id = list[turn];
      if (id !== undefined) order.push(id);
    }
  }
  return order;
}

function sorted(ids: readonly number[]): number[] {
  return [...ids].sort((a, b) => a - b);
}

function at(order: readonly number[], index: number): number {
  const id = order[index];
  assert(id !== undefined, 'A position within the order', { index });
  return id;
}
