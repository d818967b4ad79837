/** On what, with what and how fast its parts are: without this a figure says nothing. */

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { packageVersion } from '../../cli/index.ts';
import { crc32c } from '../../common/index.ts';

export interface MachineReport {
  readonly cpu: string;
  readonly cpuCount: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly odradek: string;
  readonly crc32cGbPerSecond: number;
  /** write + fdatasync, median of a few, in the directory for temporary files. */
  readonly durableWriteUs: {
    readonly at4Kib: number;
    readonly at64Kib: number;
    readonly at1Mib: number;
  };
}

const WRITES = 30;

export function machineReport(): MachineReport {
  const directory = mkdtempSync(join(os.tmpdir(), 'odradek-bench-disk-'));
  try {
    const file = openSync(join(directory, 'file'), 'w');
    const at = (bytes: number): number => durableWriteUs(file, bytes);
    const durable = { at4Kib: at(4096), at64Kib: at(65_536), at1Mib: at(1 << 20) };
    closeSync(file);
    return {
      cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
      cpuCount: os.cpus().length,
      memoryGb: Math.round(os.totalmem() / 2 ** 30),
      kernel: os.release(),
      node: process.version,
      odradek: packageVersion(),
      crc32cGbPerSecond: checksumGbPerSecond(),
      durableWriteUs: durable,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function durableWriteUs(file: number, bytes: number): number {
  const content = Buffer.alloc(bytes, 1);
  const times: number[] = [];
  for (let write = 0; write < WRITES; write += 1) {
    const startedMs = performance.now();
    writeSync(file, content);
    fdatasyncSync(file);
    times.push((performance.now() - startedMs) * 1000);
  }
  times.sort((a, b) => a - b);
  return Math.round(times[WRITES / 2]!);
}

function checksumGbPerSecond(): number {
  const content = Buffer.alloc(65_536, 7);
  const rounds = 4000;
  const startedMs = performance.now();
  for (let round = 0; round < rounds; round += 1) crc32c(content, 0, content.length);
  const gigabytes = (rounds * content.length) / 1e9;
  return Number((gigabytes / ((performance.now() - startedMs) / 1000)).toFixed(2));
}
