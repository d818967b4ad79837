/**
 * What stands in the directory of a cluster that `odradek start` runs:
 *
 *     .odradek/
 *       .gitignore                      everything: this is data, not source
 *       coordinator/                    the embedded coordinator's journal
 *       broker-1/server.properties      made by the first start
 *       broker-1/data/                  log.dirs
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Lines of server.properties that every start sets, since its flags decide them. */
export interface StartSettings {
  readonly native: string;
  readonly kafka: string;
  readonly admin: string;
  readonly zookeeperConnect: string;
  /** Brokers of the whole cluster: how often topics are replicated by default. */
  readonly brokerCount: number;
}

/** More replicas cost more than they protect, on one machine at least. */
const REPLICATION_FACTOR_MAX = 3;

export class ClusterDirectory {
  /** Absolute. */
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  get coordinatorPath(): string {
    return join(this.path, 'coordinator');
  }

  /** Makes the directory where it is absent. */
  create(): void {
    mkdirSync(this.path, { recursive: true });
    const ignore = join(this.path, '.gitignore');
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  }

  configPath(brokerId: number): string {
    return join(this.path, `broker-${brokerId}`, 'server.properties');
  }

  /**
   * Writes what start decides into the broker's server.properties and leaves every other line as
   * its owner wrote it.
   */
  writeConfig(brokerId: number, settings: StartSettings): void {
    const path = this.configPath(brokerId);
    const folder = join(this.path, `broker-${brokerId}`);
    mkdirSync(folder, { recursive: true });
    const replicationFactor = Math.min(settings.brokerCount, REPLICATION_FACTOR_MAX);
    const before = existsSync(path) ? readFileSync(path, 'utf8') : header;
    const after = setProperties(before, [
      ['broker.id', String(brokerId)],
      ['native.listeners', settings.native],
      ['listeners', `PLAINTEXT://${settings.kafka}`],
      ['admin.listeners', settings.admin],
      ['log.dirs', join(folder, 'data')],
      ['zookeeper.connect', settings.zookeeperConnect],
      ['default.replication.factor', String(replicationFactor)],
      // With two replicas a minimum of two would stop at the first broker that does.
      ['min.insync.replicas', replicationFactor === REPLICATION_FACTOR_MAX ? '2' : '1'],
      ['offsets.topic.replication.factor', String(replicationFactor)],
      // On one machine nobody waits for more members that are still being deployed.
      ['group.initial.rebalance.delay.ms', '0'],
    ]);
    if (after !== before) writeFileSync(path, after);
  }
}

const header = `# Written by "odradek start", which sets the ten keys below at every start, by its flags.
# Every other line is yours, and stays: docs/configuration.md lists the keys.
`;

/** Replaces the lines of these keys, and appends those that have none. */
export function setProperties(
  text: string,
  properties: readonly (readonly [key: string, value: string])[],
): string {
  const lines = text.replace(/\n$/, '').split('\n');
  for (const [key, value] of properties) {
    const line = `${key}=${value.replaceAll('\\', '\\\\')}`;
    const at = lines.findIndex((it) => propertyKey(it) === key);
    if (at === -1) lines.push(line);
    else lines[at] = line;
  }
  return `${lines.join('\n')}\n`;
}

function propertyKey(line: string): string | undefined {
  return /^\s*([^#!\s=:][^\s=:]*)\s*[=:]/.exec(line)?.[1];
}
