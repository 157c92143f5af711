/** Ends the build when a first visit would load more than it should, and writes each asset compressed beside itself. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin, Rolldown } from 'vite';

const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } };
const compressible = /\.(?:js|css|html|svg)$/;

export function checkSize(mostBytes: number): Plugin {
  return {
    name: 'size',
    apply: 'build',
    // Only then everything is in its place.
    async writeBundle({ dir = '' }, bundle) {
      const first = firstLoad(bundle);
      const bytes = first.reduce((sum, name) => sum + gzipSync(contentOf(bundle[name])).length, 0);
      const told = `First load: ${Math.round(bytes / 1000)} kB compressed, in ${first.length} files.`;
      if (bytes > mostBytes) this.error(`${told} ${mostBytes / 1000} kB are the most.`);
      process.stdout.write(`${told}\n`);
      for (const name of Object.keys(bundle).filter((each) => compressible.test(each))) {
        await writeFile(join(dir, `${name}.br`), brotliCompressSync(contentOf(bundle[name]), brotli));
      }
    },
  };
}

/** The entry, whatever it imports at once, and their styles. */
function firstLoad(bundle: Rolldown.OutputBundle): string[] {
  const found = new Set<string>();
  const add = (name: string): void => {
    const file = bundle[name];
    if (found.has(name) || file === undefined) return;
    found.add(name);
    if (file.type === 'chunk') {
      for (const each of [...file.imports, ...(file.viteMetadata?.importedCss ?? [])]) add(each);
    }
  };
  for (const file of Object.values(bundle)) if (file.type === 'chunk' && file.isEntry) add(file.fileName);
  return [...found];
}

function contentOf(file: Rolldown.OutputAsset | Rolldown.OutputChunk | undefined): Uint8Array {
  const content = file?.type === 'chunk' ? file.code : (file?.source ?? '');
  return typeof content === 'string' ? Buffer.from(content) : content;
}
