/** The endpoints of this process, wired to the app, the log and the platform: what the files under api/ import. */
import { waitUntil } from '@vercel/functions';
import { app } from '../app.ts';
import { createEndpoints } from './endpoints.ts';
import { lineLog, writeToConsole } from './log.ts';

export const endpoints = createEndpoints({ app, log: lineLog(() => app.runtime.now(), writeToConsole), waitUntil });
