/**
 * `node hunt.ts PROFILE FIRST LAST CPU_SECONDS`: runs seeds until one fails, or until
 * the time is over; prints `{seed, how, seeds, seconds}`, without `seed` where none failed.
 */

import { runSeed } from '../cluster/runSeed.ts';
import { type ReplicationProfile, runReplicationSeed } from '../replication/replicationSeed.ts';

const profile = JSON.parse(process.argv[2] ?? '{}') as ReplicationProfile;
const [first = 1, last = 1, secondsMax = 10] = process.argv.slice(3).map(Number);
const before = process.cpuUsage();
let current = first;
// What escapes as an unhandled rejection is a way to be caught too.
process.on('unhandledRejection', (error) => report(error));
process.on('uncaughtException', (error) => report(error));

for (; current <= last && seconds() < secondsMax; current += 1) {
  try {
    const { isMixed = false, faults = [], faultMeanMs = 500 } = profile;
    if (isMixed) await runSeed(current, { faults, faultMeanMs });
    else await runReplicationSeed(current, profile);
  } catch (error) {
    report(error);
  }
}
print({ seeds: current - first });

function report(error: unknown): never {
  const how = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  return print({ seed: current, how, seeds: current - first + 1 });
}

function print(result: object): never {
  process.stdout.write(`${JSON.stringify({ ...result, seconds: seconds() })}\n`);
  process.exit(0);
}

/** CPU-seconds of the seeds so far, without loading the program. */
function seconds(): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
