import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { NodeFileSystem } from '../../../../../common/environment/production/index.ts';
import { removeDirectory, temporaryDirectory } from '../../../../harness/temporaryDirectory.ts';

describe('NodeFileSystem', () => {
  const fileSystem = new NodeFileSystem();
  let directory: string;
  const at = (name: string) => path.join(directory, name);

  beforeEach(() => {
    directory = temporaryDirectory('file-system');
  });
  afterEach(() => removeDirectory(directory));

  it('writes all buffers in order from a position on, empty ones and thousands of them too', () => {
    const file = fileSystem.openSync(at('f'), 'createNew');
    const parts = Array.from({ length: 3000 }, (_, index) => Buffer.from(`${index},`));
    file.writevSync([Buffer.from('head')], 0);
    file.writevSync([Buffer.alloc(0), ...parts, Buffer.alloc(0)], 4);
    file.writevSync([], 0);
    expect(fs.readFileSync(at('f'), 'utf8')).to.equal(`head${parts.join('')}`);
    expect(file.sizeSync()).to.equal(fs.statSync(at('f')).size);
    file.closeSync();
  });

  it('reads as much as there is, at once and asynchronously', async () => {
    fs.writeFileSync(at('f'), '0123456789');
    const file = fileSystem.openSync(at('f'), 'read');
    const target = Buffer.alloc(8);
    expect(file.readSync(target, 4)).to.equal(6);
    expect(target.toString('latin1', 0, 6)).to.equal('456789');
    expect(await file.read(target, 2)).to.equal(8);
    expect(target.toString()).to.equal('23456789');
    expect(await file.read(target, 100)).to.equal(0);
    file.closeSync();
  });

  it('opens as the mode says', () => {
    expect(() => fileSystem.openSync(at('f'), 'read'))
      .to.throw()
      .with.property('code', 'ENOENT');
    expect(() => fileSystem.openSync(at('f'), 'readWrite'))
      .to.throw()
      .with.property('code', 'ENOENT');
    const made = fileSystem.openSync(at('f'), 'create');
    made.writevSync([Buffer.from('kept')], 0);
    made.closeSync();
    fileSystem.openSync(at('f'), 'create').closeSync();
    expect(fs.readFileSync(at('f'), 'utf8')).to.equal('kept');
    expect(() => fileSystem.openSync(at('f'), 'createNew'))
      .to.throw()
      .with.property('code', 'EEXIST');
  });

  it('lets a read under way complete when the file is closed, and refuses later ones', async () => {
    fs.writeFileSync(at('f'), Buffer.alloc(1_000_000, 7));
    const file = fileSystem.openSync(at('f'), 'readWrite');
    const target = Buffer.alloc(1_000_000);
    const reading = file.read(target, 0);
    const syncing = file.datasync();
    file.closeSync();
    file.closeSync();
    // Another file would get the descriptor's number if it were closed already.
    fs.writeFileSync(at('other'), Buffer.alloc(1_000_000, 9));
    const other = fileSystem.openSync(at('other'), 'read');
    expect(await reading).to.equal(1_000_000);
    await syncing;
    expect(target.every((byte) => byte === 7)).to.equal(true);
    const refused = await file.read(target, 0).catch((error: unknown) => error);
    expect(refused).to.have.property('code', 'EBADF');
    other.closeSync();
  });

  it('replaces a file as a whole and leaves nothing beside it', async () => {
    fileSystem.replaceFileSync(at('f'), Buffer.from('one'));
    await fileSystem.replaceFile(at('f'), Buffer.from('three'));
    expect(fs.readFileSync(at('f'), 'utf8')).to.equal('three');
    expect(fileSystem.readDirectorySync(directory)).to.deep.equal(['f']);
  });

  it('takes the absence of what is to be removed or looked at as an answer', async () => {
    expect(fileSystem.statSync(at('none'))).to.equal(undefined);
    expect(await fileSystem.stat(at('none'))).to.equal(undefined);
    fileSystem.unlinkSync(at('none'));
    fileSystem.removeTreeSync(at('none'));
    await fileSystem.unlink(at('none'));
    await fileSystem.removeTree(at('none'));
  });

  it('makes, lists, renames, syncs and removes directories', async () => {
    fileSystem.makeDirectorySync(at('a/b/c'));
    fileSystem.makeDirectorySync(at('a/b/c'));
    fs.writeFileSync(at('a/b/z'), '');
    fs.writeFileSync(at('a/b/Z'), '');
    expect(fileSystem.readDirectorySync(at('a/b'))).to.deep.equal(['Z', 'c', 'z']);
    await fileSystem.rename(at('a/b'), at('a/d'));
    fileSystem.syncDirectorySync(at('a'));
    await fileSystem.syncDirectory(at('a'));
    expect(fileSystem.statSync(at('a/d'))?.kind).to.equal('directory');
    await fileSystem.removeTree(at('a'));
    expect(fileSystem.readDirectorySync(directory)).to.deep.equal([]);
  });

  it('cuts and extends with zeros', () => {
    const file = fileSystem.openSync(at('f'), 'create');
    file.writevSync([Buffer.from('abcdef')], 0);
    file.truncateSync(3);
    file.truncateSync(5);
    file.datasyncSync();
    file.closeSync();
    expect(fs.readFileSync(at('f'))).to.deep.equal(Buffer.from('abc\0\0'));
  });
});
