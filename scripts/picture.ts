/** `node scripts/picture.ts`: takes docs/console.png, the README's picture of the console, with a database of its own. */
import { join } from 'node:path';
import { openConsole } from '../test/support/browser.ts';
import { repository } from './deployable.ts';

const statements = [
  `CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, city VARCHAR)`,
  `CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id), placed DATE NOT NULL, total DECIMAL(10,2) NOT NULL, is_paid BOOLEAN NOT NULL DEFAULT false, note VARCHAR)`,
  `INSERT INTO customers SELECT i, (['Ada', 'Bo', 'Cleo', 'Dag', 'Eva'])[1 + i % 5] || ' ' || (['Lind', 'Moss', 'Nord'])[1 + i % 3], (['Oslo', 'Riga', 'Turku'])[1 + i % 3] FROM range(1, 41) t(i)`,
  `INSERT INTO orders SELECT i, 1 + i * 7 % 40, DATE '2026-01-01' + CAST(i % 300 AS INTEGER), (i * 37 % 5000) / 20, i % 3 > 0, CASE WHEN i % 4 = 0 THEN 'gift' END FROM range(1, 2001) t(i)`,
];

const site = await openConsole();
try {
  for (const statement of statements) await site.sql(statement);
  const { page, close } = await site.open('#/tables/orders', { width: 1280, height: 720, scale: 1.5 });
  await page.getByText('2,000 rows').waitFor();
  const cell = (row: number, column: number) =>
    page.locator(`[role=row][aria-rowindex="${row}"]:visible [aria-colindex="${column}"]`);
  await cell(4, 4).dblclick();
  await page.keyboard.type('12.50');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Space');
  await page.getByRole('complementary').getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByRole('complementary').getByText('city').waitFor();
  await page.screenshot({ path: join(repository, 'docs/console.png') });
  await close();
} finally {
  await site.close();
}
