/** How compaction fares, under the names that `/metrics` publishes. */

import type { CleanerStats } from '../log/index.ts';
import type { MetricFamily } from './metricFamily.ts';

/** @param stats undefined where nothing is compacted: then there are no such metrics. */
export function cleanerFamilies(stats: CleanerStats | undefined): readonly MetricFamily[] {
  if (stats === undefined) return [];
  return [
    family('counter', 'runs_total', 'Logs compacted.', stats.runsTotal),
    family('counter', 'read_bytes_total', 'Bytes read.', stats.bytesReadTotal),
    family('counter', 'written_bytes_total', 'Bytes written anew.', stats.bytesWrittenTotal),
    family('counter', 'read_records_total', 'Records looked at.', stats.recordsReadTotal),
    family('counter', 'kept_records_total', 'Records that stayed.', stats.recordsKeptTotal),
    family('gauge', 'last_run_seconds', 'Duration of the last run.', stats.lastRunSeconds),
    family('gauge', 'last_map_fill', 'Share of its map that the last run took.', stats.lastMapFill),
    family(
      'gauge',
      'max_dirty_ratio',
      'Dirty share of the dirtiest log that can be compacted.',
      stats.maxDirtyRatio,
    ),
    family(
      'gauge',
      'uncleanable_partitions',
      'Partitions that compaction has given up; the log of the broker says why.',
      stats.uncleanablePartitions,
    ),
    family('gauge', 'uncleanable_bytes', 'Bytes of those.', stats.uncleanableBytes),
    family(
      'gauge',
      'seconds_since_last_look',
      'Time since logs were looked at; grows where the cleaner stands still. -1 before the first.',
      stats.secondsSinceLastLook ?? -1,
    ),
  ];
}

function family(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  value: number,
): MetricFamily {
  return {
    type,
    name: `odradek_log_cleaner_${name}`,
    help: `Compaction: ${help}`,
    samples: [{ value }],
  };
}
