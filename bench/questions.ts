/** What is asked of the table of sales, in SQL that DuckDB and PostgreSQL understand alike. Sums stay whole numbers. */
export interface Question {
  readonly name: string;
  readonly sql: string;
}

export const questions: readonly Question[] = [
  { name: 'how many rows', sql: 'SELECT count(*) AS n FROM sales' },
  { name: 'turnover', sql: 'SELECT CAST(sum(cents * CAST(quantity AS BIGINT)) AS BIGINT) AS cents FROM sales' },
  {
    name: 'turnover of each region',
    sql: `SELECT region, count(*) AS n, CAST(sum(cents * CAST(quantity AS BIGINT)) AS BIGINT) AS cents FROM sales
      GROUP BY region ORDER BY region`,
  },
  {
    name: 'turnover of each month',
    sql: `SELECT CAST(extract(year FROM sold_at) AS INTEGER) AS year, CAST(extract(month FROM sold_at) AS INTEGER) AS month,
      CAST(sum(cents) AS BIGINT) AS cents FROM sales GROUP BY 1, 2 ORDER BY 1, 2`,
  },
  {
    name: 'ten best customers',
    sql: `SELECT customer, CAST(sum(cents) AS BIGINT) AS cents FROM sales GROUP BY customer
      ORDER BY cents DESC, customer LIMIT 10`,
  },
  {
    name: 'customers of each region',
    sql: 'SELECT region, count(DISTINCT customer) AS customers FROM sales GROUP BY region ORDER BY region',
  },
  {
    name: 'one day, by hour',
    sql: `SELECT CAST(extract(hour FROM sold_at) AS INTEGER) AS hour, count(*) AS n FROM sales
      WHERE sold_at >= TIMESTAMP '2025-03-01' AND sold_at < TIMESTAMP '2025-03-02' GROUP BY 1 ORDER BY 1`,
  },
  {
    name: 'products above the average',
    sql: `WITH totals AS (SELECT product, sum(cents) AS cents FROM sales GROUP BY product)
      SELECT count(*) AS n FROM totals WHERE cents > (SELECT avg(cents) FROM totals)`,
  },
  {
    name: 'best product of each region',
    sql: `SELECT region, product, n FROM (SELECT region, product, count(*) AS n,
      row_number() OVER (PARTITION BY region ORDER BY count(*) DESC, product) AS place FROM sales GROUP BY region, product) AS t
      WHERE place = 1 ORDER BY region`,
  },
  {
    name: 'growth of each quarter',
    sql: `SELECT year, quarter, cents, cents - lag(cents) OVER (ORDER BY year, quarter) AS growth FROM (
      SELECT CAST(extract(year FROM sold_at) AS INTEGER) AS year, CAST(extract(quarter FROM sold_at) AS INTEGER) AS quarter,
      CAST(sum(cents) AS BIGINT) AS cents FROM sales GROUP BY 1, 2) AS t ORDER BY year, quarter`,
  },
  {
    name: 'customers who came back within a week',
    sql: `SELECT count(DISTINCT customer) AS customers FROM (SELECT customer, sold_at,
      lag(sold_at) OVER (PARTITION BY customer ORDER BY sold_at, id) AS before FROM sales) AS t
      WHERE sold_at - before < INTERVAL '7 days'`,
  },
  {
    name: 'large sales, joined with the products that sell most',
    sql: `WITH best AS (SELECT product FROM sales GROUP BY product ORDER BY sum(quantity) DESC, product LIMIT 50)
      SELECT s.region, count(*) AS n, max(s.cents) AS cents FROM sales s JOIN best USING (product)
      WHERE s.cents > 90000 GROUP BY s.region ORDER BY s.region`,
  },
];
