/** A consumer that waits at the end of a partition is woken when there is something to read. */

import type { SimCluster } from '../cluster/simCluster.ts';

const NAME = 'client-waiter';
/** Longer than it may take to be woken, by far. */
const FETCH_WAIT_MS = 20_000;
const WOKEN_WITHIN_MS = 5000;
const ROUNDS = 2;

/** To be called when nothing is wrong any more. @throws where it sleeps on. */
export async function checkWaking(cluster: SimCluster, topic: string): Promise<void> {
  const client = cluster.client(NAME);
  const consumer = client.consumer({ topic, from: 'end', fetchWaitMsMax: FETCH_WAIT_MS });
  const records = consumer[Symbol.asyncIterator]();
  const producer = client.producer();
  for (let round = 0; round < ROUNDS; round += 1) {
    const woken = records.next();
    await cluster.settle('the consumer waits', pause(cluster, 1000));
    const value = `wakes round ${round}`;
    await cluster.settle('it is written', producer.send({ topic, partition: 0, value }));
    await cluster.settle('a waiting consumer is woken', woken, WOKEN_WITHIN_MS);
  }
  await cluster.settle('the waiter is closed', client.close());
}

function pause(cluster: SimCluster, delayMs: number): Promise<void> {
  const { timers } = cluster.simulation.node(NAME).environment();
  return new Promise((resolve) => timers.set(delayMs, resolve));
}
