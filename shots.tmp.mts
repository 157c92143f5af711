import { openConsole, allLooks } from './test/support/browser.ts';
const site = await openConsole();
for (const sql of [
    `CREATE TABLE makers (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, city VARCHAR)`,
    `CREATE TABLE things (id INTEGER PRIMARY KEY, maker INTEGER REFERENCES makers (id), document JSON, sizes STRUCT(w DECIMAL(5,2), h BIGINT), state VARCHAR DEFAULT 'new', span INTERVAL)`,
    `INSERT INTO makers SELECT i, 'Maker ' || i, (['Oslo', 'Riga'])[1 + i % 2] FROM range(1, 501) t(i)`,
    `INSERT INTO things SELECT i, i, '{"n": 12345678901234567890}', {'w': 1.5, 'h': 9007199254740993}, 'old', INTERVAL 1 DAY FROM range(1, 21) t(i)`,
    `CREATE TABLE keyless AS SELECT i, 'x' AS t FROM range(3) q(i)`,
]) await site.sql(sql);
for (const looks of allLooks) {
  const n = `${looks.colours}-${looks.width}`;
  try {
  const { page, close } = await site.open('#/tables/things', looks);
  const cell = (row: number, column: number) => page.locator(`[role=row][aria-rowindex="${row + 2}"]:visible [aria-colindex="${column + 1}"]`);
  await cell(3, 0).getByText('4', { exact: true }).waitFor({timeout: 60000});
  await page.getByRole('grid').focus();
  await page.keyboard.press('Control+Home'); await page.keyboard.press('ArrowRight'); await page.keyboard.press('Enter');
  await page.getByRole('option').first().waitFor(); await page.keyboard.press('ArrowDown');
  await page.screenshot({ path: `/tmp/shot-picker-${n}.png` });
  await page.keyboard.press('Escape'); await page.keyboard.press('ArrowRight'); await page.keyboard.press('ArrowRight'); await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: /^sizes/ }).fill('{"w": true}'); 
  await page.getByRole('textbox', { name: /^sizes/ }).fill('{"q": true}'); await page.keyboard.press('Enter');
  await page.screenshot({ path: `/tmp/shot-json-${n}.png` });
  await page.keyboard.press('Escape');
  await page.keyboard.press('Space');
  await page.getByRole('complementary').getByRole('button', { name: 'Edit maker' }).click();
  await page.getByRole('complementary').getByRole('option').first().waitFor();
  await page.screenshot({ path: `/tmp/shot-peek-${n}.png` });
  await page.goto(`${site.url}/#/tables/keyless`);
  await page.getByText('no primary key').waitFor();
  await page.screenshot({ path: `/tmp/shot-keyless-${n}.png` });
  await close();
  } catch (e) { console.log(n, (e as Error).message.slice(0,300)); }
}
await site.close();
