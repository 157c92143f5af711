/** Definitions as SQL, as the forms put them together: what is shown is what runs. */
import { type Catalog, type Relation, sqlName } from '../../api/catalog.ts';
import { quoteName, quoteText } from '../../api/sql.ts';

export interface NewColumn {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly isKey: boolean;
  readonly isRequired: boolean;
  readonly isUnique: boolean;
  /** An expression. */
  readonly otherwise: string;
  /** `table.column` of the catalog's paths, or nothing. */
  readonly refersTo: string;
}

/** What one begins with: `id` that the database gives, and a name. */
export const firstColumns: readonly NewColumn[] = [
  {
    id: 1,
    name: 'id',
    type: 'UUID',
    isKey: true,
    isRequired: true,
    isUnique: false,
    otherwise: 'gen_random_uuid()',
    refersTo: '',
  },
  {
    id: 2,
    name: 'name',
    type: 'VARCHAR',
    isKey: false,
    isRequired: true,
    isUnique: false,
    otherwise: '',
    refersTo: '',
  },
];

export const commonTypes: Readonly<Record<Catalog['engine'], readonly string[]>> = {
  duckdb: [
    'VARCHAR',
    'INTEGER',
    'BIGINT',
    'HUGEINT',
    'DECIMAL(18,2)',
    'DOUBLE',
    'BOOLEAN',
    'DATE',
    'TIME',
    'TIMESTAMP',
    'TIMESTAMPTZ',
    'INTERVAL',
    'UUID',
    'JSON',
    'BLOB',
    'VARCHAR[]',
    'INTEGER[]',
  ],
  postgres: [
    'text',
    'integer',
    'bigint',
    'numeric(18,2)',
    'double precision',
    'boolean',
    'date',
    'time',
    'timestamp',
    'timestamptz',
    'interval',
    'uuid',
    'jsonb',
    'bytea',
    'text[]',
    'integer[]',
  ],
};

export function createSql(catalog: Catalog, name: string, columns: readonly NewColumn[]): string {
  const keys = columns.filter(({ isKey }) => isKey).map(({ name: each }) => quoteName(each));
  const lines = columns.map((column) => `  ${columnSql(catalog, column, keys.length === 1)}`);
  if (keys.length > 1) lines.push(`  PRIMARY KEY (${keys.join(', ')})`);
  return `CREATE TABLE ${tableSql(catalog, name)} (\n${lines.join(',\n')}\n)`;
}

/** `shop.orders` is a name in a schema that there is; any other dot is part of the name. */
function tableSql({ relations, defaultSchema }: Catalog, name: string): string {
  const dot = name.indexOf('.');
  const schemas = new Set([defaultSchema, ...relations.map(({ schema }) => schema)]);
  if (dot > 0 && schemas.has(name.slice(0, dot)))
    return `${quoteName(name.slice(0, dot))}.${quoteName(name.slice(dot + 1))}`;
  return quoteName(name);
}

function columnSql(catalog: Catalog, column: Omit<NewColumn, 'id'>, isOnlyKey: boolean): string {
  const { name, type, isKey, isRequired, isUnique, otherwise, refersTo } = column;
  const parts = [
    quoteName(name),
    type,
    isKey && isOnlyKey ? 'PRIMARY KEY' : isRequired && !isKey ? 'NOT NULL' : '',
    isUnique && !isKey ? 'UNIQUE' : '',
    otherwise.trim() === '' ? '' : `DEFAULT ${otherwise}`,
    refersTo === '' ? '' : `REFERENCES ${referenceSql(catalog, refersTo)}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** What others may refer to: keys of one column. */
export function referable({ relations }: Catalog): readonly string[] {
  return relations.flatMap(({ path, key, unique }) => {
    const sets = [key, ...unique.map(({ columns }) => columns)].filter(({ length }) => length === 1);
    return sets.map(([column]) => JSON.stringify([path, column]));
  });
}

export function wordsOfReference(refersTo: string): string {
  return (JSON.parse(refersTo) as string[]).join('.');
}

function referenceSql(catalog: Catalog, refersTo: string): string {
  const [path = '', column = ''] = JSON.parse(refersTo) as string[];
  const target = catalog.relations.find((relation) => relation.path === path);
  return `${target ? sqlName(target) : quoteName(path)} (${quoteName(column)})`;
}

export const changes = [
  'Add a column',
  'Rename a column',
  'Change a type',
  'Change a default',
  'Require a value',
  'Allow NULL',
  'Drop a column',
  'Comment a column',
  'Comment the table',
  'Rename the table',
  'Drop the table',
] as const;
export type Change = (typeof changes)[number];

export interface ChangeInput {
  readonly change: Change;
  readonly column: string;
  /** A new name, a type, an expression, a comment. */
  readonly text: string;
  readonly type: string;
}

/** Whether a change needs a column, and a text. */
export function needsOf(change: Change): {
  readonly column: boolean;
  readonly text: string | null;
  readonly isLosing: boolean;
} {
  const column = !['Add a column', 'Comment the table', 'Rename the table', 'Drop the table'].includes(change);
  const texts: Partial<Record<Change, string>> = {
    'Add a column': 'Name',
    'Rename a column': 'New name',
    'Change a type': 'Type',
    'Change a default': 'Expression (empty: none)',
    'Comment a column': 'Comment',
    'Comment the table': 'Comment',
    'Rename the table': 'New name',
  };
  return { column, text: texts[change] ?? null, isLosing: change === 'Drop a column' || change === 'Drop the table' };
}

export function alterSql(relation: Relation, { change, column, text, type }: ChangeInput): string {
  const kind = relation.kind === 'view' ? 'VIEW' : 'TABLE';
  const [table, name] = [sqlName(relation), quoteName(column)];
  const alter = (what: string): string => `ALTER ${kind} ${table} ${what}`;
  switch (change) {
    case 'Add a column':
      return alter(`ADD COLUMN ${quoteName(text)} ${type}`);
    case 'Rename a column':
      return alter(`RENAME COLUMN ${name} TO ${quoteName(text)}`);
    case 'Change a type':
      return alter(`ALTER COLUMN ${name} TYPE ${text}`);
    case 'Change a default':
      return alter(`ALTER COLUMN ${name} ${text.trim() === '' ? 'DROP DEFAULT' : `SET DEFAULT ${text}`}`);
    case 'Require a value':
      return alter(`ALTER COLUMN ${name} SET NOT NULL`);
    case 'Allow NULL':
      return alter(`ALTER COLUMN ${name} DROP NOT NULL`);
    case 'Drop a column':
      return alter(`DROP COLUMN ${name}`);
    case 'Comment a column':
      return `COMMENT ON COLUMN ${table}.${name} IS ${text === '' ? 'NULL' : quoteText(text)}`;
    case 'Comment the table':
      return `COMMENT ON ${kind} ${table} IS ${text === '' ? 'NULL' : quoteText(text)}`;
    case 'Rename the table':
      return alter(`RENAME TO ${quoteName(text)}`);
    case 'Drop the table':
      return `DROP ${kind} ${table}`;
  }
}
