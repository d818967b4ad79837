import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkHistory, HistoryFile, HistoryRecorder, readHistory } from '../../checker/index.ts';
import { checkFile } from '../../checker/main.ts';
import { temporaryDirectory } from '../../harness/temporaryDirectory.ts';
import { Story } from './support/story.ts';

const good = new Story().sent('p', ['o-0', 0, 'a']).finally({ 'o-0': [[0, 'a']] });
const bad = new Story().sent('p', ['o-0', 1, 'a']).sent('r', ['o-0', 0, 'b']);

describe('check-history', () => {
  let directory: string;
  before(() => {
    directory = temporaryDirectory('history');
  });

  it('prints no anomalies and ends with 0 where there are none', () => {
    const { code, stdout, stderr } = check(write(good));
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: '{"anomalies":[]}\n' });
    expect(stderr).to.match(/^no anomalies\n/);
  });

  it('prints each anomaly with its place and ends with 1', () => {
    const { code, stdout, stderr } = check(write(bad));
    expect(code).to.equal(1);
    expect(JSON.parse(stdout)).to.deep.equal({
      anomalies: [{ kind: 'G0-realtime', at: { lines: [3, 2], steps: ['ww', 'realtime'] } }],
    });
    expect(stderr).to.contain('for example lines 3, 2 3 -ww-> 2 -realtime->');
  });

  it('leaves real time out where it is told to', () => {
    expect(check(write(bad), '--without-realtime').code).to.equal(0);
  });

  it('ends with 2 and one line where there is nothing to judge', () => {
    expect(check().stderr).to.match(/^usage: /);
    expect(check(write(good), 'more').code).to.equal(2);
    expect(check('--unknown').code).to.equal(2);
    expect(check(join(directory, 'absent'))).to.deep.include({ code: 2, stdout: '' });
    const broken = join(directory, 'broken.jsonl');
    writeFileSync(broken, '{"i":0,"process":0,"type":"info","f":"note"}\n{"i":1}\n');
    const { code, stderr } = check(broken);
    expect(code).to.equal(2);
    expect(stderr).to.equal(
      `${broken}: line 2: process must be a string or number; it is nothing\n`,
    );
  });

  it('runs by npm, and tells by its exit code', () => {
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, ['scripts/run.mjs', 'check-history', ...args], {
        encoding: 'utf8',
      });
    const { status, stdout } = run(write(bad));
    expect({ status, kind: JSON.parse(stdout).anomalies[0].kind }).to.deep.equal({
      status: 1,
      kind: 'G0-realtime',
    });
    expect(run().status).to.equal(2);
  }).timeout(60_000);

  function write(story: Story): string {
    const path = join(directory, 'history.jsonl');
    const file = new HistoryFile(path);
    for (const line of story.lines) file.write(line);
    file.close();
    file.close();
    return path;
  }

  function check(...args: readonly string[]): { code: number; stdout: string; stderr: string } {
    const output = { stdout: '', stderr: '' };
    const code = checkFile(args, {
      stdout: (text) => {
        output.stdout += text;
      },
      stderr: (text) => {
        output.stderr += text;
      },
    });
    return { code, ...output };
  }
});

describe('a history in a file', () => {
  it('is read as it was written, also where lines are longer than what is read at once', () => {
    const path = join(temporaryDirectory('history'), 'long.jsonl');
    const file = new HistoryFile(path);
    const lines: unknown[] = [];
    const recorder = new HistoryRecorder(
      (line) => {
        lines.push(line);
        file.write(line);
      },
      () => 1,
    );
    for (let n = 0; n < 20; n += 1) recorder.note('ü'.repeat(n * 20_000));
    recorder.note('x'.repeat(3_000_000));
    file.close();
    expect([...readHistory(path)]).to.deep.equal(lines);
    expect(checkHistory(readHistory(path)).statistics.lines).to.equal(21);
  });
});
