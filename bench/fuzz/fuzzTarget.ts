/** What can be fuzzed: a broker process of its own, or a listener without a broker. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterDirectory, Starter } from '../../cli/index.ts';
import { Odradek } from '../../client/index.ts';
import type { SocketAddress } from '../../common/index.ts';
import type { NetworkEnvironment } from '../../network/index.ts';
import { startStubServer } from './stubServer.ts';

export interface FuzzTarget {
  readonly name: string;
  readonly address: SocketAddress;
  /** Of the process that is fuzzed; undefined for one whose pid is not known. */
  readonly pid: number | undefined;
  readonly topics: readonly string[];
  close(): Promise<void>;
}

/** A listener in this process. */
export async function stubTarget(environment: NetworkEnvironment): Promise<FuzzTarget> {
  const server = await startStubServer(environment);
  return {
    name: 'a listener without a broker, in this process',
    address: server.address,
    pid: process.pid,
    topics: ['fuzz', 'absent'],
    close: () => server.close(),
  };
}

/**
 * A coordinator and one broker, each a process of its own, with a topic to aim at.
 *
 * @param listener the one that is fuzzed.
 */
export async function brokerTarget(listener: 'native' | 'kafka' = 'native'): Promise<FuzzTarget> {
  const path = mkdtempSync(join(tmpdir(), 'odradek-fuzz-'));
  const starter = new Starter(
    {
      directory: new ClusterDirectory(path),
      brokerCount: 1,
      zookeeper: undefined,
      nativePort: 0,
      kafkaPort: 0,
      adminPort: 0,
      coordinatorPort: 0,
      childArgs: ['--log-level', 'error'],
    },
    (text) => process.stderr.write(`${text}\n`),
  );
  const close = async (): Promise<void> => {
    await starter.stop();
    rmSync(path, { recursive: true, force: true });
  };
  try {
    const cluster = await starter.start();
    const broker = cluster.brokers[0]!;
    await using odradek = new Odradek({ brokers: [broker.native] });
    await odradek.admin().createTopic({ topic: 'fuzz', partitions: 2 });
    const address = listener === 'kafka' ? (broker.kafka ?? '') : broker.native;
    const separator = address.lastIndexOf(':');
    return {
      name: `the ${listener} listener of broker ${broker.id}`,
      address: {
        host: address.slice(0, separator),
        port: Number(address.slice(separator + 1)),
      },
      pid: broker.pid,
      topics: ['fuzz', 'absent'],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
