import { expect } from 'chai';
import type { ControllerChannel } from '../../../broker/api/index.ts';
import { giveAwayLeadership } from '../../../broker/controlledShutdown.ts';
import { silentLogger } from '../../../common/index.ts';
import { ProtocolError } from '../../../protocol/index.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { ManualTime } from './api/fixture.ts';

type Answer = 'silence' | 'refused' | number;

/** Answers one after the other; the last one stays. */
function stopWith(answers: readonly Answer[]): {
  readonly time: ManualTime;
  readonly state: { asked: number; done: boolean };
} {
  const time = new ManualTime();
  const state = { asked: 0, done: false };
  const channel = {
    controlledShutdown: () => {
      const answer = answers[Math.min(state.asked, answers.length - 1)];
      state.asked += 1;
      if (answer === 'silence') return new Promise(() => undefined);
      if (answer === 'refused') return Promise.reject(new ProtocolError('NOT_CONTROLLER'));
      return Promise.resolve({ errorCode: 0, remaining: answer });
    },
  } as unknown as ControllerChannel;
  const identity = { brokerId: 1, brokerEpoch: 7 };
  void giveAwayLeadership(time, channel, identity, silentLogger).then(() => {
    state.done = true;
  });
  return { time, state };
}

describe('A broker that stops', () => {
  it('goes on as soon as it leads nothing that another could', async () => {
    const { state } = stopWith([0]);
    await waitFor(() => state.done, { what: 'it goes on' });
    expect(state.asked).to.equal(1);
  });

  it('asks again while some remain, and while nobody is the controller', async () => {
    const { time, state } = stopWith(['refused', 3, 1, 0]);
    await waitFor(
      () => {
        time.advance(100);
        return state.done;
      },
      { what: 'it goes on' },
    );
    expect(state.asked).to.equal(4);
  });

  for (const answer of ['silence', 'refused', 2] as const) {
    it(`waits no longer than two seconds, whatever comes (${answer})`, async () => {
      const { time, state } = stopWith([answer]);
      await waitFor(
        () => {
          time.advance(100);
          return state.done;
        },
        { what: 'it goes on' },
      );
      expect(state.asked).to.be.within(1, 21);
    });
  }
});
