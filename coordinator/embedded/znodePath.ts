/** ZooKeeper's rules for paths, to the letter: a path that it refuses is refused here. */

/**
 * What is wrong with a path, in ZooKeeper's judgement.
 *
 * @returns undefined for a valid path, otherwise the reason.
 */
export function pathFault(path: string): string | undefined {
  if (path.length === 0) return 'the path is empty';
  if (path[0] !== '/') return 'the path does not start with "/"';
  if (path.length === 1) return undefined;
  if (path.endsWith('/')) return 'the path ends with "/"';
  for (const [index, name] of path.slice(1).split('/').entries()) {
    if (name === '') return `name ${index + 1} of the path is empty`;
    if (name === '.' || name === '..') return 'the path is relative';
  }
  for (let index = 1; index < path.length; index += 1) {
    if (isForbidden(path.charCodeAt(index))) return `character ${index} is not allowed`;
  }
  return undefined;
}

/** Path of the node above. The parent of "/a", and of "/" itself, is "/". */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** Last name of the path. */
export function nodeName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** UTF-16 units, as in ZooKeeper: with the surrogates, everything past U+FFFF is out too. */
function isForbidden(unit: number): boolean {
  return (
    unit <= 0x1f ||
    (unit >= 0x7f && unit <= 0x9f) ||
    (unit >= 0xd800 && unit <= 0xf8ff) ||
    unit >= 0xfff0
  );
}
