import { expect } from 'chai';
import {
  systemClock,
  systemRandom,
  systemTimers,
} from '../../../common/environment/production/index.ts';
import { brokerEpoch, brokerId, silentLogger } from '../../../common/index.ts';
import {
  type Membership,
  type MetadataChannel,
  networkPusher,
  type UpdateMetadataRequest,
} from '../../../coordinator/index.ts';
import { NetworkServer, nodeTransport, type ServerRequest } from '../../../network/index.ts';
import { ProtocolError, updateMetadataApi } from '../../../protocol/index.ts';

const update: UpdateMetadataRequest = {
  controllerId: 1,
  controllerEpoch: 3,
  brokerEpoch: 77,
  baseVersion: -1,
  version: 1,
  brokers: [{ id: 2, epoch: 77, host: '127.0.0.1', port: 1, rack: null, kafkaEndpoints: [] }],
  topics: [],
  removedTopics: [],
};

describe('networkPusher', () => {
  const environment = {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    transport: nodeTransport,
  };
  let server: NetworkServer;
  let requests: ServerRequest[];
  let channel: MetadataChannel;

  const listen = async (port = 0): Promise<number> => {
    server = new NetworkServer(
      environment,
      {
        listen: { host: '127.0.0.1', port },
        logger: silentLogger,
        brokerId: 2,
        clusterId: () => 'cluster',
        softwareVersion: 'test',
        apis: [updateMetadataApi],
      },
      {
        onRequest: (request) => {
          requests.push(request);
          request.respond({ errorCode: 0, version: 1, failedTopics: ['x'] });
        },
        onReceiveTurnEnd: () => undefined,
      },
    );
    return (await server.listen()).port;
  };

  const open = (port: number): MetadataChannel =>
    networkPusher(environment, {
      brokerId: brokerId(1),
      membership: { brokerEpoch: brokerEpoch(55) } as Membership,
      softwareVersion: '9.9',
    }).open({ id: brokerId(2), epoch: brokerEpoch(77), host: '127.0.0.1', port });

  beforeEach(() => {
    requests = [];
  });

  afterEach(async () => {
    channel.close();
    await server.close();
  });

  it('introduces itself as a broker and brings the update and its answer across', async () => {
    channel = open(await listen());
    const response = await channel.push(update);
    expect(response).to.deep.equal({ errorCode: 0, version: 1, failedTopics: ['x'] });
    expect(requests[0]?.body).to.deep.equal(update);
    expect(requests[0]?.connection).to.include({ brokerId: 1, brokerEpoch: 55 });
    await channel.push({ ...update, baseVersion: 1, version: 2 });
    expect(requests[1]?.connection.id).to.equal(requests[0]?.connection.id);
  });

  it('rejects while the broker is down, and connects again when it is back', async () => {
    const port = await listen();
    channel = open(port);
    await channel.push(update);
    await server.close();
    const error = await channel.push(update).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(ProtocolError);
    await listen(port);
    expect((await channel.push(update)).errorCode).to.equal(0);
  });

  it('sends nothing once closed', async () => {
    channel = open(await listen());
    channel.close();
    const error = await channel.push(update).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(ProtocolError);
    expect(requests).to.have.lengthOf(0);
  });
});
