/**
 * `npm test`: prepares the checkout and the machine, runs every suite as a mocha process of its own,
 * and ends with `N passed, N failed`. `npm test -- --only unit` runs one suite; what follows is
 * passed on to mocha, for example `-- --only unit --grep torn`.
 */

import './node.mjs';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In the order in which they run: the quick ones first. */
const suites = [
  { name: 'tidy', path: 'test/tidy.test.ts' },
  { name: 'unit', path: 'test/unit' },
  { name: 'property', path: 'test/property' },
  { name: 'scripts', path: 'test/scripts' },
  { name: 'simulation', path: 'test/simulation' },
  { name: 'integration', path: 'test/integration' },
  { name: 'compat', path: 'test/compat' },
  { name: 'faults', path: 'test/faults' },
];

const SUITE_MS_MAX = 30 * 60_000;
/** A suite that has reported and does not end has left a handle open, which is a fault. */
const LINGER_MS_MAX = 20_000;

const { only, mochaArgs } = readArguments(process.argv.slice(2));
const { prepare, root } = await import('./prepare.mjs');
const { ensureDebianPackages, ensureKafkaTools } = await import('./packages.mjs');
prepare();
const environment = { ...process.env };
if (only === undefined || ['integration', 'compat', 'faults'].includes(only)) {
  ensureDebianPackages();
  environment.ODRADEK_KAFKA_LIBS = ensureKafkaTools();
}

let running;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    running?.kill('SIGTERM');
    process.exit(1);
  });
}

const total = { passed: 0, failed: 0, skipped: 0 };
const scratch = mkdtempSync(join(tmpdir(), 'odradek-test-'));
for (const suite of suites.filter(({ name }) => only === undefined || name === only)) {
  const started = performance.now();
  const counts = await runSuite(suite);
  for (const key of Object.keys(total)) total[key] += counts[key];
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${suite.name}: ${describe(counts)} in ${seconds} s\n`);
}
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`${describe(total)}\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

/** @returns {Promise<{ passed: number, failed: number, skipped: number }>} */
async function runSuite({ name, path }) {
  const files = listTests(path);
  if (files.length === 0) {
    process.stdout.write(`  FAILED  the suite ${name} has no tests at ${path}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const countsFile = join(scratch, `${name}.json`);
  const mocha = join(root, 'node_modules/mocha/bin/mocha.js');
  const args = [mocha, '--reporter', 'scripts/mochaReporter.cjs', '--forbid-only'];
  running = spawn(process.execPath, [...args, ...mochaArgs, ...files], {
    cwd: root,
    stdio: ['ignore', 1, 2],
    env: { ...environment, ODRADEK_TEST_COUNTS: countsFile },
  });
  const problem = await ended(running, countsFile);
  const counts = readCounts(countsFile);
  if (problem === undefined) return counts;
  process.stdout.write(`  FAILED  the suite ${name} ${problem}\n`);
  return { ...counts, failed: counts.failed + 1 };
}

/** Waits for the end. @returns {Promise<string | undefined>} what went wrong beside failed tests */
function ended(child, countsFile) {
  const started = performance.now();
  let reportedAt;
  let problem;
  const watch = setInterval(() => {
    const now = performance.now();
    if (reportedAt === undefined && existsSync(countsFile)) reportedAt = now;
    if (reportedAt !== undefined && now - reportedAt > LINGER_MS_MAX) {
      problem = 'left something open that keeps its process from ending';
    } else if (now - started > SUITE_MS_MAX) {
      problem = `took longer than ${SUITE_MS_MAX / 60_000} minutes`;
    }
    if (problem !== undefined) child.kill('SIGKILL');
  }, 500);
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearInterval(watch);
      const { failed } = readCounts(countsFile);
      const told = existsSync(countsFile) && (code === 0 || failed > 0);
      resolve(problem ?? (told ? undefined : `ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

function readCounts(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0 };
  return JSON.parse(readFileSync(file, 'utf8'));
}

function listTests(path) {
  if (path.endsWith('.ts')) return existsSync(join(root, path)) ? [path] : [];
  if (!existsSync(join(root, path))) return [];
  return readdirSync(join(root, path), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => `${path}/${name}`);
}

function describe({ passed, failed, skipped }) {
  const counts = `${passed} passed, ${failed} failed`;
  return skipped > 0 ? `${counts}, ${skipped} skipped` : counts;
}

function readArguments(args) {
  const at = args.indexOf('--only');
  if (at === -1) return { only: undefined, mochaArgs: args };
  const only = args[at + 1];
  if (!suites.some(({ name }) => name === only)) {
    const names = suites.map(({ name }) => name).join(', ');
    process.stderr.write(`--only takes one of ${names}; it was "${only ?? ''}"\n`);
    process.exit(2);
  }
  return { only, mochaArgs: args.toSpliced(at, 2) };
}
