/**
 * Adds to package-lock.json the optional platform packages that a registry mirror did not offer.
 *
 * Run after every `npm install`. npm leaves out of the lock what it could not resolve for this
 * machine, and npm 11's `npm ci` then refuses the lock, since some package.json names what the lock
 * lacks. An entry of `version` and `optional: true` satisfies it; the platform is read from the name,
 * so that nothing is fetched for another one. `--check` changes nothing and exits 1 where something
 * is missing.
 */

import { readFileSync, writeFileSync } from 'node:fs';

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'];

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const missing = missingEntries(lock.packages);

if (process.argv.includes('--check')) {
  for (const [name, { version }] of missing) process.stderr.write(`missing: ${name} ${version}\n`);
  process.exitCode = missing.length === 0 ? 0 : 1;
} else if (missing.length > 0) {
  for (const [name, entry] of missing) lock.packages[name] = entry;
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  process.stderr.write(`added ${missing.length} optional packages to package-lock.json\n`);
}

/** @returns {[string, { version: string, optional: true }][]} */
function missingEntries(packages) {
  return Object.entries(packages).flatMap(([owner, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !resolves(packages, owner, name))
      .map(([name, version]) => [
        `node_modules/${name}`,
        { version, optional: true, ...platform(name) },
      ]),
  );
}

/** Looks where Node would: in the owner's own node_modules, then in each one above it. */
function resolves(packages, owner, name) {
  for (let folder = owner; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    const prefix = folder === '' ? '' : `${folder}/`;
    if (packages[`${prefix}node_modules/${name}`] !== undefined) return true;
    if (!folder.includes('/node_modules/')) {
      return packages[`node_modules/${name}`] !== undefined;
    }
  }
}

/** `binding-linux-x64-musl` is for `os` linux, `cpu` x64, `libc` musl. */
function platform(name) {
  const parts = name.split(/[-/]/);
  const os = parts.filter((part) => systems.includes(part));
  const cpu = parts.filter((part) => processors.includes(part));
  const libc = parts.flatMap((part) =>
    part.startsWith('musl') ? ['musl'] : part.startsWith('gnu') ? ['glibc'] : [],
  );
  return Object.fromEntries(
    Object.entries({ cpu, os, libc }).filter(([, values]) => values.length > 0),
  );
}
