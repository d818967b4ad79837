/** Which partition of `__consumer_offsets` holds a group: Java's hash of its id, as Kafka does it. */

const INT32_MIN = -(2 ** 31);

/** @returns from 0 to `partitionCount` - 1. */
export function groupPartition(groupId: string, partitionCount: number): number {
  let hash = 0;
  for (let index = 0; index < groupId.length; index += 1) {
    hash = (Math.imul(hash, 31) + groupId.charCodeAt(index)) | 0;
  }
  // The smallest number has no positive twin: Kafka takes 0.
  return hash === INT32_MIN ? 0 : Math.abs(hash) % partitionCount;
}
