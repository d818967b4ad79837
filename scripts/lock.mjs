/**
 * Lets one process at a time do something in this checkout: two launchers that start together must
 * not run `npm ci` into each other's node_modules.
 *
 * Node has no flock. The lock is a file that names its holder, made with O_EXCL; a holder that was
 * killed is noticed by its pid and start time, so nothing has to be removed by hand.
 */

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const POLL_MS = 100;

/**
 * Runs `work` while holding the lock file, waiting for another holder as long as that one lives.
 *
 * @template T
 * @param {string} path of the lock file
 * @param {() => T} work synchronous
 * @returns {T}
 */
export function withLock(path, work) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = identity(process.pid);
  for (let told = false; !acquire(path, mine); ) {
    if (!told) process.stderr.write(`Another process prepares this checkout; waiting for it\n`);
    told = true;
    sleep(POLL_MS);
  }
  try {
    return work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** @param {string} path @param {string} mine */
function acquire(path, mine) {
  try {
    writeFileSync(path, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const holder = readIfThere(path);
  if (holder !== undefined && holder !== '' && !isAlive(holder)) removeStale(path, holder);
  return false;
}

/**
 * Two waiters may see the same dead holder. 1. Both read it. 2. The first removes the file and takes
 * the lock. 3. The second would now remove a live lock: so it moves the file aside first, looks at
 * what it got, and puts back what was not the dead one.
 */
function removeStale(path, holder) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  if (readFileSync(aside, 'utf8') === holder) rmSync(aside, { force: true });
  else renameSync(aside, path);
}

function isAlive(holder) {
  const pid = Number.parseInt(holder, 10);
  return identity(pid) === holder;
}

/** `pid start-time`; the start time (where /proc has it) tells a reused pid from the holder. */
function identity(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    // No /proc here, or no such process: a signal that does nothing tells which.
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return '';
  }
  return `${pid}`;
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Launchers do nothing else meanwhile, so they may block. */
function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
