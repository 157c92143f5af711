/** A library of books: tables that hang together in every way, the same on either engine. */
import type { Migration } from '../../../lib/catalog/migrations.ts';
import type { EngineName } from '../../../lib/values.ts';

const tables = (engine: EngineName): string => `
  CREATE TABLE authors (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT, born INTEGER CHECK (born > 0), email TEXT UNIQUE);
  CREATE TABLE passports (id INTEGER PRIMARY KEY, author_id INTEGER UNIQUE REFERENCES authors (id), number TEXT);
  CREATE TABLE books (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, author_id INTEGER REFERENCES authors (id), pages INTEGER,
    price DECIMAL(10, 2), rating DOUBLE PRECISION, copies BIGINT, available BOOLEAN DEFAULT true, published DATE,
    added TIMESTAMPTZ, tags TEXT[], scores INTEGER[], meta ${engine === 'postgres' ? 'JSONB' : 'JSON'});
  CREATE TABLE genres (id INTEGER PRIMARY KEY, label TEXT NOT NULL);
  CREATE TABLE book_genres (
    book_id INTEGER REFERENCES books (id), genre_id INTEGER REFERENCES genres (id), PRIMARY KEY (book_id, genre_id));
  CREATE TABLE reviews (
    id INTEGER PRIMARY KEY, book_id INTEGER NOT NULL REFERENCES books (id), stars INTEGER NOT NULL, words TEXT);
  CREATE TABLE employees (id INTEGER PRIMARY KEY, name TEXT NOT NULL, manager_id INTEGER REFERENCES employees (id));
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY, sender_id INTEGER REFERENCES employees (id), receiver_id INTEGER REFERENCES employees (id),
    body TEXT);
  CREATE TABLE notes (place INTEGER, words TEXT);
  CREATE TABLE things (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'unnamed', size INTEGER DEFAULT 7, code TEXT UNIQUE,
    kind TEXT CHECK (kind IN ('a', 'b')), data ${engine === 'postgres' ? 'JSONB' : 'JSON'}, list INTEGER[], moment TIMESTAMPTZ,
    exact DECIMAL(12, 3), wide BIGINT);
  CREATE TABLE pairs (a INTEGER, b TEXT, value TEXT, PRIMARY KEY (a, b));
  CREATE TABLE sql (id INTEGER PRIMARY KEY, "select" TEXT, "odd name" TEXT, "a.b" TEXT);
  CREATE SCHEMA shop;
  CREATE TABLE shop.items (id INTEGER PRIMARY KEY, label TEXT);
  CREATE VIEW long_books AS SELECT id, title, pages FROM books WHERE pages > 250;

  INSERT INTO authors VALUES (1, 'Jane Austen', 'England', 1775, 'jane@example.org'), (2, 'Leo Tolstoy', 'Russia', 1828, NULL),
    (3, 'Ursula K. Le Guin', 'USA', 1929, 'ursula@example.org'), (4, 'Anonymous', NULL, NULL, NULL);
  INSERT INTO passports VALUES (1, 1, 'EN-1'), (2, 3, 'US-3');
  INSERT INTO books VALUES
    (1, 'Emma', 1, 474, 12.50, 4.1, 9007199254740993, true, '1815-12-23', '2026-01-01T00:00:00Z', ARRAY['classic', 'love'], ARRAY[1, 2], '{"cover":{"colour":"red","size":[10,20]},"sold":9}'),
    (2, 'Persuasion', 1, 249, 9.90, 4.2, 3, true, '1817-12-20', '2026-01-02T10:20:30.123456Z', ARRAY['classic'], ARRAY[2, 3], '{"cover":{"colour":"blue","size":[7,8]},"sold":20}'),
    (3, 'War and Peace', 2, 1225, 25.00, 4.3, 1, false, '1869-01-01', '2026-01-03T00:00:00Z', ARRAY['classic', 'war'], ARRAY[5], '{"sold":100,"note":null}'),
    (4, 'The Dispossessed', 3, 341, 15.00, 4.5, 12, true, '1974-05-01', '2026-02-01T00:00:00Z', ARRAY['science fiction', 'a, b'], cast(ARRAY[] AS INTEGER[]), NULL),
    (5, 'Beowulf', NULL, 120, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  INSERT INTO genres VALUES (1, 'novel'), (2, 'romance'), (3, 'history'), (4, 'utopia');
  INSERT INTO book_genres VALUES (1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 3), (4, 4);
  INSERT INTO reviews VALUES (1, 1, 5, 'Lovely'), (2, 1, 3, NULL), (3, 2, 4, 'Short, but good'), (4, 3, 5, '100% long_winded'), (5, 4, 5, 'Odd "quotes" (and brackets)');
  INSERT INTO employees VALUES (1, 'Ada', NULL), (2, 'Bob', 1), (3, 'Cy', 1), (4, 'Di', 2);
  INSERT INTO messages VALUES (1, 1, 2, 'hello'), (2, 2, 1, 'hello too'), (3, 3, 1, 'late');
  INSERT INTO notes VALUES (3, 'c'), (1, 'a'), (2, 'b'), (1, 'a');
  INSERT INTO sql VALUES (1, 'x', 'y', 'z');
  INSERT INTO shop.items VALUES (1, 'a nail');`;

const macros = `
  CREATE MACRO add_up(a, b) AS a + b;
  CREATE MACRO greet(name, greeting := 'Hello') AS greeting || ', ' || name;
  CREATE MACRO books_longer(min_pages) AS TABLE SELECT id, title, pages, meta FROM books WHERE pages >= min_pages ORDER BY id;
  CREATE MACRO sizes() AS TABLE SELECT cast(range AS INTEGER) AS size FROM range(1, 4);
  CREATE MACRO of_tags(tags) AS len(tags);
  CREATE MACRO secrets() AS TABLE SELECT * FROM eider.idempotency_keys;
  CREATE MACRO settings() AS TABLE SELECT * FROM duckdb_settings();
  CREATE MACRO through() AS TABLE SELECT * FROM settings();
  CREATE MACRO initcap_of(word) AS (SELECT max(value) || word FROM settings());`;

const functions = `
  CREATE FUNCTION add_up(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
  CREATE FUNCTION greet(name text, greeting text DEFAULT 'Hello') RETURNS text LANGUAGE sql AS $$ SELECT greeting || ', ' || name $$;
  CREATE FUNCTION books_longer(min_pages integer) RETURNS TABLE (id integer, title text, pages integer, meta jsonb) LANGUAGE sql STABLE
    AS 'SELECT id, title, pages, meta FROM books WHERE pages >= min_pages ORDER BY id';
  CREATE FUNCTION sizes() RETURNS TABLE (size integer) LANGUAGE sql AS 'SELECT generate_series(1, 3)';
  CREATE FUNCTION of_tags(tags text[]) RETURNS integer LANGUAGE sql AS 'SELECT cardinality(tags)';
  CREATE FUNCTION writes() RETURNS integer LANGUAGE sql AS 'DELETE FROM reviews RETURNING id';`;

export const library: readonly Migration[] = [
  { name: '0001_library', sql: { duckdb: tables('duckdb'), postgres: tables('postgres') } },
  { name: '0002_functions', sql: { duckdb: macros, postgres: functions } },
];
