#!/usr/bin/env node
/** `npm run db -- <command>`: see `npm run db -- --help`. */
import { runCommand } from '../lib/cli/commands.ts';
import { processEnvironment } from '../lib/config/process.ts';

process.exitCode = await runCommand(process.argv.slice(2), {
  environment: processEnvironment(),
  out: (text) => process.stdout.write(text),
  log: (text) => process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
});
