/** Kafka's own judgement of log files: its DumpLogSegments, from the jars that ODRADEK_KAFKA_LIBS names. */

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** @returns everything that the tool prints. */
export async function dumpLogSegments(
  files: readonly string[],
  flags: readonly string[],
): Promise<string> {
  const libs = process.env['ODRADEK_KAFKA_LIBS'];
  if (libs === undefined) throw new Error('ODRADEK_KAFKA_LIBS names no directory of Kafka jars');
  const directory = path.dirname(files[0]!);
  const log4j = path.join(path.dirname(directory), 'log4j.properties');
  fs.writeFileSync(log4j, 'log4j.rootLogger=OFF\n');
  const { stdout, stderr } = await run(
    'java',
    [
      '-Xmx256M',
      `-Dlog4j.configuration=file:${log4j}`,
      '-cp',
      path.join(libs, '*'),
      'kafka.tools.DumpLogSegments',
      '--files',
      files.join(','),
      ...flags,
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return stdout + stderr;
}
