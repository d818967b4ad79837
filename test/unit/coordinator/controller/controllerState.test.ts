/**
 * The controller's state machine by scripts: commands and the effects that they lead to. Run with
 * UPDATE=1 to write the effects into the scripts anew.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ControllerScript } from '../support/controllerScript.ts';

const directory = join(import.meta.dirname, '../../../scripts/controller');

describe('ControllerState', () => {
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.txt'))) {
    const path = join(directory, name);
    it(`behaves as ${name} says`, () => {
      const written = readFileSync(path, 'utf8');
      const played = new ControllerScript().play(written);
      if (process.env['UPDATE'] === '1') writeFileSync(path, played);
      expect(played).to.equal(process.env['UPDATE'] === '1' ? played : written);
    });
  }
});
