/**
 * `npm run screenshots`: makes the README's picture of the console anew, docs/console.png, from a server with invented sales.
 * It needs Debian's `chromium`.
 */
import { join } from 'node:path';
import { openConsole } from '../test/support/browser.ts';
import { repository } from './deployable.ts';

const definitions = [
  `CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, country VARCHAR NOT NULL)`,
  `CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers, total DECIMAL(9, 2) NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('paid', 'open', 'returned')), placed DATE NOT NULL)`,
  `INSERT INTO customers SELECT i, 'Customer ' || i, ['Norway', 'Iceland', 'Faroe Islands', 'Scotland'][1 + i % 4] FROM range(1, 41) t(i)`,
  `INSERT INTO orders SELECT i, 1 + i * 7 % 40, round(20 + 180 * abs(sin(i)), 2), ['paid', 'paid', 'open', 'returned'][1 + i % 4],
    DATE '2026-01-01' + (i * 13 % 330)::INTEGER FROM range(1, 2001) t(i)`,
];
const question = `SELECT date_trunc('month', placed)::DATE AS month, sum(total)::DOUBLE AS revenue
FROM orders WHERE status = 'paid' GROUP BY month ORDER BY month`;

const site = await openConsole();
try {
  for (const sql of definitions) await site.sql(sql);
  const { page, close } = await site.open(`#/sql?text=${encodeURIComponent(question)}`);
  await page.getByRole('button', { name: /^Run/ }).first().click();
  await page.getByRole('button', { name: 'Chart' }).click();
  await page.locator('canvas').waitFor();
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(repository, 'docs/console.png') });
  await close();
} finally {
  await site.close();
}
