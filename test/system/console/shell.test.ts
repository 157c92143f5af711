/** What is around every page: navigation, palette, keys, colours, sign-in, the server's absence. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allLooks, type Console, openConsole } from '../../support/browser.ts';

const token = 'admin-token-of-some-length';

describe('without tokens, on the machine itself', () => {
  let site: Console;
  beforeAll(async () => {
    site = await openConsole();
  });
  afterAll(() => site.close());

  test.each(allLooks)('nothing in it fails axe: $colours, $width px', async (looks) => {
    const { page, expectAccessible, close } = await site.open('', looks);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: 'Go to' }).click();
    await page.getByRole('combobox').waitFor();
    await expectAccessible();
    await close();
  });

  test('the palette goes to a table by keys alone, and g and a letter to a page', async () => {
    const { page, close } = await site.open();
    await page.getByRole('link', { name: 'students' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('enrol');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/#/tables/enrollments');
    await page.locator('main').focus();
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await page.waitForURL('**/#/');
    await close();
  });

  test('colours that were chosen stay', async () => {
    const { page, close } = await site.open();
    await page.getByRole('button', { name: /^Colours: system/ }).click();
    await page.getByRole('button', { name: /^Colours: light/ }).click();
    await page.reload();
    await page.getByRole('button', { name: /^Colours: dark/ }).waitFor();
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe('rgb(13, 21, 24)');
    await close();
  });
});

describe('with a token', () => {
  let site: Console;
  beforeAll(async () => {
    site = await openConsole({ ADMIN_TOKEN: token });
  });
  afterAll(() => site.close());

  test('it is asked for, a wrong one again, kept for the session alone and never in an address', async () => {
    const { page, expectAccessible, close } = await site.open();
    const field = page.getByLabel('ADMIN_TOKEN or API_TOKEN');
    await field.fill('a-token-that-is-wrong');
    await expectAccessible();
    await page.keyboard.press('Enter');
    await page.getByText('does not know this token').waitFor();
    await field.fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'students' }).waitFor();
    expect(page.url()).not.toContain(token);
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(token);
    await page.reload();
    await page.getByRole('link', { name: 'students' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field.waitFor();
    await close();
  });
});
