/** Runs a load in a process of its own and looks at the broker's process meanwhile. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Load } from './loadProcess.ts';
import type { LatencyResult, LoadResult } from './loads.ts';
import { cpuSeconds } from './processUsage.ts';

export interface WithServerCpu {
  /** CPU seconds of the brokers during the load, their connection set-up included. */
  readonly serverCpuSeconds: number;
}

type ResultOf<L extends Load> = L extends { readonly kind: 'latency' } ? LatencyResult : LoadResult;

/** @throws Error with what the process wrote where it failed. */
export async function runLoad<L extends Load>(
  load: L,
  serverPids: readonly number[],
): Promise<ResultOf<L> & WithServerCpu> {
  const spent = (): number => serverPids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = spent();
  const output = await runProcess(JSON.stringify(load));
  const result = JSON.parse(output) as ResultOf<L>;
  return { ...result, serverCpuSeconds: spent() - before };
}

function runProcess(argument: string): Promise<string> {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const entry = fileURLToPath(new URL(`./loadProcess${extension}`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, entry, argument], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (text) => {
    output += String(text);
  });
  child.stderr.on('data', (text) => {
    complaints += String(text);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`The load process ended with ${code}: ${complaints.slice(-2000)}`));
    });
  });
}
