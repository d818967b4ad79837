/**
 * Topics that come and go, some under a name that was used before. A name whose last change had an
 * unknown outcome is given up: the change may still happen, long after anything else.
 */

import { expect } from 'chai';
import type { CreateTopicRequest, Odradek } from '../../../client/index.ts';
import { OdradekError } from '../../../common/index.ts';
import type { SimRandom } from '../kernel/index.ts';

/** What a topic that comes and goes was last known to be. */
export type Existence = 'present' | 'absent' | 'unknown';

export class PassingTopics {
  readonly #existence = new Map<string, Existence>();
  readonly #client: Odradek;
  readonly #random: SimRandom;
  readonly #shape: () => Omit<CreateTopicRequest, 'topic'>;
  readonly #names = ['passing-1', 'passing-2', 'passing-3'];
  #generation = this.#names.length;

  /** @param shape of the next topic. */
  constructor(client: Odradek, random: SimRandom, shape: () => Omit<CreateTopicRequest, 'topic'>) {
    this.#client = client;
    this.#random = random;
    this.#shape = shape;
  }

  /** Creates or deletes one. What the cluster refuses, or leaves unknown, is no fault. */
  async changeOne(): Promise<void> {
    this.#generation += 1;
    const index = this.#random.below(this.#names.length);
    const topic = this.#names[index] as string;
    const isPresent = this.#existence.get(topic) === 'present';
    this.#existence.set(topic, 'unknown');
    const admin = this.#client.admin();
    try {
      if (isPresent) await admin.deleteTopic(topic);
      else await admin.createTopic({ topic, ...this.#shape() });
      this.#existence.set(topic, isPresent ? 'absent' : 'present');
    } catch (error) {
      if (!(error instanceof OdradekError)) throw error;
      this.#names[index] = `passing-${this.#generation}`;
      return;
    }
    if (!isPresent) await this.#useOnce(topic, `generation ${this.#generation}`);
  }

  /** Whether the list names what stands, and nothing that was deleted. */
  agreesWith(listed: ReadonlySet<string>): boolean {
    return [...this.#existence].every(
      ([topic, existence]) =>
        existence === 'unknown' || (existence === 'present') === listed.has(topic),
    );
  }

  /** A new topic holds what was sent to it, and nothing of a namesake before it. */
  async #useOnce(topic: string, value: string): Promise<void> {
    const producer = this.#client.producer({ deliveryTimeoutMs: 3000 });
    try {
      for (let count = 0; count < 3; count += 1) await producer.send({ topic, value });
      const consumer = this.#client.consumer({ topic, from: 'beginning', stopAtEnd: true });
      for await (const record of consumer) expect(record.text()).to.equal(value);
    } catch (error) {
      if (!(error instanceof OdradekError)) throw error;
    } finally {
      await producer.close().catch(() => undefined);
    }
  }
}
