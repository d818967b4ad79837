/** CPU and memory of another process, from /proc. */

import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second for user space, on every architecture. */
const TICKS_PER_SECOND = 100;
/** Places in /proc/PID/stat after the name in parentheses: utime and stime, fields 14 and 15. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** User and system time since the process began. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS])) / TICKS_PER_SECOND;
}

/** Resident memory, now and at its peak. */
export function residentBytes(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytesOf = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { now: bytesOf('VmRSS'), peak: bytesOf('VmHWM') };
}
