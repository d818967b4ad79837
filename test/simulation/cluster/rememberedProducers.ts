/**
 * Replicas of a partition remember the same producers: compared as the snapshots of a clean stop
 * have them, read with none of the product's code.
 */

import { expect } from 'chai';
import type { SimCluster } from './simCluster.ts';

const HEADER_BYTES = 10;
const PRODUCER_BYTES = 46;

/** Stops all brokers for good. To be called when all replicas have everything. */
export async function checkProducers(cluster: SimCluster, topic: string): Promise<void> {
  const stopped = Promise.all(cluster.brokers.map((broker) => broker.stop()));
  await cluster.settle('all brokers have stopped', stopped);
  const first = new Map<string, { readonly where: string; readonly producers: string }>();
  for (const { node } of cluster.brokers) {
    // A program of no use, which shows what the disk holds.
    if (!node.isUp) node.restart();
    for (const [partition, producers] of newestSnapshots(node.fileSystem.snapshot(), topic)) {
      const where = `${partition} on ${node.name}`;
      const other = first.get(partition);
      if (other === undefined) first.set(partition, { where, producers });
      else expect(producers, `producers of ${where} and ${other.where}`).to.equal(other.producers);
    }
  }
}

/** By the name of the partition, what its newest snapshot tells. */
function newestSnapshots(files: ReadonlyMap<string, Buffer>, topic: string): Map<string, string> {
  const newest = new Map<string, string>();
  for (const path of [...files.keys()].sort()) {
    const [, partition = '', index, end = ''] =
      /\/((?:[^/]+)-(\d+))\/(\d{20})\.snapshot$/.exec(path) ?? [];
    if (partition !== `${topic}-${index}`) continue;
    newest.set(partition, `at ${Number(end)}: ${producersOf(files.get(path) ?? Buffer.alloc(0))}`);
  }
  return newest;
}

function producersOf(snapshot: Buffer): string {
  const producers: string[] = [];
  for (let at = HEADER_BYTES; at < snapshot.length; at += PRODUCER_BYTES) {
    const id = Number(snapshot.readBigInt64BE(at));
    const epoch = snapshot.readInt16BE(at + 8);
    const sequence = snapshot.readInt32BE(at + 10);
    const offset = Number(snapshot.readBigInt64BE(at + 14));
    producers.push(`${id}/${epoch} up to ${sequence} at ${offset}`);
  }
  return producers.sort().join(', ');
}
