/** Texts and names in scripts whose letters take combining marks. */
import { expect, it } from 'vitest';
import type { Deploy } from '../../support/deployments.ts';

const marked = ['सीता', 'ஆனந்த்', 'สมชาย', 'اَحمَد', 'Jose\u0301'];
const words = {
  name: '0002_words',
  sql: `CREATE TABLE words (id INTEGER PRIMARY KEY, word VARCHAR CHECK (word IN (${marked.map((text) => `'${text}'`).join(', ')})))`,
};

export function scriptsContract(deploy: Deploy): void {
  it('takes them in e-mail addresses, lists of values, filters and names', async () => {
    const service = await deploy().instance({ migrations: [words] });
    for (const [id, word] of marked.entries()) {
      const created = await service.send('POST', '/api/words', { json: { id, word } });
      expect([word, created.status]).toEqual([word, 201]);
      const found = await service.send('GET', `/api/words?word=like.${encodeURIComponent(`${word.slice(0, 3)}*`)}`);
      expect(await found.json()).toMatchObject({ data: [{ id, word }] });
      const sql = await service.send('POST', '/api/sql', {
        json: { query: `WITH ${word} AS (SELECT 1 AS ${word}) SELECT ${word} FROM ${word}`, arrayMode: true },
      });
      expect([word, sql.status]).toEqual([word, 200]);
    }
    const wrong = await service.send('POST', '/api/words', { json: { id: 99, word: 'x' } });
    expect(await wrong.json()).toMatchObject({
      errors: [{ path: 'word', message: `must be one of ${marked.join(', ')}` }],
    });
  });

  it('takes them in the addresses of the sample', async () => {
    const service = await deploy().instance();
    for (const word of [...marked, 'अजय']) {
      const json = { name: word, email: `${word}@उदाहरण.भारत` };
      expect([word, (await service.send('POST', '/api/students', { json })).status]).toEqual([word, 201]);
    }
  });
}
