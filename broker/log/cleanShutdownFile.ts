/**
 * `.kafka_cleanshutdown`: says that everything in the log directory is synced, so that the next
 * start scans nothing. Also carries the broker epoch of the stop, as Kafka 3.9 writes it (KIP-966).
 *
 *     {"version":0,"brokerEpoch":4294967358}
 */

export function encodeCleanShutdown(brokerEpoch: number | undefined): Buffer {
  return Buffer.from(JSON.stringify({ version: 0, brokerEpoch: brokerEpoch ?? -1 }), 'utf8');
}

/** @returns undefined where the file names none: an older Kafka left it empty. */
export function decodeCleanShutdown(content: Uint8Array): number | undefined {
  const match = /"brokerEpoch"\s*:\s*(\d{1,16})\b/.exec(Buffer.from(content).toString('utf8'));
  return match === null ? undefined : Number(match[1]);
}
