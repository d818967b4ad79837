/** The door of the SDK: one object per application and cluster. */

import type { ClientEnvironment, Logger } from '../common/index.ts';
import type { Admin } from './admin/admin.ts';
import type { Consumer, ConsumerOptions } from './consumer/consumer.ts';
import type { Producer, ProducerOptions } from './producer/producer.ts';

export interface OdradekOptions {
  /**
   * Some brokers of the cluster, `host:port` or `[IPv6]:port`; the others are found through them.
   * The port defaults to 9192. A string is split at commas.
   */
  readonly brokers: string | readonly string[];
  /** Name of the application in the brokers' logs. Default 'odradek'. */
  readonly clientId?: string;
  /** How long to try to reach a first broker, in milliseconds. Default 4,000. */
  readonly connectTimeoutMs?: number;
  /** How long a broker may take for one request, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** After this long metadata in use is asked for again, in milliseconds. Default 300,000. */
  readonly metadataAgeMsMax?: number;
  /** First and largest pause between attempts, in milliseconds; jittered. Default 50 and 1,000. */
  readonly backOffMs?: { readonly first?: number; readonly max?: number };
  /** Hears of lost connections and retries. Default: nobody. */
  readonly logger?: Logger;
  /** Clock, timers, randomness, sockets and threads. Default: the real ones. */
  readonly environment?: ClientEnvironment;
}

/**
 * A connection to a cluster, made when first used and shared by all that it hands out.
 *
 * @example
 * const odradek = new Odradek({ brokers: ['127.0.0.1:9192'] });
 * await odradek.producer().send({ topic: 'orders', key: 'o-1', value: { amount: 3 } });
 * await odradek.close();
 */
export declare class Odradek implements AsyncDisposable {
  /** @throws {TypeError} no or malformed `brokers`, or an option outside of its range. */
  constructor(options: OdradekOptions);

  /** A producer of its own: buffer, batches and order are per producer. */
  producer(options?: ProducerOptions): Producer;

  /** @throws {TypeError} neither or both of `topic` and `topics`, or a bad position. */
  consumer<Key = Buffer | null, Value = Buffer | null>(
    options: ConsumerOptions<Key, Value>,
  ): Consumer<Key, Value>;

  admin(): Admin;

  /**
   * Flushes and closes the producers, ends the consumers, closes the connections. Afterwards
   * nothing of the client keeps the process alive. Idempotent.
   *
   * @throws {DeliveriesFailedError} records that nobody awaited failed; everything is closed all the same.
   */
  close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}
