/** Helps who mistyped a topic name: the nearest one, and the command that would create it. */

import { ProtocolError } from '../../protocol/index.ts';

/**
 * @param existing names of all topics, or undefined where they could not be asked for.
 * @returns UNKNOWN_TOPIC_OR_PARTITION whose message says what to do.
 */
export function unknownTopicError(
  topic: string,
  existing: readonly string[] | undefined,
): ProtocolError {
  const nearest = existing === undefined ? undefined : nearestName(topic, existing);
  const suggestion = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  const command = `odradek topic create ${topic}`;
  return new ProtocolError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `topic "${topic}" does not exist${suggestion === '' ? ';' : `${suggestion} Otherwise`} create it with: ${command}`,
    {
      retriable: false,
      details: { topic, ...(nearest === undefined ? {} : { nearest }), command },
    },
  );
}

/** @returns the name at the least edit distance, where that is near enough to be a typing error. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let nearestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= nearestDistance) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < nearestDistance) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  return nearest;
}

/** Levenshtein distance, with a swap of two neighbours counted as one edit. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, beforeLast[j - 2]! + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
