/**
 * What the tests need beside npm's packages: a real ZooKeeper and Java from Debian, Kafka's tools
 * from Maven's repository. Installs what is missing, or ends the process naming what to run.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { root } from './prepare.mjs';

const packages = ['zookeeper', 'maven', 'default-jre-headless'];
/** Written by us and removed again: tells Debian's packages not to start a daemon. */
const policyFile = '/usr/sbin/policy-rc.d';

/** Installs the Debian packages that are missing: as root, else by `sudo -n`. */
export function ensureDebianPackages() {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const names = missing.join(' ');
  const command = `apt-get update && apt-get install -y --no-install-recommends ${names}`;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (!mayInstall(sudo)) giveUp(names, command);

  process.stderr.write(`Installing Debian packages: ${names}\n`);
  // The guard stands only while apt-get runs, and only where the machine has no policy of its own.
  const script = `
    set -e
    if [ ! -e ${policyFile} ]; then
      trap 'rm -f ${policyFile}' EXIT
      printf '#!/bin/sh\\nexit 101\\n' > ${policyFile}
      chmod 755 ${policyFile}
    fi
    mkdir -p /usr/share/man/man1
    export DEBIAN_FRONTEND=noninteractive
    ${command}`;
  const [program, ...args] = [...sudo, 'sh', '-c', script];
  const result = spawnSync(program, args, { stdio: ['ignore', 2, 2] });
  if (result.status !== 0) giveUp(names, command);
}

function isInstalled(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is for dpkg-query
  const query = spawnSync('dpkg-query', ['-W', '-f=${Status}', name], { encoding: 'utf8' });
  return query.stdout?.includes('install ok installed') ?? false;
}

function mayInstall(sudo) {
  if (spawnSync('apt-get', ['--version']).status !== 0) return false;
  return sudo.length === 0 || spawnSync('sudo', ['-n', 'true']).status === 0;
}

function giveUp(names, command) {
  process.stderr.write(
    `The tests need Debian's packages ${names}, which could not be installed from here. Run:\n` +
      `  sudo sh -c '${command}'\n`,
  );
  process.exit(1);
}

/** @returns {string} directory with the jars of Kafka's tools */
export function ensureKafkaTools() {
  const home = join(root, '.cache/kafka-3.9.2');
  const libs = join(home, 'libs');
  if (existsSync(join(libs, '.complete'))) return libs;
  const fetched = withLock(
    join(root, '.cache/kafka.lock'),
    () => existsSync(join(libs, '.complete')) || fetchKafkaTools(home, libs),
  );
  if (!fetched) process.exit(1);
  return libs;
}

/** @returns whether it went well */
function fetchKafkaTools(home, libs) {
  process.stderr.write('Fetching the tools of Apache Kafka 3.9.2 (Maven)\n');
  const fresh = join(home, 'libs.new');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const pom = join(root, 'scripts/kafka-tools.pom.xml');
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${fresh}`];
  const args = ['-q', '-B', '-f', pom, ...goal];
  const result = spawnSync('mvn', args, { cwd: home, stdio: ['ignore', 2, 2] });
  const jars = readdirSync(fresh).filter((name) => name.endsWith('.jar'));
  if (result.status !== 0 || !jars.some((name) => name.startsWith('kafka_2.13-3.9.2'))) {
    process.stderr.write(`Maven could not fetch the tools of Kafka; to see why, run:\n`);
    process.stderr.write(`  mvn ${args.filter((arg) => arg !== '-q').join(' ')}\n`);
    return false;
  }
  writeFileSync(join(fresh, '.complete'), `${jars.length} jars\n`);
  rmSync(libs, { recursive: true, force: true });
  renameSync(fresh, libs);
  return true;
}
