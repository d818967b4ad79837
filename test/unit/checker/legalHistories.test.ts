import { expect } from 'chai';
import { unknownOutcomeNames } from '../../checker/index.ts';
import { Story } from './support/story.ts';

const o = 'o-0';
const q = 'q-0';
const retrying = { idempotent: false } as const;

describe('a history is not accused', () => {
  const legal: readonly (readonly [about: string, story: Story])[] = [
    ['of anything when it is empty', new Story()],
    [
      'of losing what was never acknowledged',
      new Story()
        .sends('p', o, 'a')
        .sent('r', [o, 0, 'b'])
        .finally({ [o]: [[0, 'b']] }),
    ],
    [
      'of reading what a client gave up',
      new Story()
        .sends('p', o, 'a')
        .unknown('a', 'DELIVERY_TIMED_OUT')
        .finally({ [o]: [[0, 'a']] }),
    ],
    [
      'of reading what a crashed client had under way',
      new Story()
        .sends('p', o, 'a')
        .tells((recorder) => recorder.crash('p'))
        .sent('p', [o, 0, 'b'])
        .finally({
          [o]: [
            [0, 'b'],
            [1, 'a'],
          ],
        }),
    ],
    [
      'of losing what the leader alone had acknowledged',
      new Story()
        .sent('p', [o, 0, 'a'], { acks: 1 })
        .sent('r', [o, 0, 'b'])
        .finally({ [o]: [[0, 'b']] }),
    ],
    [
      'of appending late what was sent without waiting',
      new Story()
        .sends('p', o, 'a', { acks: 0 })
        .acked(o, 'a', null)
        .sent('p', [o, 0, 'b'])
        .finally({
          [o]: [
            [0, 'b'],
            [1, 'a'],
          ],
        }),
    ],
    [
      'of a record that a retry put behind its successor, its first place being right',
      new Story()
        .sent('p', [o, 0, 'a'], retrying)
        .sent('p', [o, 1, 'b'], retrying)
        .finally({
          [o]: [
            [0, 'a'],
            [1, 'b'],
            [2, 'a'],
          ],
        }),
    ],
    [
      'of a late first attempt behind the acknowledged second one',
      new Story()
        .sent('p', [o, 0, 'a'], retrying)
        .sent('r', [o, 2, 'b'])
        .finally({
          [o]: [
            [0, 'a'],
            [1, 'a'],
            [2, 'b'],
          ],
        }),
    ],
    [
      'of disorder among requests in flight that were promised none',
      new Story()
        .sends('p', o, 'a', { idempotent: false, ordered: false })
        .sends('p', o, 'b', { idempotent: false, ordered: false })
        .acked(o, 'a', 1)
        .acked(o, 'b', 0),
    ],
    [
      'of an unknown record behind its successor, where the client was not idempotent',
      new Story()
        .sends('p', o, 'a', retrying)
        .unknown('a')
        .sent('p', [o, 0, 'b'], retrying)
        .finally({
          [o]: [
            [0, 'b'],
            [1, 'a'],
          ],
        }),
    ],
    [
      'of overlapping sends that stand in the other order',
      new Story().sends('p', o, 'a').sends('r', o, 'b').acked(o, 'a', 1).acked(o, 'b', 0),
    ],
    [
      'of reading a record before its acknowledgement',
      new Story()
        .sends('p', o, 'a')
        .polls('c', { [o]: [[0, 'a']] })
        .acked(o, 'a', 0),
    ],
    [
      'of gaps in the offsets, where markers stand',
      new Story()
        .sent('p', [o, 0, 'a'])
        .sent('p', [o, 7, 'b'])
        .polls('c', {
          [o]: [
            [0, 'a'],
            [7, 'b'],
          ],
        }),
    ],
    [
      'of what a reader has not reached',
      new Story()
        .sent('p', [o, 0, 'a'])
        .sent('p', [o, 1, 'b'])
        .polls('c', { [o]: [[0, 'a']] }),
    ],
    [
      'of going back after a seek',
      new Story()
        .sent('p', [o, 0, 'a'])
        .polls('c', { [o]: [[0, 'a']] })
        .tells((recorder) => recorder.seek('c', { [o]: 0 }))
        .polls('c', { [o]: [[0, 'a']] }),
    ],
    [
      'of going back after a partition was given away and taken again',
      new Story()
        .sent('p', [o, 0, 'a'])
        .polls('c', { [o]: [[0, 'a']] })
        .tells((recorder) => recorder.assign('c', [q]))
        .tells((recorder) => recorder.assign('c', [o]))
        .polls('c', { [o]: [[0, 'a']] }),
    ],
    [
      'of going back after a crash',
      new Story()
        .sent('p', [o, 0, 'a'])
        .polls('c', { [o]: [[0, 'a']] })
        .tells((recorder) => recorder.crash('c'))
        .polls('c', { [o]: [[0, 'a']] }),
    ],
    [
      'of going back in a poll during which the partition moved',
      new Story()
        .sent('p', [o, 0, 'a'])
        .polls('c', { [o]: [[0, 'a']] })
        .polls(
          'c',
          {
            [o]: [
              [0, 'a'],
              [0, 'a'],
            ],
          },
          { rebalance: [o] },
        ),
    ],
    [
      'of beginning behind what retention took',
      new Story()
        .sent('p', [o, 0, 'a'])
        .sent('p', [o, 1, 'b'])
        .tells((recorder) => recorder.trim({ [o]: 1 }))
        .tells((recorder) => recorder.seek('c', { [o]: 0 }))
        .polls('c', { [o]: [[1, 'b']] })
        .finally({ [o]: [[1, 'b']] }),
    ],
    [
      'of changing what may be lost',
      new Story()
        .sent('p', [o, 0, 'a'])
        .polls('c', { [o]: [[0, 'a']] })
        .tells((recorder) => recorder.excuse(['o']))
        .sent('r', [o, 0, 'b'])
        .polls('c', { [o]: [[0, 'b']] })
        .finally({ [o]: [[0, 'b']] }),
    ],
    [
      'of hiding an aborted transaction that somebody reads uncommitted',
      new Story()
        .begins('t', 'T', [['send', o, 'x']])
        .ends('T', 'fail', [['send', o, 'x']])
        .sent('p', [o, 2, 'a'])
        .polls('u', { [o]: [[0, 'x']] }, { isolation: 'read_uncommitted' })
        .tells((recorder) => recorder.seek('final', { [o]: 0 }))
        .finally({ [o]: [[2, 'a']] }),
    ],
    [
      'of transactions that write in turn, which nobody isolates',
      new Story()
        .begins('t', 'T', [
          ['send', o, 't1'],
          ['send', q, 't2'],
        ])
        .begins('u', 'U', [
          ['send', o, 'u1'],
          ['send', q, 'u2'],
        ])
        .ends('T', 'ok', [
          ['send', o, 't1', 0],
          ['send', q, 't2', 1],
        ])
        .ends('U', 'ok', [
          ['send', o, 'u1', 1],
          ['send', q, 'u2', 0],
        ]),
    ],
    [
      'of a transaction that reads one which wrote around it',
      new Story()
        .begins('t', 'T', [
          ['send', o, 't1'],
          ['send', q, 't2'],
        ])
        .begins('u', 'U', [['send', q, 'u1'], ['poll']])
        .ends('T', 'ok', [
          ['send', o, 't1', 0],
          ['send', q, 't2', 1],
        ])
        .ends('U', 'ok', [
          ['send', q, 'u1', 0],
          ['poll', { [o]: [[0, 't1']] }],
        ]),
    ],
    [
      'of any order of what may be lost',
      new Story()
        .tells((recorder) => recorder.excuse([o]))
        .sent('p', [o, 1, 'a'])
        .sent('p', [o, 0, 'b']),
    ],
    [
      'of a record whose second place is known before its first',
      new Story()
        .sends('p', o, 'a', retrying)
        .acked(o, 'a', null)
        .sent('p', [o, 1, 'b'], retrying)
        .tells((recorder) => recorder.seek('d', { [o]: 2 }))
        .polls('d', { [o]: [[2, 'a']] })
        .finally({
          [o]: [
            [0, 'a'],
            [1, 'b'],
            [2, 'a'],
          ],
        }),
    ],
    [
      'of going back after a poll of unknown end',
      new Story()
        .sent('p', [o, 0, 'a'])
        .polls('c', { [o]: [[0, 'a']] })
        .tells((recorder) => recorder.begin('c', 'poll', [['poll']]).end('info', []))
        .polls('c', { [o]: [[0, 'a']] }),
    ],
    [
      'of going back after a poll during which the partition moved',
      new Story()
        .sent('p', [o, 0, 'a'])
        .polls('c', { [o]: [[0, 'a']] })
        .polls('c', {}, { rebalance: [o] })
        .polls('c', { [o]: [[0, 'a']] }),
    ],
    [
      'of disorder of what was sent without waiting',
      new Story()
        .sends('p', o, 'a', { acks: 0 })
        .sends('p', o, 'b', { acks: 0 })
        .finally({
          [o]: [
            [0, 'b'],
            [1, 'a'],
          ],
        }),
    ],
    [
      'of hiding a record from a final read that did not end well',
      new Story()
        .sent('p', [o, 0, 'a'])
        .tells((recorder) =>
          recorder
            .begin('c', 'poll', [['poll']])
            .end('info', [['poll', { [o]: [] }]], { final: true }),
        ),
    ],
    [
      'of losing half of a transaction of which nothing is known',
      new Story()
        .begins('t', 'T', [
          ['send', o, 'a'],
          ['send', q, 'b'],
        ])
        .ends('T', 'info', [])
        .finally({ [o]: [], [q]: [] }),
    ],
  ];
  for (const [about, story] of legal) {
    it(about, () => expect(story.report().anomalies).to.deep.equal([]));
  }

  it('of reading what failed with an error that leaves the outcome open', () => {
    expect([...unknownOutcomeNames]).to.include.members([
      'NOT_LEADER_OR_FOLLOWER',
      'REQUEST_TIMED_OUT',
      'NETWORK_EXCEPTION',
      'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
      '_MSG_TIMED_OUT',
    ]);
    for (const error of unknownOutcomeNames) {
      const story = new Story()
        .sends('p', o, 'a')
        .failed('a', error)
        .finally({ [o]: [[0, 'a']] });
      expect(story.kinds(), error).to.deep.equal([]);
      expect(story.report().statistics).to.include({ unknown: 1, failed: 0 });
    }
  });

  it('of the order of lines, where that is not the order of time', () => {
    const story = new Story().sent('p', [o, 1, 'a']).sent('r', [o, 0, 'b']);
    expect(story.kinds({ realtime: false })).to.deep.equal([]);
  });
});

describe('what is allowed is counted', () => {
  it('records that stand twice by a retry without idempotence', () => {
    const story = new Story().sent('p', [o, 0, 'a'], retrying).polls('c', {
      [o]: [
        [0, 'a'],
        [1, 'a'],
        [2, 'a'],
      ],
    });
    const { anomalies, statistics } = story.report();
    expect(anomalies).to.deep.equal([]);
    expect(statistics.retryDuplicates).to.equal(2);
  });

  it('polls of group members that go back or skip between operations, not within', () => {
    const story = new Story()
      .sent('p', [o, 0, 'a'])
      .sent('p', [o, 1, 'b'])
      .sent('p', [o, 2, 'c'])
      .tells((recorder) => recorder.subscribe('c', ['o']))
      .polls('c', { [o]: [[0, 'a']] })
      .polls('c', { [o]: [[2, 'c']] })
      .polls('c', { [o]: [[1, 'b']] });
    expect(story.kinds()).to.deep.equal([]);
    expect(story.report().statistics.allowedUnderSubscribe).to.equal(2);
    story.polls('c', {
      [o]: [
        [0, 'a'],
        [0, 'a'],
      ],
    });
    expect(story.kinds()).to.deep.equal(['int-nonmonotonic-poll']);
  });

  it('all of a kind, of which a thousand are listed', () => {
    const story = new Story();
    for (let n = 0; n < 1500; n += 1) story.polls('c', { [o]: [[n, `nobody-${n}`]] });
    const { anomalies, counts } = story.report();
    expect(counts.get('phantom-read')).to.equal(1500);
    expect(anomalies).to.have.length(1000);
  });
});
