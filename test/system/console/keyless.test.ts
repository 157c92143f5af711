/** Tables without a primary key: a row is found by all of its values, on either engine. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Console, openConsole } from '../../support/browser.ts';
import { startPostgres } from '../../support/servers/postgres.ts';

vi.setConfig({ testTimeout: 120_000 });

interface Engine {
  readonly environment: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

const engines: Readonly<Record<string, () => Promise<Engine>>> = {
  duckdb: async () => ({ environment: {}, close: async () => {} }),
  async postgres() {
    const server = await startPostgres();
    return { environment: { DATABASE_URL: await server.createDatabase() }, close: () => server.close() };
  },
};

const nested: Readonly<Record<string, string>> = {
  duckdb: `, pair STRUCT(a BIGINT, b BLOB, c DECIMAL(5,2)), places MAP(INTEGER, VARCHAR), either UNION(number INTEGER, word VARCHAR)`,
  postgres: '',
};

const cell = (page: Page, row: number, column: number): Locator =>
  page.locator(`[role=row][aria-rowindex="${row + 2}"]:visible [aria-colindex="${column + 1}"]`);

describe.each(Object.keys(engines))('on %s', (name) => {
  let engine: Engine;
  let site: Console;
  const rowsOf = async (query: string): Promise<unknown> => ((await site.sql(query)) as { rows: unknown }).rows;

  beforeAll(async () => {
    engine = await engines[name]!();
    site = await openConsole(engine.environment);
    await site.sql(
      `CREATE TABLE notes (day TIMESTAMP, word VARCHAR(2000), amount DECIMAL(20,5) DEFAULT 7, tags INTEGER[]${nested[name]})`,
    );
    await site.sql(`INSERT INTO notes (day, word, amount, tags) VALUES
      ('2026-01-01', 'same', 1, ARRAY[1, 2]), ('2026-01-01', 'same', 1, ARRAY[1, 2]), ('2026-01-02', NULL, NULL, NULL),
      ('2026-01-03', 'NULL', 12345678901234.56789, ARRAY[3]), ('2026-01-04', '${'long '.repeat(300)}', 0, ARRAY[4])`);
  });
  afterAll(async () => {
    await site.close();
    await engine.close();
  });

  test('one of two equal rows is changed, a long text is edited whole, and nothing else changes', async () => {
    const { page, expectAccessible, close } = await site.open('#/tables/notes');
    await cell(page, 0, 1).getByText('same').waitFor();
    await page.getByText('The table has no primary key').waitFor();
    const others = `SELECT * FROM notes WHERE day > '2026-01-01' AND day < '2026-01-04' ORDER BY day`;
    const before = await rowsOf(others);
    await cell(page, 1, 1).dblclick();
    await page.keyboard.press('Control+a');
    await page.keyboard.type('changed');
    await page.keyboard.press('Enter');
    await cell(page, 1, 1).and(page.locator('.edited')).waitFor();
    expect(await cell(page, 0, 1).getAttribute('class')).not.toContain('edited');
    await cell(page, 4, 1).dblclick();
    const editor = page.getByRole('textbox', { name: /^word/ });
    await editor.waitFor();
    expect((await editor.inputValue()).length).toBe(1500);
    await editor.press('End');
    await page.keyboard.type('!');
    await page.keyboard.press('Enter');
    await page.getByText('2 changed rows').waitFor();
    await page.getByRole('button', { name: 'Review SQL' }).click();
    await page.getByText(/^UPDATE .* WHERE (?:rowid|ctid) = /m).waitFor();
    await expectAccessible();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+s');
    await page.getByText('2 saved').first().waitFor();
    const words = await rowsOf(
      `SELECT word, count(*) AS n FROM notes WHERE day = '2026-01-01' GROUP BY word ORDER BY word`,
    );
    expect(words).toEqual([
      { word: 'changed', n: '1' },
      { word: 'same', n: '1' },
    ]);
    expect(await rowsOf(`SELECT right(word, 2) AS w FROM notes WHERE day = '2026-01-04'`)).toEqual([{ w: ' !' }]);
    expect(await rowsOf(others)).toEqual(before);
    await close();
  });

  test('a list is edited as JSON, a cell set to its default and to NULL', async () => {
    const { page, close } = await site.open(
      `#/tables/notes?filter=${encodeURIComponent('[["day","=","2026-01-03"]]')}`,
    );
    await cell(page, 0, 1).getByText('NULL').waitFor();
    await cell(page, 0, 3).dblclick();
    const editor = page.getByRole('textbox', { name: /^tags/ });
    await editor.waitFor();
    expect(await editor.inputValue()).toBe('[3]');
    await editor.fill('[5, null, 6');
    await editor.press('Enter');
    await page.getByRole('alert').getByText('This is not JSON').waitFor();
    await editor.fill('[5, null, 6]');
    await editor.press('Enter');
    await cell(page, 0, 2).click({ button: 'right' });
    await page.getByRole('menuitem', { name: /^Set to DEFAULT/ }).click();
    await cell(page, 0, 1).click();
    await page.keyboard.press('Control+Backspace');
    await page.keyboard.press('Control+s');
    await page.getByText('1 saved', { exact: true }).first().waitFor();
    expect(await rowsOf(`SELECT word, amount, tags FROM notes WHERE day = '2026-01-03'`)).toEqual([
      { word: null, amount: '7.00000', tags: [5, null, 6] },
    ]);
    await close();
  });

  test('a row that somebody else changed is a conflict, and a deleted one comes back as it was', async () => {
    const { page, close } = await site.open(
      `#/tables/notes?filter=${encodeURIComponent('[["day","=","2026-01-02"]]')}`,
    );
    await cell(page, 0, 0).getByText('2026-01-02').waitFor();
    await cell(page, 0, 1).click();
    await page.keyboard.type('mine');
    // The other one changes it before the feed tells this page.
    await site.sql(`UPDATE notes SET amount = 5 WHERE day = '2026-01-02'`);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+s');
    await page.getByText('1 conflict').first().waitFor();
    const conflict = page.getByRole('region', { name: 'Somebody else changed a row' });
    await conflict.getByText('somebody changed or deleted it').waitFor();
    await conflict.getByRole('button', { name: 'Take theirs' }).click();
    await page.getByText('Nothing is changed.').waitFor();
    expect(await rowsOf(`SELECT word, amount FROM notes WHERE day = '2026-01-02'`)).toEqual([
      { word: null, amount: '5.00000' },
    ]);
    const all = await rowsOf('SELECT * FROM notes ORDER BY day, word');
    await cell(page, 0, 0).click();
    await page.keyboard.press('Delete');
    await page.keyboard.press('Control+s');
    await page.getByRole('button', { name: 'Bring 1 row back' }).click();
    await page.getByText('1 row back').waitFor();
    expect(await rowsOf('SELECT * FROM notes ORDER BY day, word')).toEqual(all);
    await close();
  });

  // DuckDB's alone.
  test.each(name === 'duckdb' ? ['structs, maps and unions'] : [])(
    '%s are edited without losing a digit or a byte',
    async () => {
      await site.sql(`INSERT INTO notes (day, pair, places, either) VALUES ('2026-02-01',
      {'a': 9007199254740993, 'b': unhex('AA00'), 'c': 1.5}, MAP {2: 'two'}, union_value(number := 42))`);
      const { page, close } = await site.open(
        `#/tables/notes?filter=${encodeURIComponent('[["day","=","2026-02-01"]]')}`,
      );
      const shown = `{'a': 9007199254740993, 'b': \\xAA\\x00, 'c': 1.50}`;
      await cell(page, 0, 4).getByText(shown).waitFor();
      await cell(page, 0, 4).dblclick();
      const pair = page.getByRole('textbox', { name: /^pair/ });
      await pair.waitFor();
      expect(await pair.inputValue()).toBe('{"a":"9007199254740993","b":"qgA=","c":"1.50"}');
      await pair.fill('{"a": 9007199254740995, "b": "qgA=", "c": 2.5}');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      const places = page.getByRole('textbox', { name: /^places/ });
      expect(await places.inputValue()).toBe('[[2,"two"]]');
      await places.fill('[[2, "two"], [3, "three"]]');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      const either = page.getByRole('textbox', { name: /^either/ });
      expect(await either.inputValue()).toBe('{"tag":"number","value":42}');
      await either.fill('{"tag": "word", "value": "42"}');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Control+s');
      await page.getByText('1 saved', { exact: true }).first().waitFor();
      expect(
        await rowsOf(
          `SELECT CAST(pair AS VARCHAR) AS p, CAST(places AS VARCHAR) AS m, CAST(union_tag(either) AS VARCHAR) AS u FROM notes WHERE day = '2026-02-01'`,
        ),
      ).toEqual([{ p: `{'a': 9007199254740995, 'b': \\xAA\\x00, 'c': 2.50}`, m: '{2=two, 3=three}', u: 'word' }]);
      await close();
    },
  );
});
