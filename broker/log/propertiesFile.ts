/**
 * The small key-value files: `meta.properties` of a log directory and `partition.metadata`.
 *
 *     version=0                              version: 0
 *     broker.id=1                            topic_id: yFKiXKsMQDewaNcvKeOkmw
 *     cluster.id=kVkeq1FyRUaOvQVNxAsBfg
 *     directory.id=xtzWWN4bTjitpL3kfd9s5g
 */

import { OdradekError, type TopicId } from '../../common/index.ts';

export interface MetaProperties {
  readonly brokerId: number;
  readonly clusterId: string;
  /** Random, given once: tells this directory from any other (Kafka 3.7 and later write it too). */
  readonly directoryId: string;
}

/** @param existing content of the file so far: keys that we do not know stay as they are. */
export function encodeMetaProperties(meta: MetaProperties, existing = ''): Buffer {
  const properties = parseProperties(existing);
  properties.set('version', '0');
  properties.set('broker.id', String(meta.brokerId));
  properties.set('cluster.id', meta.clusterId);
  properties.set('directory.id', meta.directoryId);
  const lines = [...properties].map(([key, value]) => `${key}=${value}`);
  return Buffer.from(`${lines.join('\n')}\n`, 'utf8');
}

/** @returns what is absent as undefined: Kafka writes broker.id later than the file where generated. */
export function decodeMetaProperties(path: string, content: Uint8Array): Partial<MetaProperties> {
  const properties = parseProperties(Buffer.from(content).toString('utf8'));
  const version = properties.get('version');
  if (version !== '0') {
    throw new OdradekError(
      'LOG_DIR_MISMATCH',
      `"${path}" has version "${version ?? ''}" where 0, that of ZooKeeper mode, is wanted; ` +
        'point log.dirs to another directory',
      { details: { path, version } },
    );
  }
  const brokerId = properties.get('broker.id');
  const clusterId = properties.get('cluster.id');
  const directoryId = properties.get('directory.id');
  return {
    ...(brokerId === undefined ? {} : { brokerId: Number(brokerId) }),
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(directoryId === undefined ? {} : { directoryId }),
  };
}

/** @throws {OdradekError} LOG_DIR_MISMATCH naming both values and the file. */
export function checkMetaProperties(
  path: string,
  found: Partial<MetaProperties>,
  wanted: Omit<MetaProperties, 'directoryId'>,
): void {
  for (const [key, name] of [
    ['clusterId', 'cluster.id'],
    ['brokerId', 'broker.id'],
  ] as const) {
    if (found[key] === undefined || found[key] === wanted[key]) continue;
    throw new OdradekError(
      'LOG_DIR_MISMATCH',
      `"${path}" belongs to ${name} "${found[key]}", this broker has ${name} "${wanted[key]}"; ` +
        `correct ${name} or point log.dirs to another directory`,
      { details: { path, property: name, found: found[key], wanted: wanted[key] } },
    );
  }
}

/**
 * A new `directory.id`: 128 random bits in 22 characters, as Kafka writes a UUID. Never one that
 * Kafka keeps for itself (the first hundred), nor one that a command line would take for an option.
 *
 * @param sixteenBytes gives as many random ones at each call.
 */
export function newDirectoryId(sixteenBytes: () => Buffer): string {
  for (;;) {
    const bytes = sixteenBytes();
    // RFC 4122, version 4, as Java makes them.
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const id = bytes.toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

export function encodePartitionMetadata(topicId: TopicId): Buffer {
  return Buffer.from(`version: 0\ntopic_id: ${topicId}`, 'utf8');
}

/**
 * @returns undefined for a file that a crash left empty or cut: nothing in such a partition was
 *   ever acknowledged, and the topic id comes again from the controller.
 */
export function decodePartitionMetadata(content: Uint8Array): TopicId | undefined {
  const text = Buffer.from(content).toString('utf8');
  const match = /^version: 0\ntopic_id: ([A-Za-z0-9_-]{22})\n?$/.exec(text);
  return match === null ? undefined : (match[1] as TopicId);
}

function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([^#!=:\s][^=:\s]*)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (match !== null) properties.set(match[1]!, match[2]!);
  }
  return properties;
}
