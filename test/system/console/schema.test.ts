/** The picture of the schema. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allLooks, type Console, openConsole } from '../../support/browser.ts';

let site: Console;
beforeAll(async () => {
  site = await openConsole();
  await site.sql(
    'CREATE TABLE "My Teachers" (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES "My Teachers" (id), course UUID REFERENCES courses (id))',
  );
  await site.sql(`CREATE TABLE wide (${Array.from({ length: 40 }, (_, index) => `c${index} INTEGER`).join(', ')})`);
});
afterAll(() => site.close());

const tables = (page: Page) => page.locator('.table-node');

test.each(allLooks)('nothing in it fails axe: $colours, $width px', async (looks) => {
  const { page, expectAccessible, close } = await site.open('#/schema', looks);
  await page.getByText('5 tables of 5, 4 references').waitFor();
  await tables(page).getByText('and 32 columns more').waitFor();
  await expectAccessible();
  await close();
});

test('finds a table, shows its neighbours, and keeps both in the address', async () => {
  const { page, close } = await site.open('#/schema');
  await page.getByText('5 tables of 5').waitFor();
  expect(await page.locator('.react-flow__edge').count()).toBe(4);
  await page.getByLabel('Find a table').fill('stud');
  await page.keyboard.press('Enter');
  await page.locator('.react-flow__node.selected').getByRole('link', { name: 'students' }).waitFor();
  await page.getByRole('button', { name: 'Neighbours' }).click();
  await page.getByText('2 tables of 5, 1 reference').waitFor();
  await page.reload();
  await page.getByText('2 tables of 5, 1 reference').waitFor();
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await page.getByText('5 tables of 5').waitFor();
  await tables(page).getByRole('link', { name: 'My Teachers' }).click();
  await page.waitForURL('**/#/tables/My%20Teachers');
  await close();
});

test('tables without references stand apart, and none covers another', async () => {
  const { page, close } = await site.open('#/schema');
  await page.getByText('5 tables of 5').waitFor();
  await page.waitForTimeout(300);
  const boxes = await Promise.all((await tables(page).all()).map((table) => table.boundingBox()));
  const names = await tables(page).locator('a').allTextContents();
  const found = boxes.map((box, index) => ({ name: names[index] ?? '', x: 0, y: 0, width: 0, height: 0, ...box }));
  for (const a of found) {
    for (const b of found) {
      const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      expect(a === b || apart, `${a.name} and ${b.name}`).toBe(true);
    }
  }
  const wide = found.find(({ name }) => name === 'wide');
  const bottom = Math.max(...found.filter((each) => each !== wide).map(({ y, height }) => y + height));
  expect(bottom).toBeLessThan(wide?.y ?? 0);
  await close();
});

test('draws a hundred of many tables, and all when asked', async () => {
  const many = await openConsole();
  for (let index = 0; index < 110; index += 10) {
    const names = Array.from({ length: 10 }, (_, step) => `t${index + step}`);
    await Promise.all(names.map((name) => many.sql(`CREATE TABLE ${name} (id INTEGER PRIMARY KEY)`)));
  }
  const { page, close } = await many.open('#/schema');
  await page.getByText('100 tables of 113').waitFor();
  await page.getByRole('button', { name: 'Show all 113' }).click();
  await page.getByText('113 tables of 113').waitFor();
  await close();
  await many.close();
});
