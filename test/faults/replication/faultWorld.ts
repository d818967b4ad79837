/**
 * Where a fault happens: three brokers, a topic with three replicas of each partition of which two
 * must be in sync, clients that never stop; and the judgement in the end.
 */

import { join } from 'node:path';
import { NodeFileSystem } from '../../../common/environment/production/index.ts';
import { type Anomaly, compareReplicas, replicaIn } from '../../checker/index.ts';
import { ProxiedCluster, type ProxiedClusterOptions } from '../../harness/proxiedCluster.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { HistoryLoad } from './load.ts';

const HEAL_MS_MAX = 30_000;
/** High watermark of a partition of which the broker that was asked is not the leader. */
const UNKNOWN = -1;

export class FaultWorld {
  readonly topic = 'events';
  readonly partitionCount = 3;
  readonly cluster: ProxiedCluster;
  readonly load: HistoryLoad;

  private constructor(cluster: ProxiedCluster) {
    this.cluster = cluster;
    const { topic, partitionCount } = this;
    // A client that lost its broker must not wait longer than the fault takes.
    const client = () => cluster.client({ requestTimeoutMs: 10_000 });
    this.load = new HistoryLoad(client, { topic, partitionCount });
  }

  /** Starts the cluster and the load, and waits until records are acknowledged. */
  static async start(options: ProxiedClusterOptions = {}): Promise<FaultWorld> {
    const properties = { 'replica.lag.time.max.ms': '1500', ...options.properties };
    const world = new FaultWorld(await ProxiedCluster.start({ ...options, properties }));
    try {
      await world.#begin();
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  /** Broker that leads the partition by what ZooKeeper says. */
  async leader(partition = 0): Promise<number> {
    return (await this.cluster.partition(this.topic, partition)).leader;
  }

  /** Epochs of all leaders: they stay where nobody was elected. */
  leaderEpochs(): Promise<readonly number[]> {
    return Promise.all(
      this.partitions().map(
        async (partition) => (await this.cluster.partition(this.topic, partition)).leaderEpoch,
      ),
    );
  }

  partitions(): readonly number[] {
    return Array.from({ length: this.partitionCount }, (_, index) => index);
  }

  /** Waits until every partition has a leader and all its replicas in sync. */
  async untilInSync(): Promise<void> {
    for (const partition of this.partitions()) {
      await this.cluster.untilPartition(
        { topic: this.topic, partition },
        ({ leader, isr }) => leader !== -1 && isr.length === 3,
        { what: 'all replicas in sync', timeoutMs: HEAL_MS_MAX },
      );
    }
  }

  /** Waits until none of the partitions is led by the broker. */
  async untilLeadsNothing(id: number): Promise<void> {
    for (const partition of this.partitions()) {
      await this.cluster.untilPartition(
        { topic: this.topic, partition },
        ({ leader }) => leader !== -1 && leader !== id,
        { what: `another leader than broker ${id}` },
      );
    }
  }

  /** Waits until the broker's registration is gone. */
  async untilGone(id: number): Promise<void> {
    await waitFor(async () => (await this.cluster.registration(id)) === undefined, {
      what: `the registration of broker ${id} is gone`,
      timeoutMs: 30_000,
    });
  }

  /** Waits until the broker stands with a later registration than the one of `epoch`. */
  async untilRegisteredAnew(id: number, epoch: number): Promise<void> {
    await waitFor(async () => ((await this.cluster.registration(id)) ?? 0) > epoch, {
      what: `broker ${id} registers anew`,
      timeoutMs: 30_000,
    });
  }

  /**
   * Heals, waits until all is well, ends the load, reads everything again, judges the history and
   * compares the replicas byte by byte below the high watermark.
   *
   * @throws with what was found.
   */
  async conclude(): Promise<void> {
    this.load.note('heal');
    await this.cluster.heal();
    await this.untilInSync();
    await this.load.progress(20);
    await this.untilRead();
    await this.load.stop();
    const anomalies = [...(await this.load.judge()), ...(await this.#divergences())];
    if (anomalies.length === 0) return;
    const first = anomalies.slice(0, 5).map((anomaly) => JSON.stringify(anomaly));
    throw new Error(`${anomalies.length} anomalies: ${first.join(' ')}`);
  }

  /** Also after a failure: the load must not go on. */
  async stop(): Promise<void> {
    this.load.abandon();
    await this.cluster.stop();
  }

  async #begin(): Promise<void> {
    const ids = this.cluster.brokers.map(({ id }) => id);
    const admin = this.cluster.client().admin();
    // Each broker is the preferred leader of one partition.
    const assignments = ids.map((_, first) => [...ids.slice(first), ...ids.slice(0, first)]);
    await waitFor(async () => (await admin.describeCluster()).brokers.length === ids.length, {
      what: 'all brokers are known',
    });
    await admin.createTopic({
      topic: this.topic,
      assignments,
      configs: { 'min.insync.replicas': 2 },
    });
    await this.untilInSync();
    this.load.start();
    await this.load.progress(20);
  }

  /**
   * Waits until the reader, which may have followed a leader that is none any more, has everything
   * that is acknowledged now.
   */
  async untilRead(): Promise<void> {
    for (const partition of this.partitions()) {
      const acknowledged = this.load.acknowledgedOf(partition);
      await waitFor(() => this.load.readOf(partition) >= acknowledged, {
        what: `the reader has the ${acknowledged} records of partition ${partition}`,
        timeoutMs: HEAL_MS_MAX,
      });
    }
  }

  async #divergences(): Promise<readonly Anomaly[]> {
    const fileSystem = new NodeFileSystem();
    const highWatermarks = await this.#highWatermarks();
    return highWatermarks.flatMap((highWatermark, partition) => {
      const name = `${this.topic}-${partition}`;
      const replicas = this.cluster.brokers.map(({ process }) =>
        replicaIn(fileSystem, join(process.dataDirectory, name)),
      );
      const acknowledged = this.load.acknowledgedOf(partition);
      if (highWatermark < Math.max(acknowledged, 1)) {
        throw new Error(`${name}: ${acknowledged} acknowledged, ${highWatermark} committed`);
      }
      return compareReplicas(replicas, { partition: name, highWatermark });
    });
  }

  /** By partition, as the leaders say; a leader that was just elected may not be known yet. */
  async #highWatermarks(): Promise<readonly number[]> {
    const admin = this.cluster.client().admin();
    return waitFor(
      async () => {
        const { partitions } = await admin.describeTopic(this.topic);
        const told = partitions.map(({ highWatermark }) => highWatermark);
        return told.every((highWatermark) => highWatermark !== UNKNOWN) ? told : undefined;
      },
      { what: 'the leaders tell their high watermarks', timeoutMs: HEAL_MS_MAX, intervalMs: 50 },
    );
  }
}
