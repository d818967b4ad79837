/** Kafka's rules for topic names. */

const LENGTH_MAX = 249;

/** @returns what is wrong with the name; undefined for a good one. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'A topic name must not be empty';
  if (name === '.' || name === '..') return `A topic cannot be named "${name}"`;
  if (name.length > LENGTH_MAX) {
    return `The topic name "${name.slice(0, 40)}..." has ${name.length} characters; at most ${LENGTH_MAX} are allowed`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `The topic name ${JSON.stringify(name)} has characters other than a-z, A-Z, 0-9, ".", "_" and "-"`;
  }
  return undefined;
}

/** Two names with one key cannot stand together: metric names turn the dot into an underscore. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_');
}
