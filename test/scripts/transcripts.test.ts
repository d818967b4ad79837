import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { StartedCluster } from '../harness/odradek.ts';
import { parseTranscript, renderStep } from './transcript.ts';

describe('transcripts of the command line', function () {
  this.timeout(120_000);
  const folder = new URL('.', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  let cluster: StartedCluster;

  beforeEach(async () => {
    cluster = await StartedCluster.start({ args: ['--broker-count', '1'] });
  });
  afterEach(() => cluster.stop());

  for (const name of names) {
    it(`${name} shows what the commands print today (UPDATE=1 writes it anew)`, async () => {
      const path = new URL(name, folder);
      const written = readFileSync(path, 'utf8');
      const { steps, after } = parseTranscript(written);
      let printed = '';
      for (const step of steps) {
        const input = step.input.map((line) => `${line}\n`).join('');
        printed += renderStep(step, await cluster.run(step.args, { input }));
      }
      printed += after.map((line) => `${line}\n`).join('');
      if (process.env['UPDATE'] === '1') writeFileSync(path, printed);
      else expect(printed).to.equal(written);
    });
  }
});
