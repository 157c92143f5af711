import { serve } from '@hono/node-server';
import { AppError, openDatabase } from 'eider';
import { createApi } from 'eider/http';
import { Hono } from 'hono';

const db = await openDatabase();
const api = createApi(db);
const app = new Hono();

app.get('/', async (context) => {
  const { rows } = await db.query('SELECT id, text FROM notes ORDER BY created_at DESC LIMIT 100');
  return context.json(rows);
});

app.post('/notes', async (context) => {
  const text = await context.req.text();
  const { rows } = await db.execute('INSERT INTO notes (text) VALUES ($1) RETURNING *', [text]);
  return context.json(rows[0], 201);
});

app.all('/api/*', (context) => api.fetch(context.req.raw));

app.onError((error, context) => {
  if (error instanceof AppError && error.kind === 'invalid') return context.text(error.message, 400);
  console.error(error);
  return context.text('Something went wrong.', 500);
});

serve({ fetch: app.fetch, port: Number(process.env['PORT'] ?? 3000) });
