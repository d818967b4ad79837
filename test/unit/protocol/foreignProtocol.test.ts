import { expect } from 'chai';
import {
  apiCatalogue,
  encodeFrame,
  FRAME_KIND_REQUEST,
  helloApi,
  recogniseProtocol,
} from '../../../protocol/index.ts';

describe('recogniseProtocol', () => {
  it('knows our own frames, of every kind', () => {
    const hello = {
      clientSoftwareName: 'a',
      clientSoftwareVersion: '1',
      clientId: null,
      brokerId: -1,
      brokerEpoch: -1,
    };
    const frame = encodeFrame(
      { kind: FRAME_KIND_REQUEST, apiKey: helloApi.key, apiVersion: 0, correlationId: 1 },
      helloApi.request,
      hello,
    )[0]!;
    expect(recogniseProtocol(frame)).to.equal('native');
    expect(apiCatalogue[0]).to.equal(helloApi);
  });

  it("knows a Kafka client's first request", () => {
    // ApiVersions v3: length 26, api key 18, version 3.
    const request = Buffer.from('0000001a00120003', 'hex');
    expect(recogniseProtocol(request)).to.equal('kafka');
  });

  it('knows HTTP by its methods and TLS by its first record', () => {
    for (const line of ['GET / HTTP/1.1', 'POST /x', 'DELETE /', 'OPTIONS *', 'PRI * HTTP/2.0']) {
      expect(recogniseProtocol(Buffer.from(line))).to.equal('http');
    }
    expect(recogniseProtocol(Buffer.from('160301020001', 'hex'))).to.equal('tls');
  });

  it('reads from a position and claims nothing about anything else', () => {
    expect(recogniseProtocol(Buffer.from('xxGET / '), 2)).to.equal('http');
    expect(recogniseProtocol(Buffer.from('ruok\n'))).to.equal('unknown');
    expect(recogniseProtocol(Buffer.from('ffffffff00', 'hex'))).to.equal('unknown');
    expect(recogniseProtocol(Buffer.from('GET'))).to.equal('unknown');
    expect(recogniseProtocol(Buffer.from('0000001aff', 'hex'))).to.equal('unknown');
  });
});
