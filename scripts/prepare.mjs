/**
 * Makes a checkout ready to run: dependencies as the lock file says, `dist/` as the sources say.
 * Does nothing, in some tens of milliseconds, where both are so already. Writes to stderr alone,
 * since what launchers print to stdout is read by scripts.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

const installStamp = join(root, 'node_modules/.odradek-lock-hash');
const buildStamp = join(root, 'dist/.source-hash');
const lockFile = join(root, '.cache/prepare.lock');

/** Installs and builds what has changed. Ends the process with 1 where that fails. */
export function prepare() {
  if (isInstalled() && isBuilt()) return;
  holdingLock(() => (isInstalled() || install()) && (isBuilt() || build()));
}

/** Installs what has changed and builds nothing: for tools that read the sources. */
export function prepareDependencies() {
  if (isInstalled()) return;
  holdingLock(() => isInstalled() || install());
}

/** The lock is given back before the process ends: `work` tells, and ends nothing itself. */
function holdingLock(work) {
  if (!withLock(lockFile, work)) process.exit(1);
}

function isInstalled() {
  if (readText(installStamp) === lockHash()) return true;
  if (!treeFollowsLock()) return false;
  writeInstallStamp();
  return true;
}

function lockHash() {
  return hashFiles([join(root, 'package-lock.json')]);
}

/** True after a developer's own `npm install`, which leaves nothing for `npm ci` to do. */
function treeFollowsLock() {
  const hidden = readText(join(root, 'node_modules/.package-lock.json'));
  if (hidden === undefined) return false;
  const installed = JSON.parse(hidden).packages;
  const { packages: wanted } = JSON.parse(readText(join(root, 'package-lock.json')) ?? '{}');
  const inTree = Object.entries(installed).every(
    ([path, { version }]) => wanted[path]?.version === version,
  );
  const inLock = Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || optional === true || installed[path]?.version === version,
  );
  return inTree && inLock;
}

/** @returns whether it went well */
function install() {
  process.stderr.write('Installing dependencies (npm ci)\n');
  rmSync(installStamp, { force: true });
  // No package of ours needs its install script, so none is run.
  const flags = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  const result = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...flags], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', flags, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) {
    process.stderr.write(`npm ci failed${result.error ? `: ${result.error.message}` : ''}\n`);
    return false;
  }
  writeInstallStamp();
  return true;
}

/** The stamp comes last; `npx odradek` finds this checkout's own command by the link. */
function writeInstallStamp() {
  const link = join(root, 'node_modules/.bin/odradek');
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) {
    symlinkSync('../../bin/odradek.mjs', link);
  }
  writeFileSync(installStamp, lockHash());
}

function isBuilt() {
  return readText(buildStamp) === sourceHash();
}

/**
 * Compiles beside `dist/` and swaps: nobody ever loads half a build, and no old file stays.
 *
 * @returns whether it went well
 */
function build() {
  process.stderr.write('Building\n');
  const hash = sourceHash();
  const fresh = join(root, 'dist.new');
  const old = join(root, 'dist.old');
  rmSync(fresh, { recursive: true, force: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const flags = ['-p', 'tsconfig.build.json', '--outDir', 'dist.new'];
  const result = spawnSync(process.execPath, [tsc, ...flags], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    process.stderr.write('The build failed\n');
    return false;
  }
  writeFileSync(join(fresh, '.source-hash'), hash);
  rmSync(old, { recursive: true, force: true });
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
  renameSync(fresh, join(root, 'dist'));
  rmSync(old, { recursive: true, force: true });
  return true;
}

function sourceHash() {
  const { include } = JSON.parse(readText(join(root, 'tsconfig.build.json')) ?? '{}');
  const sources = include.flatMap((folder) => listSources(join(root, folder)));
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package.json', 'package-lock.json'];
  return hashFiles([...settings.map((name) => join(root, name)), ...sources]);
}

function listSources(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(folder, name));
}

function hashFiles(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path));
  return hash.digest('hex');
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
