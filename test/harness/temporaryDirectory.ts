/** Directories of tests, all under the system's temporary directory and gone with the process. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directories = new Set<string>();
process.once('exit', removeAll);

/** A new empty directory; removed when the process exits, or earlier by `removeDirectory`. */
export function temporaryDirectory(purpose: string): string {
  const path = mkdtempSync(join(tmpdir(), `odradek-${purpose}-`));
  directories.add(path);
  return path;
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
  directories.delete(path);
}

function removeAll(): void {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
}
