/** What a package takes for given where modules are CommonJS, at the head of each bundle. */
export const banner = {
  js: [
    "import { createRequire as makeRequire } from 'node:module';",
    'const require = makeRequire(import.meta.url);',
    'const __dirname = import.meta.dirname, __filename = import.meta.filename;',
  ].join(' '),
};
