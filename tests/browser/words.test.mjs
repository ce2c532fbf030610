// How the page words what the API answers: no browser needed, only the page's own source and its compiler.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';

const web = new URL('../../collector/web/', import.meta.url);
const installed = existsSync(new URL('node_modules/typescript', web));

describe("the page's words", { skip: installed ? false : 'scripts/build-page installs the compiler' }, async () => {
  if (!installed) return;
  const typescript = createRequire(new URL('package.json', web))('typescript');
  const source = readFileSync(new URL('src/words.ts', web), 'utf8');
  const { outputText } = typescript.transpileModule(source, { compilerOptions: { module: 'esnext', target: 'es2022' } });
  const words = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);

  it('name a month by its id, though its first week begins in the month before', () => {
    const month = { kind: 'month', id: '2026-10', from: '2026-09-28', to: '2026-11-02', closed: true };
    assert.equal(words.period_words(month), 'October 2026');
  });
  it('tell the week so far from days that are over', () => {
    const days = { kind: 'window', id: '2026-11-16..2026-11-21', from: '2026-11-16', to: '2026-11-22', closed: false };
    assert.match(words.period_words(days), /^This week so far · 16 Nov – 21 Nov 2026$/);
    assert.match(words.period_words({ ...days, closed: true }), /^16 Nov – 21 Nov 2026$/);
  });
  it('assert no unmet need that nobody confirmed', () => {
    const all = Object.values(words.state_meaning).flat().join(' ');
    assert.doesNotMatch(all, /unmet|offers nothing/i);
    assert.match(words.state_meaning.not_offered_assumed.join(': '), /assumed until the unit confirms/);
  });
  it('spell protocols as they are spelled', () => {
    assert.equal(words.evidence_words('dns_answer'), 'DNS answer');
    assert.equal(words.evidence_words('imported'), 'Imported');
  });
});
