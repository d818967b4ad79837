/** What a benchmark run found, and the table that people read. */

import type { MachineReport } from './machine.ts';
import type { LatencyResult, LoadResult } from './loads.ts';
import type { WithServerCpu } from './runLoad.ts';

export interface ThroughputRow {
  readonly name: string;
  readonly valueBytes: number;
  readonly runs: readonly (LoadResult & WithServerCpu)[];
}

export interface LatencyRow extends LatencyResult, WithServerCpu {
  readonly durability: 'durable' | 'relaxed';
  readonly recordsPerSecond: number;
}

export interface BenchReport {
  readonly date: string;
  readonly command: string;
  readonly machine: MachineReport;
  /** Of the last minute, when the run began and when it ended. */
  readonly loadAverage: { readonly before: number; readonly after: number };
  readonly start: {
    /** Embedded coordinator and one broker, from nothing to serving. */
    readonly clusterSeconds: number;
    /** The broker alone, after a clean stop. */
    readonly brokerSeconds: number;
  };
  readonly memory: { readonly idleBytes: number; readonly peakBytes: number };
  readonly throughput: readonly ThroughputRow[];
  readonly latency: readonly LatencyRow[];
}

export function benchTable(report: BenchReport): string {
  const { machine, start, memory } = report;
  const { at4Kib, at64Kib, at1Mib } = machine.durableWriteUs;
  return [
    `${report.date}   ${report.command}`,
    `${machine.cpuCount} x ${machine.cpu}, ${machine.memoryGb} GB, Linux ${machine.kernel}, ` +
      `Node ${machine.node}, odradek ${machine.odradek}`,
    `CRC-32C ${machine.crc32cGbPerSecond} GB/s; write + fdatasync ${at4Kib} / ${at64Kib} / ${at1Mib} us ` +
      'at 4 KiB / 64 KiB / 1 MiB',
    `load average ${report.loadAverage.before} before, ${report.loadAverage.after} after`,
    '',
    '1 partition, acks=all, 1 replica; median (least-most)',
    throughputHead(),
    ...report.throughput.map(throughputLine),
    '',
    'latency from the intended time of sending, 100 B',
    row('', 'p50 us', 'p90 us', 'p99 us', 'p99.9 us', 'max us'),
    ...report.latency.flatMap(latencyLines),
    '',
    `ready: cluster of one ${start.clusterSeconds.toFixed(2)} s, broker alone ${start.brokerSeconds.toFixed(2)} s`,
    `broker memory: idle ${mib(memory.idleBytes)} MiB, peak ${mib(memory.peakBytes)} MiB`,
    '',
  ].join('\n');
}

export function throughputHead(): string {
  return row('', 'records/s', 'MB/s', 'server CPU-s/M', 'client CPU-s/M');
}

/** One line of the table; the head is `throughputHead`. */
export function throughputLine({ name, valueBytes, runs }: ThroughputRow): string {
  const rates = runs.map(({ recordCount, seconds }) => recordCount / seconds);
  const perMillion = (cpuOf: (run: ThroughputRow['runs'][number]) => number): string =>
    median(runs.map((run) => (cpuOf(run) / run.recordCount) * 1e6)).toFixed(2);
  const rate = median(rates);
  const spread = `(${thousands(Math.min(...rates))}-${thousands(Math.max(...rates))})`;
  return row(
    name,
    `${thousands(rate)} ${spread}`,
    ((rate * valueBytes) / 1e6).toFixed(0),
    perMillion(({ serverCpuSeconds }) => serverCpuSeconds),
    perMillion(({ cpuSeconds }) => cpuSeconds),
  );
}

function latencyLines(latency: LatencyRow): readonly string[] {
  const name = `${latency.durability} ${latency.recordsPerSecond}/s`;
  const cells = ({ p50Us, p90Us, p99Us, p999Us, maxUs }: LatencyRow['acknowledged']) =>
    [p50Us, p90Us, p99Us, p999Us, maxUs].map(String);
  return [
    row(`${name} acknowledged`, ...cells(latency.acknowledged)),
    row(`${name} end to end`, ...cells(latency.endToEnd)),
  ];
}

function row(name: string, ...cells: readonly string[]): string {
  const [first = '', ...rest] = cells;
  return `${name.padEnd(34)}${first.padStart(24)}${rest.map((cell) => cell.padStart(16)).join('')}`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function thousands(value: number): string {
  return `${Math.round(value / 1000)}k`;
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
