import { expect } from 'chai';
import { Child } from '../harness/childProcess.ts';
import { repository } from '../harness/odradek.ts';

describe('npm run demo -- --kill', function () {
  this.timeout(180_000);

  it('loses no acknowledged record while every broker is killed with kill -9 once', async () => {
    const args = [`${repository}scripts/run.mjs`, 'demo', '--kill', '--limit', '60000'];
    const child = new Child(process.execPath, args);
    const { code } = await child.exited;
    const last = child.stdout.trimEnd().split('\n').at(-1) ?? '';
    expect(last, child.stdout + child.stderr).to.match(/^\{.*\}$/);
    const result = JSON.parse(last) as Readonly<Record<string, number>>;
    expect(result).to.include({ input: 60_000, lost: 0, outOfOrder: 0, kills: 3 });
    expect(result['acknowledged']).to.equal(60_000);
    expect(code).to.equal(0);
  });
});
