/**
 * Process identities from Linux's /proc. A pid alone is no identity: it is used again, and a broker
 * that starts after a reboot often gets the very pid that the lock of its directory names.
 *
 * Elsewhere than on Linux the start time and the boot id are unknown (0 and ''), so a lock whose
 * pid was taken by another program must be removed by hand; the error says so.
 */

import fs from 'node:fs';
import os from 'node:os';
import type { Host, ProcessIdentity } from '../host.ts';

interface ProcessState {
  readonly startTicks: number;
  /** A zombie has ended: it holds no file, it only waits for its parent to read its exit code. */
  readonly ended: boolean;
}

export class NodeHost implements Host {
  readonly self: ProcessIdentity = {
    pid: process.pid,
    startTicks: processState(process.pid)?.startTicks ?? 0,
    bootId: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
  };
  readonly name: string = os.hostname();

  isRunning(identity: ProcessIdentity): boolean {
    if (identity.bootId !== this.self.bootId) return false;
    if (this.self.bootId === '') return answersSignals(identity.pid);
    const state = processState(identity.pid);
    return state !== undefined && !state.ended && state.startTicks === identity.startTicks;
  }

  posixLockHolder(path: string): number | undefined {
    const stats = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
    const locks = readText('/proc/locks');
    if (stats === undefined || locks === undefined) return undefined;
    const device = `${hexByte(deviceMajor(stats.dev))}:${hexByte(deviceMinor(stats.dev))}`;
    for (const line of locks.split('\n')) {
      const lock = parseLock(line);
      if (lock === undefined || lock.inode !== stats.ino.toString()) continue;
      if (lock.pid === process.pid) continue;
      // Overlay and btrfs mounts show another device here than stat does: the open file decides.
      if (lock.device === device || hasOpen(lock.pid, path)) return lock.pid;
    }
    return undefined;
  }
}

/**
 * Fields 3 (state) and 22 (start time) of /proc/PID/stat. Field 2, the name, is in parentheses and
 * may hold spaces and parentheses itself, so counting starts after the last ')'.
 */
function processState(pid: number): ProcessState | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const startTicks = Number(fields[19]);
  if (!Number.isSafeInteger(startTicks)) return undefined;
  return { startTicks, ended: fields[0] === 'Z' || fields[0] === 'X' };
}

/** A line such as `1: POSIX  ADVISORY  WRITE 712 08:02:1311 0 EOF`; waiters have `->` in front. */
function parseLock(line: string): { pid: number; device: string; inode: string } | undefined {
  const [, kind, , , pid, place] = line.trim().split(/\s+/);
  if (kind !== 'POSIX' || pid === undefined || place === undefined) return undefined;
  const separator = place.lastIndexOf(':');
  return {
    pid: Number(pid),
    device: place.slice(0, separator),
    inode: place.slice(separator + 1),
  };
}

function hasOpen(pid: number, path: string): boolean {
  try {
    const wanted = fs.realpathSync(path);
    const descriptors = `/proc/${pid}/fd`;
    return fs.readdirSync(descriptors).some((descriptor) => {
      try {
        return fs.readlinkSync(`${descriptors}/${descriptor}`) === wanted;
      } catch {
        return false; // Closed between the listing and the look at it.
      }
    });
  } catch {
    return false; // Another user's process, or one that has ended: not shown to hold the file.
  }
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** glibc's split of a 64-bit device number. */
function deviceMajor(device: bigint): bigint {
  return ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
}

function deviceMinor(device: bigint): bigint {
  return (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
}

function hexByte(value: bigint): string {
  return value.toString(16).padStart(2, '0');
}

function readText(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return undefined; // Not Linux, or the process has ended: unknown, which callers handle.
  }
}
