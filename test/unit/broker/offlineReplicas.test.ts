import { expect } from 'chai';
import type { ControllerChannel } from '../../../broker/api/index.ts';
import type { ClusterImage } from '../../../broker/metadata/index.ts';
import { OfflineReplicas } from '../../../broker/offlineReplicas.ts';
import { silentLogger } from '../../../common/index.ts';
import { ProtocolError } from '../../../protocol/index.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { ManualTime } from './api/fixture.ts';

/** A controller that takes what it is told, or does not. */
class Controller {
  readonly told: { readonly epoch: number; readonly partitions: readonly number[] }[] = [];
  answer: 'takes' | 'refuses' | 'away' = 'takes';
  asked = 0;

  logDirFailure(request: {
    readonly brokerEpoch: number;
    readonly topics: readonly { readonly partitions: readonly number[] }[];
  }): Promise<{ readonly errorCode: number }> {
    this.asked += 1;
    if (this.answer === 'away') return Promise.reject(new ProtocolError('NOT_CONTROLLER'));
    if (this.answer === 'refuses') return Promise.resolve({ errorCode: 77 });
    const partitions = request.topics.flatMap((topic) => topic.partitions);
    this.told.push({ epoch: request.brokerEpoch, partitions });
    return Promise.resolve({ errorCode: 0 });
  }
}

describe('Replicas of a failed log directory', () => {
  let controller: Controller;
  let time: ManualTime;
  let epoch: number;
  let mayHaveSome: boolean;
  let replicas: OfflineReplicas;

  beforeEach(() => {
    controller = new Controller();
    time = new ManualTime();
    epoch = 5;
    mayHaveSome = false;
    const image = { usableTopic: (name: string) => ({ topicId: `id-${name}` }) };
    const parts = {
      channel: controller as unknown as ControllerChannel,
      image: image as unknown as ClusterImage,
      brokerId: 1,
      brokerEpoch: () => epoch,
      mayHaveSome: () => mayHaveSome,
    };
    replicas = new OfflineReplicas(time.timers, parts, silentLogger);
    replicas.begin();
  });

  it('are told to the controller, again to the next and in each registration', async () => {
    replicas.tellAgain();
    expect(controller.asked).to.equal(0);
    replicas.add([
      { topic: 't', partition: 0 },
      { topic: 't', partition: 3 },
    ]);
    await waitFor(() => controller.told.length === 1, { what: 'it is told' });
    epoch = 6;
    replicas.tellAgain();
    await waitFor(() => controller.told.length === 2, { what: 'it is told again' });
    expect(controller.told).to.deep.equal([
      { epoch: 5, partitions: [0, 3] },
      { epoch: 6, partitions: [0, 3] },
    ]);
  });

  it('are told all together, when the first snapshot is taken over, and even if they are none', async () => {
    mayHaveSome = true;
    replicas.tellAgain();
    await waitFor(() => controller.told.length === 1, { what: 'it is told' });
    expect(controller.told).to.deep.equal([{ epoch: 5, partitions: [] }]);
    const image = { usableTopic: (name: string) => ({ topicId: `id-${name}` }) };
    const parts = {
      channel: controller as unknown as ControllerChannel,
      image: image as unknown as ClusterImage,
      brokerId: 1,
      brokerEpoch: () => epoch,
      mayHaveSome: () => true,
    };
    const held = new OfflineReplicas(time.timers, parts, silentLogger);
    held.add([{ topic: 't', partition: 0 }]);
    held.tellAgain();
    held.add([{ topic: 't', partition: 1 }]);
    expect(controller.asked).to.equal(1);
    held.begin();
    await waitFor(() => controller.told.length === 2, { what: 'all are told' });
    expect(controller.told[1]).to.deep.equal({ epoch: 5, partitions: [0, 1] });
  });

  it('are told once, however often they are found to be offline', async () => {
    replicas.add([{ topic: 't', partition: 0 }]);
    await waitFor(() => controller.told.length === 1, { what: 'it is told' });
    replicas.add([{ topic: 't', partition: 0 }]);
    expect(controller.asked).to.equal(1);
    replicas.add([
      { topic: 't', partition: 0 },
      { topic: 't', partition: 1 },
    ]);
    await waitFor(() => controller.told.length === 2, { what: 'the new one is told' });
    expect(controller.told[1]?.partitions).to.deep.equal([0, 1]);
  });

  for (const answer of ['refuses', 'away'] as const) {
    it(`are told until somebody takes it, where the controller ${answer} first`, async () => {
      controller.answer = answer;
      replicas.add([{ topic: 't', partition: 0 }]);
      await waitFor(() => controller.asked === 1, { what: 'the first try' });
      controller.answer = 'takes';
      await waitFor(
        () => {
          time.advance(500);
          return controller.told.length === 1;
        },
        { what: 'the second try' },
      );
      replicas.close();
      replicas.tellAgain();
      expect(controller.asked).to.equal(2);
    });
  }
});
