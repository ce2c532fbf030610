// The real page in a real browser, against a real collector: it shows what the API answers, to each role what is its own, asks
// nothing of anybody else, and has no finding of axe in light, dark, print or at 200 %.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { chromium } from 'playwright-core';

import { api, chromium_arguments, chromium_path, house, skip_reason } from './house.mjs';

const axe_source = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const pages = ['portfolio', 'findings', 'brief', 'coverage'];
const results = new URL('./results/', import.meta.url).pathname;

describe('the page', { skip: skip_reason || false }, () => {
  let browser;
  before(async () => {
    mkdirSync(results, { recursive: true });
    browser = await chromium.launch({ executablePath: chromium_path, args: chromium_arguments });
  });
  after(async () => {
    await browser?.close();
  });

  /** A signed-in page that fails the test on any error and on any request to somebody else. */
  async function signed_in(token, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, bypassCSP: options.bypassCSP ?? false, ...options });
    const page = await context.newPage();
    const faults = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      // A 401 to "is there a session?" is the ordinary way in.
      if (message.type() === 'error' && !message.text().includes('401')) faults.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(house.page)) faults.push(`asked ${request.url()}`);
    });
    await page.goto(`${house.page}/#token=${token}`);
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    return { page, context, faults };
  }
  async function open(page, name, search = '') {
    await page.goto(`${house.page}/#/${name}${search}`);
    await page.getByText('Reading …').waitFor({ state: 'detached' });
    await page.locator('main .lead, main article').first().waitFor();
  }

  it('takes the token out of the address and keeps the session', async () => {
    const { page, context } = await signed_in(house.security_token);
    assert.ok(!page.url().includes('token'), page.url());
    await page.reload();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    const cookies = await context.cookies();
    assert.ok(cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === 'Strict'));
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Access token').waitFor();
    await context.close();
  });

  it('says no to a wrong token in the words of the collector', async () => {
    const page = await browser.newPage();
    await page.goto(house.page);
    await page.getByLabel('Access token').fill('nobody-has-this-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    assert.match(await page.getByRole('alert').innerText(), /token/i);
    await page.close();
  });

  for (const [who, token] of house ? [['security', house.security_token], ['relationship manager', house.manager_token]] : []) {
    it(`shows the ${who} the portfolio that the API answers, cell by cell`, async () => {
      const { page, context, faults } = await signed_in(token);
      const portfolio = await api('/portfolio', token);
      assert.ok(portfolio.cells.length > 0, 'the portfolio is empty: nothing would be tested');
      await open(page, 'portfolio');
      assert.equal(await page.locator('button.cell').count(), portfolio.cells.length);
      const columns = await page.locator('.matrix thead th').allInnerTexts();
      portfolio.units.forEach((unit, index) => assert.ok(columns[index + 1].includes(unit.name)));
      for (const [row, capability] of portfolio.capabilities.entries()) {
        for (const [column, unit] of portfolio.units.entries()) {
          const cell = portfolio.cells.find((each) => each.unit === unit.id && each.capability === capability.id);
          const text = await page.locator('.matrix tbody tr').nth(row).locator('td').nth(column).innerText();
          if (cell?.heads) assert.ok(text.includes(`${cell.heads.text} people`), `${unit.id} × ${capability.id}: ${text}`);
          else if (!cell) assert.equal(text.trim(), '·');
        }
      }
      const first = portfolio.cells.find((cell) => cell.services.length > 0);
      const row = portfolio.capabilities.findIndex((each) => each.id === first.capability);
      const column = portfolio.units.findIndex((each) => each.id === first.unit);
      await page.locator('.matrix tbody tr').nth(row).locator('td').nth(column).getByRole('button').click();
      const drilled = await page.locator('.detail .services tbody tr').allInnerTexts();
      assert.deepEqual(drilled.map((text) => text.split('\t')[0].trim()), first.services.map((service) => service.name));
      await page.screenshot({ path: `${results}/portfolio-${who.replace(' ', '-')}.png`, fullPage: true });
      assert.deepEqual(faults, []);
      await context.close();
    });

    it(`shows the ${who} every finding that the API answers, with its reasons`, async () => {
      const { page, context, faults } = await signed_in(token);
      const { findings } = await api('/findings', token);
      assert.ok(findings.length > 0, 'there are no findings: nothing would be tested');
      await open(page, 'findings');
      const names = await page.locator('.findings summary .name strong').allInnerTexts();
      assert.deepEqual(names, findings.map((finding) => finding.subject.name));
      await page.locator('.findings summary').first().click();
      const why = await page.locator('.findings .why').first().innerText();
      if (findings[0].reasons.rule) assert.ok(why.includes(findings[0].reasons.reason), why);
      await page.screenshot({ path: `${results}/findings-${who.replace(' ', '-')}.png`, fullPage: true });
      await page.getByRole('searchbox').fill(findings.at(-1).subject.name);
      assert.ok((await page.locator('.findings summary').count()) >= 1);
      assert.deepEqual(faults, []);
      await context.close();
    });
  }

  it('offers the security role the week so far, and names months by their ids', async () => {
    const { page, context, faults } = await signed_in(house.security_token);
    const { periods } = await api('/units', house.security_token);
    await open(page, 'findings');
    const choices = await page.getByLabel('Period').locator('option').allInnerTexts();
    assert.match(choices[0], /^This week so far · /);
    const month = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' });
    for (const [index, period] of periods.entries())
      if (period.kind === 'month') assert.equal(choices[index], month.format(new Date(`${period.id}-01T00:00:00Z`)));
    assert.ok(!page.url().includes('period='), 'the last closed week is what is shown unasked');
    for (const name of ['findings', 'portfolio', 'coverage']) {
      await open(page, name);
      await page.getByLabel('Period').selectOption({ index: 0 });
      await page.getByText('Reading …').waitFor({ state: 'detached' });
      assert.match(await page.locator('main .lead').innerText(), /This week so far · /, name);
    }
    await open(page, 'brief', `?period=${periods[0].id}`);
    assert.equal(await page.getByLabel('Period').inputValue(), '', 'a brief is made from released figures');
    assert.deepEqual(faults, []);
    await context.close();
    const other = await signed_in(house.manager_token);
    assert.ok(!(await other.page.getByLabel('Period').locator('option').allInnerTexts()).join().includes('so far'));
    await other.context.close();
  });

  it('shows a phone the whole portfolio without scrolling sideways', async () => {
    const { page, context } = await signed_in(house.manager_token, { viewport: { width: 390, height: 844 } });
    const portfolio = await api('/portfolio', house.manager_token);
    await open(page, 'portfolio');
    const region = page.getByRole('region', { name: 'Portfolio matrix' });
    for (const element of [region, page.locator('html')])
      assert.ok(await element.evaluate((each) => each.scrollWidth <= each.clientWidth), 'it scrolls sideways');
    const cells = await page.locator('button.cell').allInnerTexts();
    assert.equal(cells.length, portfolio.cells.length);
    for (const text of cells) assert.ok(portfolio.units.some((unit) => text.includes(unit.name)), text);
    await page.screenshot({ path: `${results}/portfolio-phone.png`, fullPage: true });
    await context.close();
  });

  it('prints the brief on at most two A4 pages', async () => {
    const { page, context } = await signed_in(house.manager_token);
    await open(page, 'brief');
    await page.screenshot({ path: `${results}/brief.png`, fullPage: true });
    const pdf = await page.pdf({ format: 'A4', margin: { top: '15mm', bottom: '15mm', left: '18mm', right: '18mm' } });
    const count = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    assert.ok(count >= 1 && count <= 2, `${count} pages`);
    await context.close();
  });

  it('never shows words that accuse, outside the security role', async () => {
    const { page, context } = await signed_in(house.manager_token);
    for (const name of pages) {
      await open(page, name);
      assert.doesNotMatch(await page.locator('body').innerText(), /\b(rogue|shadow|violation|unsanctioned)\b/i, name);
    }
    await context.close();
  });

  // axe is injected by the test, which the page's own content security policy would refuse: it is lifted here alone.
  for (const [look, options, prepare] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['print', { colorScheme: 'light' }, (page) => page.emulateMedia({ media: 'print' })],
    ['print from a dark screen', { colorScheme: 'dark' }, (page) => page.emulateMedia({ media: 'print' })],
    ['200 %', { colorScheme: 'light', viewport: { width: 680, height: 450 }, deviceScaleFactor: 2 }],
  ]) {
    it(`has no accessibility finding (${look})`, async () => {
      const { page, context } = await signed_in(house?.security_token, { ...options, bypassCSP: true });
      await prepare?.(page);
      for (const name of pages) {
        await open(page, name);
        await page.addScriptTag({ path: axe_source });
        const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
        assert.deepEqual(
          violations.map((each) => `${name}: ${each.id}: ${each.nodes.map((node) => node.target.join(' ')).join(', ')}`),
          [],
        );
      }
      await context.close();
    });
  }
});
