/** Replicas of a partition hold the same bytes: compared as the files stand on the disks. */

import { expect } from 'chai';
import type { SimBroker } from './simBroker.ts';
import type { SimCluster } from './simCluster.ts';

/** To be called when all replicas are in sync and nothing is written any more. */
export function checkReplicas({ brokers }: SimCluster, topic: string): void {
  const first = new Map<string, { readonly broker: string; readonly bytes: Buffer }>();
  for (const broker of brokers) {
    for (const [partition, bytes] of logBytes(broker, topic)) {
      const other = first.get(partition);
      if (other === undefined) {
        first.set(partition, { broker: broker.node.name, bytes });
        continue;
      }
      const where = `${partition} on ${other.broker} and ${broker.node.name}`;
      expect(bytes.length, `bytes of ${where}`).to.equal(other.bytes.length);
      expect(bytes.equals(other.bytes), `${where} are equal`).to.equal(true);
    }
  }
}

/** Who is in sync may be behind what acks=1 has written, for a while. */
export function haveEqualEnds({ brokers }: SimCluster): boolean {
  const ends = new Map<string, number>();
  for (const { partitions } of brokers) {
    for (const [name, { log }] of partitions) {
      const { writtenOffset } = log;
      if ((ends.get(name) ?? writtenOffset) !== writtenOffset) return false;
      ends.set(name, writtenOffset);
    }
  }
  return true;
}

/** Resolves when no broker has files of a partition that it does not hold. */
export async function untilOnlyReplicas(cluster: SimCluster, topic: string): Promise<void> {
  const { scheduler } = cluster.simulation;
  const hasMore = (broker: SimBroker): boolean =>
    [...logBytes(broker, topic).keys()].some((name) => !broker.partitions.has(name));
  while (cluster.brokers.some(hasMore)) {
    await new Promise<void>((resolve) => scheduler.after(200, 'checker: files', resolve));
  }
}

/** All segments of each partition, one after the other, by the name of the partition. */
function logBytes(broker: SimBroker, topic: string): Map<string, Buffer> {
  const logs = new Map<string, Buffer>();
  for (const [path, bytes] of broker.node.fileSystem.snapshot()) {
    const match = /\/([^/]+-\d+)\/\d+\.log$/.exec(path);
    const partition = match?.[1];
    if (partition === undefined || !partition.startsWith(`${topic}-`)) continue;
    logs.set(partition, Buffer.concat([logs.get(partition) ?? Buffer.alloc(0), bytes]));
  }
  return logs;
}
