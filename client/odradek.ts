/** The door of the SDK: one object per application and cluster. */

import { type ClientEnvironment, type Logger, silentLogger } from '../common/index.ts';
import type { Admin } from './admin/admin.ts';
import { ClusterAdmin } from './admin/clusterAdmin.ts';
import { parseBrokerList } from './cluster/brokerAddress.ts';
import { Cluster } from './cluster/cluster.ts';
import type { ClusterContext } from './cluster/clusterContext.ts';
import { productionEnvironment } from './cluster/productionEnvironment.ts';
import type { Consumer, ConsumerOptions } from './consumer/consumer.ts';
import { PartitionConsumer } from './consumer/partitionConsumer.ts';
import { ClientError } from './errors.ts';
import { checkedNumber } from './options.ts';
import { BufferedProducer } from './producer/bufferedProducer.ts';
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
export class Odradek implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #producers = new Set<BufferedProducer>();
  readonly #consumers = new Set<Consumer<unknown, unknown>>();
  #closing: Promise<void> | undefined;

  /** @throws {TypeError} no or malformed `brokers`, or an option outside of its range. */
  constructor(options: OdradekOptions) {
    this.#cluster = new Cluster(contextOf(options));
  }

  /**
   * A producer of its own: buffer, batches and order are per producer.
   *
   * @throws {TypeError} an option outside of its range.
   * @throws {ProtocolError} UNSUPPORTED_COMPRESSION_TYPE where the codec is not installed.
   * @throws {ClientError} CLIENT_CLOSED.
   */
  producer(options: ProducerOptions = {}): Producer {
    this.#checkOpen();
    const producer = new BufferedProducer(this.#cluster, options, () =>
      this.#producers.delete(producer),
    );
    this.#producers.add(producer);
    return producer;
  }

  /**
   * A consumer without a group: it reads the partitions that `options` name.
   *
   * @throws {TypeError} neither or both of `topic` and `topics`, or a bad position.
   * @throws {ClientError} CLIENT_CLOSED.
   */
  consumer<Key = Buffer | null, Value = Buffer | null>(
    options: ConsumerOptions<Key, Value>,
  ): Consumer<Key, Value> {
    this.#checkOpen();
    const consumer = new PartitionConsumer<Key, Value>(this.#cluster, options, () =>
      this.#consumers.delete(consumer),
    );
    this.#consumers.add(consumer);
    return consumer;
  }

  /** @throws {ClientError} CLIENT_CLOSED. */
  admin(): Admin {
    this.#checkOpen();
    return new ClusterAdmin(this.#cluster);
  }

  /**
   * Flushes and closes the producers, ends the consumers, closes the connections. Afterwards
   * nothing of the client keeps the process alive. Idempotent.
   *
   * @throws {DeliveriesFailedError} records that nobody awaited failed; everything is closed all the
   *   same.
   */
  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.catch(() => undefined);
    this.#closing = this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const consumers = [...this.#consumers].map((consumer) => consumer.close());
    const producers = [...this.#producers].map((producer) => producer.close());
    const settled = await Promise.allSettled([...consumers, ...producers]);
    await this.#cluster.close();
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new ClientError('CLIENT_CLOSED', 'the client is closed');
  }
}

function contextOf(options: OdradekOptions): ClusterContext {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError("Odradek takes options, for example { brokers: ['127.0.0.1:9192'] }");
  }
  const { clientId = 'odradek', backOffMs = {} } = options;
  if (typeof clientId !== 'string') throw new TypeError('clientId must be a string');
  const firstMs = checkedNumber('backOffMs.first', backOffMs.first, {
    min: 1,
    max: 60_000,
    default: 50,
  });
  return {
    environment: options.environment ?? productionEnvironment(),
    logger: (options.logger ?? silentLogger).child('client'),
    bootstrap: parseBrokerList(options.brokers),
    clientId,
    connectTimeoutMs: checkedNumber('connectTimeoutMs', options.connectTimeoutMs, {
      min: 1,
      max: 86_400_000,
      default: 4_000,
    }),
    requestTimeoutMs: checkedNumber('requestTimeoutMs', options.requestTimeoutMs, {
      min: 1,
      max: 86_400_000,
      default: 30_000,
    }),
    metadataAgeMsMax: checkedNumber('metadataAgeMsMax', options.metadataAgeMsMax, {
      min: 10,
      max: 86_400_000,
      default: 300_000,
    }),
    backOff: {
      firstMs,
      maxMs: checkedNumber('backOffMs.max', backOffMs.max, {
        min: firstMs,
        max: 600_000,
        default: Math.max(1_000, firstMs),
      }),
    },
  };
}
