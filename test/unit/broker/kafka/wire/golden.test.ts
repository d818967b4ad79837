/**
 * Bytes of others: frames between real clients and Kafka 3.9.2, and what Kafka's own serializer
 * makes of fixed messages in every version. The files are never edited.
 */

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type KafkaApi,
  type KafkaResponse,
  kafkaApis,
  readRequestHeader,
} from '../../../../../broker/kafka/wire/index.ts';
import { type SampleForm, sampleMessage } from '../../../../harness/kafka/wireSample.ts';

const directory = fileURLToPath(new URL('../../../../golden/kafka/', import.meta.url));
const LENGTH_BYTES = 4;
const SERIALIZER_HEADER = { correlationId: 77, clientId: 'golden' };

interface GoldenFrame {
  readonly name: string;
  readonly api: KafkaApi;
  readonly version: number;
  readonly kind: string;
  readonly form: SampleForm;
  readonly frame: Buffer;
}

function framesOf(file: string): readonly GoldenFrame[] {
  const lines = fs.readFileSync(path.join(directory, file), 'utf8').trim().split('\n');
  return lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const words = line.split(' ');
      const [apiName, version, kind, form] = words;
      const api = [...kafkaApis.values()].find(({ name }) => name === apiName);
      if (api === undefined) throw new Error(`No API "${apiName}" for ${file}`);
      return {
        name: words.slice(0, -1).join(' '),
        api,
        version: Number(version),
        kind: kind!,
        form: form as SampleForm,
        frame: Buffer.from(words.at(-1)!, 'base64'),
      };
    });
}

function decodedAndEncoded({ api, version, kind, frame }: GoldenFrame): Buffer {
  if (kind === 'response') {
    const read = decodeResponse(api, version, frame, LENGTH_BYTES, frame.length);
    const value = read.value as KafkaResponse<KafkaApi>;
    return Buffer.concat(encodeResponse(api, version, read.correlationId, value));
  }
  const header = readRequestHeader(frame, LENGTH_BYTES, frame.length - LENGTH_BYTES);
  expect(header).to.include({ apiKey: api.key, apiVersion: version });
  const value = decodeRequest(api, version, frame, header.bodyPosition, frame.length);
  return Buffer.concat(encodeRequest(api, version, header, value));
}

function encodedSample({ api, version, kind, form }: GoldenFrame): Buffer {
  if (kind === 'response') {
    const value = sampleMessage(api.response, version, form);
    return Buffer.concat(
      encodeResponse(
        api,
        version,
        SERIALIZER_HEADER.correlationId,
        value as KafkaResponse<KafkaApi>,
      ),
    );
  }
  const value = sampleMessage(api.request, version, form);
  return Buffer.concat(encodeRequest(api, version, SERIALIZER_HEADER, value));
}

describe('golden bytes of the Kafka protocol', () => {
  for (const file of fs.readdirSync(directory).filter((name) => name.endsWith('.txt'))) {
    it(`of ${file} are decoded, and encoded to the same`, () => {
      for (const golden of framesOf(file)) {
        const bytes = decodedAndEncoded(golden);
        expect(bytes.toString('hex'), golden.name).to.equal(golden.frame.toString('hex'));
      }
    });
  }

  const serialized = ['serializer-3.9.2.txt', 'serializer-4.1.0.txt'].flatMap(framesOf);

  it('are what fixed messages are encoded to', () => {
    for (const golden of serialized) {
      const bytes = encodedSample(golden);
      expect(bytes.toString('hex'), golden.name).to.equal(golden.frame.toString('hex'));
    }
  });

  it('are there for every version that is accepted', () => {
    const known = new Set(serialized.map(({ name }) => name));
    const missing: string[] = [];
    for (const { name, accepted } of kafkaApis.values()) {
      for (let version = accepted.min; version <= accepted.max; version += 1) {
        for (const kind of ['request', 'response']) {
          const forms = ['full', 'bare'].map((form) => `${name} ${version} ${kind} ${form}`);
          missing.push(...forms.filter((form) => !known.has(form)));
        }
      }
    }
    expect(missing).to.deep.equal([]);
  });
});
