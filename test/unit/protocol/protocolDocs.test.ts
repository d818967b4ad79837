import { expect } from 'chai';
import { apiCatalogue, errorCatalogue, frameErrorSchema } from '../../../protocol/index.ts';
import { errorTable } from '../../harness/docs/errorTable.ts';
import { generatedSection } from '../../harness/docs/generatedSection.ts';
import { protocolTables } from '../../harness/docs/protocolTables.ts';

describe('the documents of the protocol', () => {
  it('docs/protocol.md says what the API catalogue says (UPDATE=1 rewrites it)', () => {
    const expected = protocolTables();
    expect(generatedSection('protocol.md', expected)).to.equal(expected);
  });

  it('docs/errors.md says what the error catalogue says (UPDATE=1 rewrites it)', () => {
    const expected = errorTable();
    expect(generatedSection('errors.md', expected)).to.equal(expected);
  });
});

describe('the catalogues', () => {
  it('append fields, so that `since` never falls within a struct', () => {
    const check = (schema: unknown): void => {
      const { fields, element, inner } = schema as {
        fields?: Record<string, { schema: unknown; since: number; about: string }>;
        element?: unknown;
        inner?: unknown;
      };
      let since = 0;
      for (const [name, field] of Object.entries(fields ?? {})) {
        expect(field.since, name).to.be.at.least(since);
        expect(field.about, name).to.match(/^[^|\n]+\.$/);
        since = field.since;
        check(field.schema);
      }
      if (element !== undefined) check(element);
      if (inner !== undefined) check(inner);
    };
    for (const { request, response } of apiCatalogue) {
      check(request);
      check(response);
    }
    check(frameErrorSchema);
  });

  it('use every error code once, within 16 bits', () => {
    const codes = Object.values(errorCatalogue).map(({ code }) => code);
    expect(new Set(codes).size).to.equal(codes.length);
    for (const code of codes) expect(code).to.be.within(-1, 32_767);
  });
});
