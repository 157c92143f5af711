/** How programs reach this very deployment. */
import { apiAddress } from '../../api/client.ts';

export interface ClientRecipe {
  readonly id: string;
  readonly label: string;
  readonly install: string | null;
  readonly code: (table: string, needsToken: boolean) => string;
}

const api = apiAddress.replace(/\/$/, '');
const { host } = new URL(apiAddress);

export const clients: readonly ClientRecipe[] = [
  {
    id: 'curl',
    label: 'curl',
    install: null,
    code: (table, needsToken) => {
      const token = needsToken ? ' -H "Authorization: Bearer $API_TOKEN"' : '';
      return `curl${token} '${api}/${encodeURIComponent(table)}?limit=20'
curl${token} ${api}/sql --json '{"query": "SELECT count(*) AS n FROM \\"${table}\\""}'`;
    },
  },
  {
    id: 'supabase',
    label: 'supabase-js',
    install: 'npm install @supabase/supabase-js',
    code: (table) => `import { createClient } from '@supabase/supabase-js';

const db = createClient('${api}', process.env.API_TOKEN ?? 'none');
const { data, error } = await db.from('${table}').select('*').limit(20);`,
  },
  {
    id: 'neon',
    label: "Neon's driver",
    install: 'npm install @neondatabase/serverless',
    code: (table) => `import { neon, neonConfig } from '@neondatabase/serverless';

neonConfig.fetchEndpoint = '${api}/sql';
const sql = neon(\`postgresql://eider:\${encodeURIComponent(process.env.API_TOKEN ?? 'none')}@${host}/eider\`);
const rows = await sql\`SELECT * FROM "${table}" LIMIT \${20}\`;`,
  },
  {
    id: 'drizzle',
    label: 'Drizzle',
    install: 'npm install drizzle-orm @neondatabase/serverless',
    code: (table) => `import { neon, neonConfig } from '@neondatabase/serverless';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/neon-http';

neonConfig.fetchEndpoint = '${api}/sql';
const db = drizzle(neon(\`postgresql://eider:\${encodeURIComponent(process.env.API_TOKEN ?? 'none')}@${host}/eider\`));
const { rows } = await db.execute(sql\`SELECT * FROM "${table}" LIMIT 20\`);`,
  },
  {
    id: 'eider',
    label: 'In your functions',
    install: null,
    code: (table) => `// api/top.ts, beside the others
import { openDatabase } from '../lib/index.ts';

export async function GET(): Promise<Response> {
  const db = await openDatabase();
  const { rows } = await db.query('SELECT * FROM "${table}" LIMIT $1', [20]);
  return Response.json(rows);
}`,
  },
];
