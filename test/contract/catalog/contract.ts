/** What a database says of its catalog, whichever engine it is. */
import { expect, it, onTestFinished } from 'vitest';
import { findRelation } from '../../../lib/catalog/catalog.ts';
import type { Database } from '../../../lib/db/database.ts';
import type { Migration } from '../../../lib/catalog/migrations.ts';

const twoTables: Migration = {
  name: '0001_two_tables',
  sql: `
    CREATE TABLE books (id INTEGER PRIMARY KEY, title VARCHAR NOT NULL, price DECIMAL(8,2) DEFAULT 1);
    CREATE TABLE readers (name VARCHAR PRIMARY KEY)`,
};

/** `open` opens one database again and again, with these migrations. */
export function catalogContract(
  makePlace: () => Promise<(migrations: readonly Migration[]) => Promise<Database>>,
): void {
  const openOnce = async (open: (migrations: readonly Migration[]) => Promise<Database>, migrations = [twoTables]) => {
    const database = await open(migrations);
    onTestFinished(() => database.close());
    return database;
  };

  it('gives reads and writes the catalog of their state', async () => {
    const database = await openOnce(await makePlace());
    const inRead = (await database.read((_queries, { catalog }) => Promise.resolve(catalog))).value;
    const inWrite = (await database.write((_queries, { catalog }) => Promise.resolve(catalog))).value;
    expect([...inRead.relations.values()].map(({ name }) => name)).toEqual(['books', 'readers']);
    expect(inWrite.etag).toBe(inRead.etag);
    expect((await database.catalog()).etag).toBe(inRead.etag);
    expect(findRelation(inRead, 'books')).toMatchObject({
      key: ['id'],
      columns: [
        { name: 'id', type: { kind: 'integer' }, nullable: false },
        { name: 'title', type: { kind: 'text' }, nullable: false },
        { name: 'price', type: { kind: 'decimal', width: 8, scale: 2 }, default: '1' },
      ],
    });
  });

  it('finds what another instance has just made', async () => {
    const open = await makePlace();
    const database = await openOnce(open);
    const { etag } = await database.catalog();
    await openOnce(open, [twoTables, { name: '0002_more', sql: 'CREATE TABLE more (id INTEGER PRIMARY KEY)' }]);
    const fresh = await database.catalog({ maxStalenessMs: 0 });
    expect(findRelation(fresh, 'more')).not.toBeNull();
    expect(fresh.etag).not.toBe(etag);
    expect((await database.catalog()).etag).toBe(fresh.etag);
    const { value } = await database.read((_queries, { catalog }) => Promise.resolve(catalog), { maxStalenessMs: 0 });
    expect(value.etag).toBe(fresh.etag);
  });

  it('runs SELECT in a read, and nothing else', async () => {
    const database = await openOnce(await makePlace());
    await database.write((queries) => queries.insertInto('books').values({ id: 1, title: 'A' }).execute());
    const { value } = await database.read((_queries, scope) =>
      scope.run('SELECT id, price, id FROM books WHERE id = $1', [1]),
    );
    expect(value).toEqual({
      command: 'SELECT',
      columns: [
        { name: 'id', type: 'INTEGER' },
        { name: 'price', type: 'DECIMAL(8,2)' },
        { name: 'id', type: 'INTEGER' },
      ],
      rows: [[1, '1.00', 1]],
      rowCount: 1,
    });
    for (const text of ['DELETE FROM books', 'COMMIT', 'SELECT 1; COMMIT', 'CREATE TABLE x (a INTEGER)']) {
      await expect(database.read((_queries, scope) => scope.run(text))).rejects.toThrow(
        /SELECT|read|statement|transaction/i,
      );
    }
    const { value: rows } = await database.read((queries) => queries.selectFrom('books').select('id').execute());
    expect(rows).toEqual([{ id: 1 }]);
  });
}
