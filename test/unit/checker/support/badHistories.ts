/** At least one history for each kind of anomaly, as small as it can be. */

import type { AnomalyKind, AnomalyPlace } from '../../../checker/index.ts';
import { Story } from './story.ts';

export interface BadHistory {
  readonly kind: AnomalyKind;
  /** Completes "where ...". */
  readonly about: string;
  readonly story: Story;
  /** What the same fault shows besides. */
  readonly also?: readonly AnomalyKind[];
  readonly at: AnomalyPlace;
}

const o = 'o-0';
const q = 'q-0';

const places: readonly BadHistory[] = [
  {
    kind: 'inconsistent-offsets',
    about: 'two readers see two values at one offset',
    story: new Story()
      .sends('p', o, 'a')
      .unknown('a')
      .sends('q', o, 'b')
      .unknown('b')
      .polls('c', { [o]: [[0, 'a']] })
      .polls('d', { [o]: [[0, 'b']] }),
    at: { partition: o, offset: 0, values: ['a', 'b'], lines: [5, 6] },
  },
  {
    kind: 'inconsistent-offsets',
    about: 'the acknowledgement names the offset of another record',
    story: new Story().sent('p', [o, 0, 'a']).sent('q', [o, 0, 'b']),
    at: { partition: o, offset: 0, values: ['a', 'b'] },
  },
  {
    kind: 'inconsistent-offsets',
    about: 'a poll of unknown end returned another value',
    story: new Story()
      .sent('p', [o, 0, 'a'])
      .sends('q', o, 'b')
      .unknown('b')
      .tells((recorder) =>
        recorder.begin('c', 'poll', [['poll']]).end('info', [['poll', { [o]: [[0, 'b']] }]]),
      ),
    also: ['lost-write'],
    at: { partition: o, offset: 0, values: ['a', 'b'] },
  },
  {
    kind: 'duplicate',
    about: 'an idempotent record stands twice',
    story: new Story().sent('p', [o, 0, 'a']).polls('c', {
      [o]: [
        [0, 'a'],
        [1, 'a'],
      ],
    }),
    at: { partition: o, offset: 1, values: ['a'], lines: [1, 2, 3] },
  },
  {
    kind: 'duplicate',
    about: 'a record that was sent once, without idempotence, stands twice',
    story: new Story()
      .tells((recorder) =>
        recorder
          .send('p', { partition: o, value: 'a', idempotent: false })
          .ok({ offset: 0, possiblyDuplicated: false }),
      )
      .polls('c', { [o]: [[1, 'a']] }),
    at: { partition: o, offset: 1, values: ['a'] },
  },
  {
    kind: 'wrong-partition',
    about: 'a record is read from a partition to which it was not sent',
    story: new Story()
      .sends('p', o, 'a')
      .unknown('a')
      .polls('c', { [q]: [[0, 'a']] }),
    at: { partition: q, offset: 0, values: ['a'], lines: [1, 2, 3] },
  },
  {
    kind: 'wrong-partition',
    about: 'a record is acknowledged elsewhere',
    story: new Story().sends('p', o, 'a').acked(q, 'a', 3),
    at: { partition: q, offset: 3, values: ['a'] },
  },
  {
    kind: 'phantom-read',
    about: 'nobody sent what is read',
    story: new Story().polls('c', { [o]: [[0, 'a']] }),
    at: { partition: o, offset: 0, values: ['a'], lines: [1] },
  },
];

const losses: readonly BadHistory[] = [
  {
    kind: 'lost-write',
    about: 'readers got further and none saw it',
    story: new Story()
      .sent('p', [o, 0, 'a'])
      .sent('p', [o, 1, 'b'])
      .polls('c', { [o]: [[1, 'b']] }),
    at: { partition: o, offset: 0, values: ['a'], lines: [1, 2] },
  },
  {
    kind: 'lost-write',
    about: 'a reader saw it and the final read does not',
    story: new Story()
      .sends('p', o, 'a')
      .unknown('a')
      .sent('p', [o, 1, 'b'])
      .polls('c', { [o]: [[0, 'a']] })
      .finally({ [o]: [[1, 'b']] }),
    at: { partition: o, offset: 0, values: ['a'] },
  },
  {
    kind: 'unseen',
    about: 'the final read ends before it',
    story: new Story()
      .sent('p', [o, 0, 'a'])
      .sent('p', [o, 1, 'b'])
      .finally({ [o]: [[0, 'a']] }),
    at: { partition: o, offset: 1, values: ['b'], lines: [3, 4] },
  },
  {
    kind: 'unseen',
    about: 'the final read of its partition is empty',
    story: new Story().sent('p', [o, 0, 'a']).finally({ [o]: [] }),
    at: { partition: o, offset: 0, values: ['a'] },
  },
  {
    kind: 'unseen',
    about: 'it was acknowledged without an offset',
    story: new Story()
      .sends('p', o, 'a')
      .acked(o, 'a', null)
      .sent('p', [o, 1, 'b'])
      .finally({ [o]: [[1, 'b']] }),
    at: { partition: o, values: ['a'] },
  },
  {
    kind: 'unseen',
    about: 'half of a transaction of unknown end is visible',
    story: new Story()
      .begins('t', 'T', [
        ['send', o, 'a'],
        ['send', q, 'b'],
      ])
      .finally({ [o]: [[0, 'a']], [q]: [] }),
    at: { partition: q, values: ['b'] },
  },
];

const reads: readonly BadHistory[] = [
  {
    kind: 'G1a',
    about: 'a refused record is read',
    story: new Story()
      .sends('p', o, 'a')
      .failed('a', 'MESSAGE_TOO_LARGE')
      .polls('c', { [o]: [[0, 'a']] }),
    at: { partition: o, offset: 0, values: ['a'], lines: [1, 2, 3] },
  },
  {
    kind: 'aborted-read',
    about: 'a record of an aborted transaction is read',
    story: new Story()
      .begins('t', 'T', [['send', o, 'a']])
      .ends('T', 'fail', [['send', o, 'a']])
      .polls('c', { [o]: [[0, 'a']] }),
    at: { partition: o, offset: 0, values: ['a'], lines: [1, 2, 3] },
  },
  {
    kind: 'aborted-read',
    about: 'the final read, rightly, does not show it',
    story: new Story()
      .begins('t', 'T', [['send', o, 'a']])
      .ends('T', 'fail', [])
      .polls('c', { [o]: [[0, 'a']] })
      .finally({ [o]: [] }),
    at: { partition: o, offset: 0, values: ['a'] },
  },
  {
    kind: 'precommitted-read',
    about: 'a transaction polls what it sends',
    story: new Story().begins('t', 'T', [['send', o, 'a'], ['poll']]).ends('T', 'ok', [
      ['send', o, 'a', 0],
      ['poll', { [o]: [[0, 'a']] }],
    ]),
    at: { partition: o, offset: 0, values: ['a'], lines: [1, 2] },
  },
];

const abc = (): Story =>
  new Story().sent('p', [o, 0, 'a']).sent('p', [o, 1, 'b']).sent('p', [o, 2, 'c']);
const all = {
  [o]: [
    [0, 'a'],
    [1, 'b'],
    [2, 'c'],
  ],
} as const;

const polls: readonly BadHistory[] = [
  {
    kind: 'int-poll-skip',
    about: 'one poll leaves a record out',
    story: abc()
      .polls('c', {
        [o]: [
          [0, 'a'],
          [2, 'c'],
        ],
      })
      .finally(all),
    at: { partition: o, offset: 1, values: ['b'], lines: [7] },
  },
  {
    kind: 'int-nonmonotonic-poll',
    about: 'one poll returns a record twice',
    story: abc()
      .polls('c', {
        [o]: [
          [0, 'a'],
          [0, 'a'],
        ],
      })
      .finally(all),
    at: { partition: o, offset: 0, values: ['a'], lines: [7] },
  },
  {
    kind: 'int-nonmonotonic-poll',
    about: 'one operation polls twice and goes back, in a topic that may lose records too',
    story: abc()
      .tells((recorder) => {
        recorder.excuse(['o']);
        recorder.begin('c', 'poll', [['poll'], ['poll']]).end('ok', [
          ['poll', { [o]: [[1, 'b']] }],
          ['poll', { [o]: [[0, 'a']] }],
        ]);
      })
      .finally(all),
    at: { partition: o, offset: 0, values: ['a'] },
  },
  {
    kind: 'poll-skip',
    about: 'the next poll begins too late',
    story: abc()
      .polls('c', { [o]: [[0, 'a']] })
      .polls('c', { [o]: [[2, 'c']] })
      .finally(all),
    at: { partition: o, offset: 1, values: ['b'], lines: [8] },
  },
  {
    kind: 'poll-skip',
    about: 'the first poll after a seek begins too late',
    story: abc()
      .tells((recorder) => recorder.seek('c', { [o]: 0 }))
      .polls('c', { [o]: [[1, 'b']] })
      .finally(all),
    at: { partition: o, offset: 0, values: ['a'] },
  },
  {
    kind: 'poll-skip',
    about: 'an assignment keeps the position of a partition that stays',
    story: abc()
      .polls('c', { [o]: [[0, 'a']] })
      .tells((recorder) => recorder.assign('c', [q, o]))
      .polls('c', { [o]: [[2, 'c']] })
      .finally(all),
    at: { partition: o, offset: 1, values: ['b'] },
  },
  {
    kind: 'nonmonotonic-poll',
    about: 'the next poll goes back',
    story: abc()
      .polls('c', { [o]: [[0, 'a']] })
      .polls('c', { [o]: [[0, 'a']] })
      .finally(all),
    at: { partition: o, offset: 0, values: ['a'], lines: [8] },
  },
];

const sends: readonly BadHistory[] = [
  {
    kind: 'int-nonmonotonic-send',
    about: 'one operation sends two records that change places',
    story: new Story()
      .tells((recorder) =>
        recorder
          .begin('p', 'send', [
            ['send', o, 'a'],
            ['send', o, 'b'],
          ])
          .end('ok', [
            ['send', o, 'a', 1],
            ['send', o, 'b', 0],
          ]),
      )
      .finally({
        [o]: [
          [0, 'b'],
          [1, 'a'],
        ],
      }),
    at: { partition: o, offset: 0, values: ['a', 'b'], lines: [1, 2] },
  },
  {
    kind: 'nonmonotonic-send',
    about: 'two requests in flight overtake each other',
    story: new Story().sends('p', o, 'a').sends('p', o, 'b').acked(o, 'a', 1).acked(o, 'b', 0),
    at: { partition: o, offset: 0, values: ['a', 'b'], lines: [1, 3, 2, 4] },
  },
  {
    kind: 'nonmonotonic-send',
    about: 'a client without idempotence has one request in flight, and the next overtakes',
    story: new Story()
      .sends('p', o, 'a', { idempotent: false })
      .sends('p', o, 'b', { idempotent: false })
      .acked(o, 'a', 1)
      .acked(o, 'b', 0),
    at: { partition: o, offset: 0, values: ['a', 'b'] },
  },
  {
    kind: 'nonmonotonic-send',
    about: 'an idempotent record of unknown outcome stands behind the next one',
    story: new Story()
      .sends('p', o, 'a')
      .unknown('a')
      .sent('p', [o, 0, 'b'])
      .finally({
        [o]: [
          [0, 'b'],
          [1, 'a'],
        ],
      }),
    at: { partition: o, offset: 0, values: ['a', 'b'] },
  },
];

const unordered = { idempotent: false, ordered: false } as const;

const cycles: readonly BadHistory[] = [
  {
    kind: 'G0-process',
    about: 'a process sends, then sends again, and the second stands first',
    story: new Story().sent('p', [o, 1, 'a'], unordered).sent('p', [o, 0, 'b'], unordered),
    at: { lines: [3, 2], steps: ['ww', 'process'] },
  },
  {
    kind: 'G0-process',
    about: 'two processes write to two partitions, each in its order, and none can be first',
    story: new Story()
      .sends('p', o, 'a1')
      .sends('r', q, 'b2')
      .acked(o, 'a1', 1)
      .acked(q, 'b2', 1)
      .sends('p', q, 'b1')
      .sends('r', o, 'a2')
      .acked(q, 'b1', 0)
      .acked(o, 'a2', 0),
    at: { steps: ['ww', 'process', 'ww', 'process'] },
  },
  {
    kind: 'G0-realtime',
    about: 'a record stands before one that was acknowledged when it was sent',
    story: new Story().sent('p', [o, 1, 'a']).sent('r', [o, 0, 'b']),
    at: { lines: [3, 2], steps: ['ww', 'realtime'] },
  },
  {
    kind: 'G1c',
    about: 'two transactions read from each other',
    story: new Story()
      .begins('t', 'T', [['send', o, 'a'], ['poll']])
      .begins('u', 'U', [['send', q, 'b'], ['poll']])
      .ends('T', 'ok', [
        ['send', o, 'a', 0],
        ['poll', { [q]: [[0, 'b']] }],
      ])
      .ends('U', 'ok', [
        ['send', q, 'b', 0],
        ['poll', { [o]: [[0, 'a']] }],
      ]),
    at: { lines: [2, 1], steps: ['wr', 'wr'] },
  },
  {
    kind: 'G1c-process',
    about: 'a process reads what it sends only afterwards',
    story: new Story().polls('p', { [o]: [[0, 'a']] }).sent('p', [o, 0, 'a']),
    at: { lines: [2, 1], steps: ['wr', 'process'] },
  },
  {
    kind: 'G1c-realtime',
    about: 'a process reads what another sends only afterwards',
    story: new Story().polls('c', { [o]: [[0, 'a']] }).sent('p', [o, 0, 'a']),
    at: { lines: [2, 1], steps: ['wr', 'realtime'] },
  },
  {
    kind: 'G1c-realtime',
    about: 'a record is read early that stands behind one that is sent later',
    story: new Story()
      .sends('r', o, 'b')
      .polls('c', { [o]: [[1, 'b']] })
      .sent('p', [o, 0, 'a'])
      .acked(o, 'b', 1)
      .finally({
        [o]: [
          [0, 'a'],
          [1, 'b'],
        ],
      }),
    at: { lines: [1, 2, 3], steps: ['wr', 'realtime', 'ww'] },
  },
  {
    kind: 'G1c-realtime',
    about: 'of several cycles the shortest is shown',
    story: new Story()
      .sends('r', o, 'b')
      .polls('c', { [o]: [[1, 'b']] })
      .polls('d', { [o]: [[0, 'a']] })
      .sent('p', [o, 0, 'a'])
      .acked(o, 'b', 1),
    at: { lines: [4, 3], steps: ['wr', 'realtime'] },
  },
];

export const badHistories: readonly BadHistory[] = [
  ...places,
  ...losses,
  ...reads,
  ...polls,
  ...sends,
  ...cycles,
];
