/**
 * A producer without sequences that has several requests under way on one connection, as other
 * clients do. Brokers promise it one thing: what is sent on a connection stands in that order.
 */

import { ClientConnection } from '../../../network/index.ts';
import { produceApi, RecordBatchBuilder } from '../../../protocol/index.ts';
import type { SimBroker } from '../cluster/simBroker.ts';
import type { SimCluster } from '../cluster/simCluster.ts';

const NAME = 'client-pipeline';
/** Its topic, durable. */
export const PIPELINED_TOPIC = 'pipelined';
const TOPIC = PIPELINED_TOPIC;
const IN_FLIGHT = 5;
const PACE_MS = 60;
const TIMEOUT_MS = 5000;

export class PipelinedProducer {
  readonly #cluster: SimCluster;
  #isOver = false;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
  }

  /** Makes its topic. */
  async prepare(): Promise<void> {
    const client = this.#cluster.client(NAME);
    const replicationFactor = this.#cluster.brokers.length;
    await client.admin().createTopic({ topic: TOPIC, partitions: 1, replicationFactor });
    await client.close();
  }

  /** Resolves some time after `end`. @throws where the order was not kept. */
  async run(): Promise<void> {
    const environment = this.#cluster.simulation.node(NAME).environment();
    while (!this.#isOver) {
      const leader = this.#cluster.brokers.find(({ partitions }) => {
        return partitions.get(`${TOPIC}-0`)?.isLeader;
      });
      const [host = '', port = ''] = leader?.address.split(':') ?? [];
      const options = { software: { name: NAME, version: '1' }, timeoutMs: TIMEOUT_MS };
      const address = { host, port: Number(port) };
      const connection =
        leader === undefined
          ? undefined
          : await ClientConnection.connect(environment, address, options).catch(() => undefined);
      if (leader === undefined || connection === undefined) await this.#pause(500);
      else await this.#useUp(connection, leader).finally(() => connection.close());
    }
  }

  end(): void {
    this.#isOver = true;
  }

  /** A leader that comes back in another epoch may have less: what it alone had is gone. */
  async #useUp(connection: ClientConnection, leader: SimBroker): Promise<void> {
    const epochNow = () => leader.partitions.get(`${TOPIC}-0`)?.leaderEpoch;
    const epoch = epochNow();
    let highest = -1;
    for (let first = 0; !this.#isOver && !connection.closed; first += IN_FLIGHT) {
      const numbers = Array.from({ length: IN_FLIGHT }, (_, index) => first + index);
      const offsets = await Promise.all(numbers.map((number) => send(connection, number)));
      if (epochNow() !== epoch) return;
      for (const offset of offsets) {
        if (offset === undefined) continue;
        if (offset <= highest) {
          throw new Error(`Sent in order on one connection, and written at offsets ${offsets}`);
        }
        highest = offset;
      }
      await this.#pause(PACE_MS);
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { timers } = this.#cluster.simulation.node(NAME).environment();
    return new Promise((resolve) => timers.set(delayMs, resolve));
  }
}

/** @returns the offset, where the broker told one. */
async function send(connection: ClientConnection, number: number): Promise<number | undefined> {
  const builder = new RecordBatchBuilder({ initialBytes: 256 });
  builder.append(null, Buffer.from(`pipelined ${number}`), [], number);
  const records = builder.build();
  const partitions = [{ index: 0, leaderEpoch: -1, records }];
  const topics = [{ name: TOPIC, topicId: null, partitions }];
  const request = { acks: 1, timeoutMs: TIMEOUT_MS, topics };
  try {
    const response = await connection.call(produceApi, request, { timeoutMs: TIMEOUT_MS });
    const answer = response.topics[0]?.partitions[0];
    return answer?.errorCode === 0 ? answer.baseOffset : undefined;
  } catch {
    await connection.close();
    return undefined;
  }
}
