import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { Child } from '../../harness/childProcess.ts';
import { repository, StartedCluster } from '../../harness/odradek.ts';
import { removeDirectory, temporaryDirectory } from '../../harness/temporaryDirectory.ts';

/** What a block promises to print stands in comments at its end. */
const PRINTS = '// prints: ';

const text = readFileSync(join(repository, 'docs/client.md'), 'utf8');
const blocks = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);

describe('docs/client.md', function () {
  this.timeout(60_000);
  let cluster: StartedCluster;
  let directory: string;

  before(async () => {
    cluster = await StartedCluster.start({ args: ['--broker-count', '1'] });
    directory = temporaryDirectory('examples');
  });
  after(async () => {
    removeDirectory(directory);
    await cluster.stop();
  });

  it('has examples', () => {
    expect(blocks).to.have.length.at.least(5);
  });

  for (const [index, code] of blocks.entries()) {
    it(`example ${index + 1} prints what it says, and its process ends by itself`, async () => {
      const sdk = pathToFileURL(join(repository, 'client/index.ts')).href;
      const program = code
        .replace("from 'odradek'", `from '${sdk}'`)
        .replaceAll('127.0.0.1:9192', cluster.brokers);
      const file = join(directory, `example-${index}.mts`);
      writeFileSync(file, program);
      const args = ['--import', 'tsx', file];
      const child = new Child(process.execPath, args, { cwd: repository });
      const { code: exitCode } = await child.exited;
      expect(exitCode, child.stderr).to.equal(0);
      const lines = code.split('\n').filter((line) => line.startsWith(PRINTS));
      for (const line of lines) expect(child.stdout).to.include(line.slice(PRINTS.length));
    });
  }
});
