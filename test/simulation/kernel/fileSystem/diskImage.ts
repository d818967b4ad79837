/** A whole disk: the tree of nodes by path, and what a crash makes of it. */

import { posix } from 'node:path';
import { SimRandom } from '../simRandom.ts';
import { DirectoryNode, type DiskNode } from './diskNodes.ts';
import { systemError } from './systemError.ts';

/**
 * - `random`: power loss; of what was not synced a seeded random part survives, torn in sectors.
 * - `loseAllUnsynced`: power loss; nothing that was not synced survives.
 * - `keepAll`: the process was killed; the page cache lives on.
 */
export type CrashMode = 'random' | 'loseAllUnsynced' | 'keepAll';

export class DiskImage {
  #root = new DirectoryNode();

  /** @param directories made with their parents, durable from the start. */
  constructor(directories: readonly string[] = []) {
    for (const directory of directories) this.makeDurableDirectory(directory);
  }

  find(path: string): DiskNode | undefined {
    let node: DiskNode = this.#root;
    for (const name of namesOf(path)) {
      if (node.kind !== 'directory') return undefined;
      const next = node.cached.get(name);
      if (next === undefined) return undefined;
      node = next;
    }
    return node;
  }

  /** The directory in which `path` stands, and its name there. @throws ENOENT, ENOTDIR. */
  parentOf(path: string, syscall: string): { directory: DirectoryNode; name: string } {
    const names = namesOf(path);
    const name = names.pop();
    if (name === undefined) throw systemError('EINVAL', syscall, path);
    const directory = this.find(`/${names.join('/')}`);
    if (directory === undefined) throw systemError('ENOENT', syscall, path);
    if (directory.kind !== 'directory') throw systemError('ENOTDIR', syscall, path);
    return { directory, name };
  }

  /** Every node that a path leads to now, with its path, sorted. */
  *walk(): Generator<{ path: string; node: DiskNode }> {
    yield* walkBelow('', this.#root);
  }

  /** Bytes of all files that have a name. */
  usedBytes(): number {
    let bytes = 0;
    for (const { node } of this.walk()) if (node.kind === 'file') bytes += node.cached.sizeBytes;
    return bytes;
  }

  makeDurableDirectory(path: string): void {
    let directory = this.#root;
    for (const name of namesOf(path)) {
      let next = directory.cached.get(name);
      if (next === undefined) {
        next = new DirectoryNode();
        directory.cached.set(name, next);
        directory.durable.set(name, next);
      }
      if (next.kind !== 'directory') throw systemError('ENOTDIR', 'mkdir', path);
      directory = next;
    }
  }

  /** As sync(2): everything that stands in the page cache is on disk afterwards. */
  syncAll(): void {
    for (const { node } of this.walk()) node.sync(node.syncMark());
  }

  /** The machine loses power, or (`keepAll`) only the process dies. In place. */
  crash(mode: CrashMode, random: SimRandom): void {
    if (mode === 'keepAll') return;
    this.#loseBelow(this.#root, mode, random, new Set());
  }

  clone(): DiskImage {
    const copy = new DiskImage();
    copy.#root = this.#root.clone(new Map());
    return copy;
  }

  /** @returns what the disk would hold after this crash; this image stays as it is. */
  afterCrash(mode: CrashMode, seed: number): DiskImage {
    const copy = this.clone();
    copy.crash(mode, new SimRandom(seed, 'crash'));
    return copy;
  }

  #loseBelow(directory: DirectoryNode, mode: CrashMode, random: SimRandom, seen: Set<DiskNode>) {
    seen.add(directory);
    if (mode === 'random') directory.loseRandomly(random);
    else directory.loseAllUnsynced();
    for (const node of directory.cached.values()) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (node.kind === 'directory') this.#loseBelow(node, mode, random, seen);
      else if (mode === 'random') node.loseRandomly(random);
      else node.loseAllUnsynced();
    }
  }
}

export function namesOf(path: string): string[] {
  if (!path.startsWith('/')) throw new Error(`A simulated path is absolute, not "${path}"`);
  return posix
    .normalize(path)
    .split('/')
    .filter((name) => name !== '');
}

function* walkBelow(
  path: string,
  directory: DirectoryNode,
): Generator<{ path: string; node: DiskNode }> {
  yield { path: path === '' ? '/' : path, node: directory };
  for (const name of [...directory.cached.keys()].sort()) {
    const node = directory.cached.get(name) as DiskNode;
    if (node.kind === 'directory') yield* walkBelow(`${path}/${name}`, node);
    else yield { path: `${path}/${name}`, node };
  }
}
