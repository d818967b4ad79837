import { expect } from 'chai';
import {
  checkHistory,
  HistoryError,
  type HistoryLine,
  HistoryRecorder,
} from '../../checker/index.ts';
import { parseLine } from '../../checker/parseLine.ts';

const send = { i: 0, process: 'p', type: 'invoke', f: 'send', value: [['send', 'o-0', 'a']] };

describe('a line of a history', () => {
  it('is refused where the checker could not rely on it, naming line and value', () => {
    const bad: readonly (readonly [line: unknown, fault: RegExp])[] = [
      ['', /no JSON/],
      ['{"i":0,', /no JSON/],
      [[], /no JSON object/],
      [{ ...send, i: -1 }, /i must be a whole number from 0; it is -1/],
      [{ ...send, i: '0' }, /i must be a whole number/],
      [{ ...send, process: null }, /process must be/],
      [{ ...send, type: 'done' }, /type must be invoke, ok, fail, info; it is "done"/],
      [{ ...send, f: 'write' }, /f must be send, poll/],
      [{ ...send, acks: -1 }, /acks must be all, 1, 0; it is -1/],
      [{ ...send, idempotent: 'no' }, /idempotent must be/],
      [{ ...send, isolation: 'none' }, /isolation must be/],
      [{ ...send, rebalance: 'o-0' }, /rebalance must be a list/],
      [{ ...send, error: 3 }, /error must be a string/],
      [{ ...send, value: 'a' }, /value must be a list of steps/],
      [{ ...send, value: [['put', 'o-0', 'a']] }, /a step must be one that a send may have/],
      [{ ...send, value: [['poll']] }, /a step must be one that a send may have/],
      [{ ...send, value: [['send', 'o-0', null]] }, /a step must be/],
      [{ ...send, type: 'ok', value: [['send', 'o-0', 'a']] }, /the offset when ok/],
      [{ ...send, type: 'ok', value: [['send', null, 'a', 1]] }, /a step must be/],
      [{ ...send, type: 'ok', value: [['send', 'o-0', 'a', -1]] }, /a step must be/],
      [
        { ...send, f: 'poll', value: [['poll', { 'o-0': [[0]] }]] },
        /\[\[offset, value\], \.\.\.\]/,
      ],
      [{ ...send, f: 'poll', type: 'ok', value: [['poll']] }, /a step must be/],
      [{ ...send, f: 'seek', value: { 'o-0': -1 } }, /value must be offsets/],
      [{ ...send, f: 'trim', value: { 'o-0': null } }, /value must be offsets/],
      [{ ...send, f: 'assign', value: [0] }, /value must be a list of names/],
    ];
    for (const [line, fault] of bad) {
      const text = typeof line === 'string' ? line : JSON.stringify(line);
      expect(() => parseLine(text, 7), text).to.throw(HistoryError, /^line 7: /);
      expect(() => parseLine(text, 7), text).to.throw(fault);
    }
  });

  it('is refused where it contradicts those before it', () => {
    const invoke = send as unknown as HistoryLine;
    const ok = {
      ...send,
      type: 'ok',
      value: [['send', 'o-0', 'a', 0]],
    } as unknown as HistoryLine;
    const other = { ...ok, value: [['send', 'o-0', 'b', 0]] } as unknown as HistoryLine;
    const poll = { ...ok, f: 'poll', value: [] } as unknown as HistoryLine;
    expect(() => checkHistory([invoke, invoke])).to.throw('line 2: operation 0 is under way');
    expect(() => checkHistory([invoke, { ...invoke, i: 1 }])).to.throw(
      'line 2: the value "a" is sent a second time',
    );
    expect(() => checkHistory([ok])).to.throw('line 1: operation 0 completes and is not under way');
    expect(() => checkHistory([invoke, ok, ok])).to.throw('line 3: operation 0 completes');
    expect(() => checkHistory([invoke, other])).to.throw('"b" completes and was not sent');
    expect(() => checkHistory([invoke, poll])).to.throw('completes as poll and was invoked');
  });
});

describe('the recorder', () => {
  it('writes lines that the parser takes as they are', () => {
    const lines: HistoryLine[] = [];
    const recorder = new HistoryRecorder(
      (line) => lines.push(line),
      () => 42,
    );
    const first = recorder.send('p', { partition: null, value: 'a', acks: 1, idempotent: false });
    const second = recorder.send('p', { partition: 'o-0', value: 'b' });
    const third = recorder.send('p', { partition: 'o-0', value: 'c' });
    first.ok({ partition: 'o-0', offset: 0 });
    second.failed({ code: 'MESSAGE_TOO_LARGE', outcomeUnknown: false });
    third.failed(new Error('gone'));
    recorder.poll('c', { 'o-0': [[0, 'a']] }, { final: true, rebalance: ['o-0'] });
    recorder.seek('c', { 'o-0': null });
    recorder.assign('c', ['o-0']);
    recorder.subscribe('c', ['o']);
    recorder.crash('c');
    recorder.trim({ 'o-0': 1 });
    recorder.excuse(['o']);
    recorder.note({ fault: 'kill' });
    for (const line of lines) expect(parseLine(JSON.stringify(line), 1)).to.deep.equal(line);
    expect(lines.slice(3, 6).map(({ i, type, error }) => ({ i, type, error }))).to.deep.equal([
      { i: 0, type: 'ok', error: undefined },
      { i: 1, type: 'fail', error: 'MESSAGE_TOO_LARGE' },
      { i: 2, type: 'info', error: 'Error' },
    ]);
    expect(new Set(lines.slice(6).map(({ i }) => i))).to.have.property('size', 8);
    expect(lines.every(({ t }) => t === 42)).to.equal(true);
    expect(checkHistory(lines).anomalies).to.deep.equal([]);
  });
});
