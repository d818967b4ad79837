import { expect } from 'chai';
import { readLines } from '../../../cli/lines.ts';

async function linesOf(...chunks: readonly string[]): Promise<string[]> {
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
  }
  const lines: string[] = [];
  for await (const found of readLines(input())) {
    for (const line of found) lines.push(line.toString('latin1'));
  }
  return lines;
}

describe('reading lines', () => {
  it('joins a line that comes in pieces, over any number of chunks', async () => {
    expect(await linesOf('ab', 'c', 'd\ne', 'f\n')).to.deep.equal(['abcd', 'ef']);
  });

  it('keeps empty lines, and takes no line feed at the end for one more', async () => {
    expect(await linesOf('\n\na\n')).to.deep.equal(['', '', 'a']);
    expect(await linesOf()).to.deep.equal([]);
  });

  it('hands out a last line without line feed', async () => {
    expect(await linesOf('a\nb')).to.deep.equal(['a', 'b']);
  });

  it('leaves bytes as they are: no decoding, no carriage return removed', async () => {
    expect(await linesOf('\xff\xfe\r\n')).to.deep.equal(['\xff\xfe\r']);
  });
});
