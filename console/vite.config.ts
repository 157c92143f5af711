import { defineConfig } from 'vite';
import { checkSize } from './size.ts';

/** For `scripts/console.ts`, which puts the result into public/, and for `npx vite console`, which passes the API on. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // A data: address would be refused by the policy of the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    // Packages mark what is for browsers; here everything is.
    rolldownOptions: {
      onLog: (level, log, next) => (log.code === 'MODULE_LEVEL_DIRECTIVE' ? undefined : next(level, log)),
    },
    license: { fileName: 'assets/licenses.txt' },
  },
  plugins: [checkSize(350_000)],
  server: { proxy: { '/api': 'http://127.0.0.1:3000' } },
});
