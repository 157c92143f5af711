import { revalidatePath } from 'next/cache';
import { connection } from 'next/server';
import { db } from '../lib/db';

async function addNote(form: FormData): Promise<void> {
  'use server';
  const text = form.get('text');
  if (typeof text !== 'string' || text === '') return;
  // Durable once it resolves.
  await db.execute('INSERT INTO notes (text) VALUES ($1)', [text]);
  revalidatePath('/');
}

export default async function Page() {
  await connection();
  const { rows } = await db.query('SELECT id, text FROM notes ORDER BY created_at DESC LIMIT 100');
  return (
    <main>
      <form action={addNote}>
        <input name="text" aria-label="Note" /> <button>Add</button>
      </form>
      <ul>
        {rows.map(({ id, text }) => (
          <li key={String(id)}>{String(text)}</li>
        ))}
      </ul>
    </main>
  );
}
