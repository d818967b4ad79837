import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { Child } from '../harness/childProcess.ts';
import { repository, StartedCluster } from '../harness/odradek.ts';

const runner = join(repository, 'scripts/run.mjs');

/** The last line that the demo prints, and its exit code. */
async function runDemo(
  ...flags: readonly string[]
): Promise<{ readonly code: number | null; readonly result: Readonly<Record<string, number>> }> {
  const child = new Child(process.execPath, [runner, 'demo', ...flags]);
  const { code } = await child.exited;
  const lines = child.stdout.trimEnd().split('\n');
  const last = lines.at(-1) ?? '';
  expect(last, child.stdout + child.stderr).to.match(/^\{.*\}$/);
  return { code, result: JSON.parse(last) as Readonly<Record<string, number>> };
}

describe('npm run demo', function () {
  this.timeout(120_000);
  const sound = { lost: 0, duplicates: 0, outOfOrder: 0, kills: 0 };

  it('brings every flight back on a cluster of its own', async () => {
    expect(await runDemo('--limit', '30000')).to.deep.equal({
      code: 0,
      result: { input: 30_000, acknowledged: 30_000, read: 30_000, ...sound },
    });
  });

  it('brings every flight back once although each broker is killed meanwhile', async () => {
    const { code, result } = await runDemo('--kill', '--limit', '60000');
    expect(result).to.include({ lost: 0, duplicates: 0, outOfOrder: 0, kills: 3 });
    expect(code).to.equal(0);
  });

  it('uses a running cluster and leaves no topic there', async () => {
    const cluster = await StartedCluster.start({ args: ['--broker-count', '1'] });
    expect(await runDemo('--limit', '5000', '--brokers', cluster.brokers)).to.deep.equal({
      code: 0,
      result: { input: 5_000, acknowledged: 5_000, read: 5_000, ...sound },
    });
    const { stdout } = await cluster.run(['topic', 'list', '--json']);
    expect(stdout).to.equal('');
    await cluster.stop();
  });

  it('refuses to kill brokers that are not its own', async () => {
    const child = new Child(process.execPath, [runner, 'demo', '--kill', '--brokers', 'h:1']);
    expect(await child.exited).to.include({ code: 2 });
    expect(child.stderr).to.contain('--kill is for the cluster that the demo starts');
  });
});

describe('npm run flights', () => {
  it('prints flights as JSON, one a line, in the order of the file', async () => {
    const child = new Child(process.execPath, [runner, 'flights', '--limit', '3']);
    expect(await child.exited).to.include({ code: 0 });
    const [first, ...others] = child.stdout.trimEnd().split('\n');
    expect(others).to.have.length(2);
    expect(JSON.parse(first ?? '')).to.deep.equal({
      date: '2001-01-01T00:01:00',
      delay: 33,
      distance: 2176,
      origin: 'LAS',
      destination: 'PHL',
    });
  });

  it('ends quietly when its reader has enough', async () => {
    const script = `"${process.execPath}" "${runner}" flights --limit 100000 | head -n 1`;
    const child = spawn('bash', ['-o', 'pipefail', '-c', script]);
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => {
      stderr += text.toString();
    });
    child.stdout.resume();
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
  });

  it('refuses a limit that is none', async () => {
    const child = new Child(process.execPath, [runner, 'flights', '--limit', 'many']);
    expect(await child.exited).to.include({ code: 2 });
    expect(child.stderr).to.equal('--limit takes a whole number from 0, not "many"\n');
  });
});
