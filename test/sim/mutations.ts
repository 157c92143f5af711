/**
 * Engines with a known fault, one for each thing that the design asks for: a simulation that does not find them proves
 * nothing. Each is an edit of the source, made in a copy.
 */
import type { ProfileName } from './plan.ts';

export interface Edit {
  /** Under lib/. */
  readonly file: string;
  /** Must be there exactly once. */
  readonly from: string;
  readonly to: string;
}

export interface Mutation {
  readonly name: string;
  /** Of docs/architecture.md, or the promise that is broken. */
  readonly rule: string;
  readonly edits: readonly Edit[];
  /** The kinds of runs in which it can show. */
  readonly profiles: readonly ProfileName[];
  /** Found within so many runs, or the simulation is not what it should be. */
  readonly within: number;
}

export const mutations: readonly Mutation[] = [
  {
    name: 'answers before the record is created',
    rule: '1',
    edits: [
      {
        file: 'sync/record-commit.ts',
        from: `      const outcome = await this.#append(append);
      if (outcome !== 'committed') {`,
        to: `      void this.#context.runtime.sleep(50).then(() => this.#append(append)).catch(() => undefined);
      const outcome = String(record.version);
      if (outcome === 'lost') {`,
      },
    ],
    profiles: ['races'],
    within: 10,
  },
  {
    name: 'commits the replica before the record is created',
    rule: '1',
    edits: [
      {
        file: 'sync/record-commit.ts',
        from: `      const outcome = await this.#append(append);`,
        to: `      await this.#commitReplica(record, moved);
      const outcome = await this.#append(append);`,
      },
      {
        file: 'sync/record-commit.ts',
        from: `await this.giveUp();`,
        to: `await this.giveUp().catch(() => undefined);`,
      },
      {
        file: 'sync/record-commit.ts',
        from: `      await this.#commitReplica(record, moved);
      this.#host`,
        to: `      this.#host`,
      },
    ],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'tells a failed write nothing of the record that may be there',
    rule: '1',
    edits: [
      {
        file: 'sync/append.ts',
        from: `throw unknown ? unknownOutcome(context, append, error) : error;`,
        to: `throw new AppError('unavailable', 'Not written.');`,
      },
    ],
    profiles: ['network', 'storm'],
    within: 120,
  },
  {
    name: 'ignores which record the next one continues',
    rule: '2',
    edits: [{ file: 'sync/log.ts', from: `    record.previous === position.recordId &&\n`, to: '' }],
    profiles: ['adoption'],
    within: 200,
  },
  {
    name: 'writes on when another record has the number',
    rule: '3',
    edits: [
      {
        file: 'sync/append.ts',
        from: `return found.record.id === record.id ? 'committed' : 'lost';`,
        to: `return 'committed';`,
      },
    ],
    profiles: ['races'],
    within: 10,
  },
  {
    name: "takes 'already exists' for a rival",
    rule: '4',
    edits: [
      {
        file: 'sync/append.ts',
        from: `if (found) return found.record.id === record.id ? 'committed' : 'lost';`,
        to: `if (found) return 'lost';`,
      },
    ],
    profiles: ['network'],
    within: 40,
  },
  {
    name: 'takes an unknown outcome for a failure',
    rule: '4',
    edits: [
      {
        file: 'sync/append.ts',
        from: `return { error, mayBeThere: !isAppError(error, 'unavailable', 'denied', 'invalid', 'corrupt', 'not-found') };`,
        to: `throw new AppError('unavailable', 'Not written.', { cause: error });`,
      },
    ],
    profiles: ['network'],
    within: 10,
  },
  {
    name: 'takes an unknown outcome for success',
    rule: '4',
    edits: [
      {
        file: 'sync/append.ts',
        from: `  } catch (error) {
    return { error, mayBeThere: !isAppError(`,
        to: `  } catch (error) {
    if (isAppError(error, 'indeterminate')) return 'committed';
    return { error, mayBeThere: !isAppError(`,
      },
    ],
    profiles: ['network'],
    within: 10,
  },
  {
    name: 'drops one record too early',
    rule: '5',
    edits: [
      {
        file: 'sync/retention.ts',
        from: `const covered = settled[1]?.version ?? 0;`,
        to: `const covered = (settled[1]?.version ?? -1) + 1;`,
      },
    ],
    profiles: ['days', 'storm'],
    within: 40,
  },
  {
    name: 'drops records after twelve hours',
    rule: '5',
    edits: [
      {
        file: 'sync/retention.ts',
        from: `nowMs - object.modifiedAt.getTime() > settings.retainMs;
  const isDroppable`,
        to: `nowMs - object.modifiedAt.getTime() > settings.retainMs / 2;
  const isDroppable`,
      },
    ],
    profiles: ['days', 'storm'],
    within: 10,
  },
  {
    name: 'drops by its own clock alone',
    rule: '5',
    edits: [
      {
        file: 'sync/retention.ts',
        from: `const now = Math.min(nowMs, context.runtime.now());`,
        to: `const now = context.runtime.now();`,
      },
    ],
    profiles: ['days', 'storm'],
    within: 10,
  },
  {
    name: 'counts snapshots that are not yet settled',
    rule: '5',
    edits: [
      {
        file: 'sync/retention.ts',
        from: `nowMs - modifiedAt.getTime() > settings.keepSnapshotMs);`,
        to: `nowMs - modifiedAt.getTime() > -settings.keepSnapshotMs);`,
      },
    ],
    profiles: ['days', 'storm'],
    within: 10,
  },
  {
    name: 'keeps one snapshot only',
    rule: '5',
    edits: [{ file: 'sync/retention.ts', from: `settled.slice(2)`, to: `settled.slice(1)` }],
    profiles: ['days', 'storm', 'damage'],
    within: 10,
  },
  {
    name: 'trusts a proof for two days',
    rule: '6',
    edits: [{ file: 'sync/context.ts', from: `  proofMs: hour,`, to: `  proofMs: 48 * hour,` }],
    profiles: ['days'],
    within: 10,
  },
  {
    name: 'measures the age of a proof by the wall clock alone',
    rule: '6',
    edits: [
      {
        file: 'sync/head.ts',
        from: `return Math.max(wall, runtime.monotonicMs() - moment.monotonicMs);`,
        to: `return wall;`,
      },
    ],
    profiles: ['days'],
    within: 60,
  },
  {
    name: 'measures the age of a proof by the monotonic clock alone',
    rule: '6',
    edits: [
      {
        file: 'sync/head.ts',
        from: `return Math.max(wall, runtime.monotonicMs() - moment.monotonicMs);`,
        to: `return runtime.monotonicMs() - moment.monotonicMs;`,
      },
    ],
    profiles: ['days'],
    within: 60,
  },
  {
    name: 'believes its own commit after it slept in the middle of it',
    rule: '6',
    edits: [{ file: 'sync/record-commit.ts', from: `    await this.#host.requireOnLog(record.version);\n`, to: '' }],
    profiles: ['days'],
    within: 80,
  },
  {
    name: 'does not check the hash of a snapshot',
    rule: '7',
    edits: [{ file: 'sync/start.ts', from: `if (got.sha256 !== snapshot.sha256) {`, to: `if (got.sha256 === '') {` }],
    profiles: ['damage'],
    within: 120,
  },
  {
    name: 'does not check the sum of a record',
    rule: '7',
    edits: [{ file: 'sync/sealed.ts', from: `return match && sha256Hex(body) === match[1] ?`, to: `return match ?` }],
    profiles: ['damage'],
    within: 40,
  },
  {
    name: 'takes an outage for absence',
    rule: '8',
    edits: [
      {
        file: 'sync/log.ts',
        from: `  const bytes = await context.store.get(key);
  if (!bytes) return null;`,
        to: `  const bytes = await context.store.get(key).catch(() => null);
  if (!bytes) return null;`,
      },
    ],
    profiles: ['network'],
    within: 80,
  },
  {
    name: 'lets the changes of a failed request into the record',
    rule: 'a write',
    edits: [
      {
        file: 'sync/commit.ts',
        from: `if (!part.result.ok && part.dirty) return { ok: false, error: unit };
      definitions = part.definitions;
      if (part.result.ok) changes.push(...part.changes);`,
        to: `definitions = part.definitions;
      changes.push(...part.changes);`,
      },
    ],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'keeps the changes of a failed request in the replica',
    rule: 'a write',
    edits: [
      { file: 'sync/commit.ts', from: `if (!part.result.ok && part.dirty) return { ok: false, error: unit };`, to: `` },
    ],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'takes an error that was caught for settled',
    rule: 'a write',
    edits: [
      { file: 'sync/batch.ts', from: `if (spoiledBy.length > 0)`, to: `if (spoiledBy.length > 0 && !result.ok)` },
    ],
    profiles: ['races', 'network'],
    within: 250,
  },
  {
    name: 'answers what changes nothing from a replica that may be behind',
    rule: 'a write',
    edits: [
      {
        file: 'sync/commit.ts',
        from: `    if (await this.#context.store.head(this.#context.layout.recordKey(version + 1))) return false;\n`,
        to: '',
      },
    ],
    profiles: ['races'],
    within: 10,
  },
  {
    name: 'runs a lost batch again without applying what is new',
    rule: 'a write',
    edits: [
      {
        file: 'sync/record-commit.ts',
        from: `        await this.giveUp();
        if (outcome === 'left') throw await this.#host.leaveLog();
        return false;`,
        to: `        const next = { ...record, version: record.version + 1 };
        return await this.commit({ ...append, record: next, bytes: encodeRecord(next) }, acknowledge);`,
      },
      {
        file: 'sync/record-commit.ts',
        from: `import type { SyncContext }`,
        to: `import { encodeRecord } from './record.ts';
import type { SyncContext }`,
      },
    ],
    profiles: ['races'],
    within: 10,
  },
  {
    name: 'keeps what a short read saw although a commit was made meanwhile',
    rule: 'a read',
    edits: [
      {
        file: 'sync/replica.ts',
        from: `if (this.#commits === commits) return { value };`,
        to: `return { value };`,
      },
    ],
    profiles: ['races'],
    within: 120,
  },
  {
    name: 'reads without asking whether it is fresh',
    rule: 'a read',
    edits: [
      {
        file: 'sync/reads.ts',
        from: `await this.#host.ensureFresh(request.maxStalenessMs, askedMs);`,
        to: `0;`,
      },
    ],
    profiles: ['races'],
    within: 10,
  },
  {
    name: 'lets a read share a probe that began before it came',
    rule: 'a read',
    edits: [
      {
        file: 'sync/head.ts',
        from: `    if (!this.#running) return this.#start();`,
        to: `    return this.#running ?? this.#start();`,
      },
      {
        file: 'sync/host.ts',
        from: `    return this.ensureCaughtUp(askedMs);`,
        to: `    return this.ensureCaughtUp(askedMs - 300);`,
      },
    ],
    profiles: ['races'],
    within: 10,
  },
  {
    name: 'forgets the bookmark',
    rule: 'a read',
    edits: [
      {
        file: 'sync/reads.ts',
        from: `    if (request.atLeast !== undefined) await this.#requireVersion(request.atLeast);\n`,
        to: '',
      },
      { file: 'sync/reads.ts', from: `    return Math.max(least, request.atLeast ?? 0);`, to: `    return least;` },
    ],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'trusts an old proof for stale reads for ever',
    rule: 'a read',
    edits: [{ file: 'sync/host.ts', from: `this.ageMs <= maxStalenessMs) return`, to: `true) return` }],
    profiles: ['days', 'damage', 'storm'],
    within: 40,
  },
  {
    name: 'moves the position in a transaction of its own',
    rule: 'the replica',
    edits: [
      {
        file: 'sync/replica.ts',
        from: `const moved = writePosition(this.writer, position);`,
        to: `const moved = Promise.resolve();`,
      },
      {
        file: 'sync/replica.ts',
        from: `      await this.writer.execute('COMMIT');`,
        to: `      await this.writer.execute('COMMIT');
      await writePosition(this.writer, position);`,
      },
    ],
    profiles: ['crashes'],
    within: 120,
  },
  {
    name: 'applies all records of a window but the last',
    rule: 'the replica',
    edits: [
      {
        file: 'sync/host.ts',
        from: `      await this.replica.apply(records);
      return;`,
        to: `      await this.replica.apply(records.slice(0, 1));
      await this.replica.begin();
      await this.replica.commit(positionOf(records.at(-1)!.record));
      return;`,
      },
      {
        file: 'sync/host.ts',
        from: `import { countChained, followTail,`,
        to: `import { countChained, positionOf, followTail,`,
      },
    ],
    profiles: ['races'],
    within: 10,
  },
  {
    name: 'names the snapshot by a version that comes later',
    rule: 'checkpoint',
    edits: [
      {
        file: 'sync/checkpoint.ts',
        from: `return await uploadSnapshot(this.#context, version, body);`,
        to: `return await uploadSnapshot(this.#context, Math.max(version, this.#host.version), body);`,
      },
    ],
    profiles: ['races', 'network'],
    within: 60,
  },
  {
    name: 'uploads the file before all is folded into it',
    rule: 'checkpoint',
    edits: [{ file: 'sync/checkpoint.ts', from: `          await replica.checkpoint();\n`, to: '' }],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'publishes before the snapshot is whole',
    rule: 'checkpoint',
    edits: [
      {
        file: 'sync/snapshot.ts',
        from: `      if (hash.digest('hex') !== sha256)
        throw new AppError('unavailable', 'The replica changed while it was uploaded.');
      if (held) yield held;`,
        to: `      if (held) yield new Uint8Array(held.byteLength);`,
      },
    ],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'adopts the file again when a log is there',
    rule: 'start',
    edits: [
      {
        file: 'sync/start.ts',
        from: `  return base === baseId(sha256);`,
        to: `  return true;`,
      },
    ],
    profiles: ['adoption'],
    within: 120,
  },
  {
    name: 'forgets under which key a write was done',
    rule: 'a write',
    edits: [
      {
        file: 'rows/idempotency.ts',
        from: `  if (kept && !isExpired) {`,
        to: `  if (kept && !isExpired && kept.fingerprint !== fingerprint) {`,
      },
    ],
    profiles: ['network', 'crashes'],
    within: 120,
  },
  {
    name: 'tells changes that are not committed in the order of the log',
    rule: 'a read',
    edits: [
      {
        file: 'sync/feed.ts',
        from: `        records.push(found.record);`,
        to: `        records.unshift(found.record);`,
      },
    ],
    profiles: ['races', 'network'],
    within: 80,
  },
  {
    name: 'answers a pending write before it is durable',
    rule: 'an outage',
    edits: [
      {
        file: 'db/fallback/pending-log.ts',
        from: `        await this.#keepOn(keeper, write);`,
        to: `        void this.#keepOn(keeper, write).catch(() => undefined);`,
      },
    ],
    profiles: ['outages'],
    within: 150,
  },
  {
    name: 'runs a pending write without noting that it did',
    rule: 'an outage',
    edits: [
      {
        file: 'db/fallback/drain.ts',
        from: `    await enterApplied(queries, write, runtime.now());`,
        to: `    if (runtime.now() < 0) await enterApplied(queries, write, runtime.now());`,
      },
    ],
    profiles: ['outages'],
    within: 60,
  },
  {
    name: 'drops a pending write that no longer fits',
    rule: 'an outage',
    edits: [
      {
        file: 'db/fallback/drain.ts',
        from: `    await options.commit((queries) => enterRejected(queries, only, reason, options.runtime.now()));`,
        to: `    if (reason === '') await options.commit((queries) => enterRejected(queries, only, reason, options.runtime.now()));`,
      },
    ],
    profiles: ['outages'],
    within: 100,
  },
  {
    name: 'forgets pending writes before they are run',
    rule: 'an outage',
    edits: [
      {
        file: 'db/fallback/drain.ts',
        from: `    total = addReports(total, await settle(together, options));
    await options.onSettled(together.map(({ id }) => id));`,
        to: `    await options.onSettled(together.map(({ id }) => id));
    total = addReports(total, await settle(together, options));`,
      },
    ],
    profiles: ['outages'],
    within: 250,
  },
  {
    name: 'keeps a write that the store may have taken',
    rule: 'an outage',
    edits: [
      {
        file: 'db/fallback/watch.ts',
        from: `    abandon: () => (abandoned ||= !ran),`,
        to: `    abandon: () => (abandoned = true),`,
      },
    ],
    profiles: ['outages'],
    within: 60,
  },
  {
    name: 'takes an unknown outcome for an outage',
    rule: 'an outage',
    edits: [
      {
        file: 'db/fallback/watch.ts',
        from: `    return this.outage !== null && error.kind !== 'indeterminate';`,
        to: `    return this.outage !== null;`,
      },
    ],
    profiles: ['outages'],
    within: 60,
  },
  {
    name: 'checks no references at the end of a request',
    rule: 'references',
    edits: [
      {
        file: 'db/duckdb/capture.ts',
        from: `      await this.#checkReferences();
      if`,
        to: `      if`,
      },
    ],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'checks the references of the last statement alone',
    rule: 'references',
    edits: [
      {
        file: 'db/duckdb/capture.ts',
        from: `checkReferences(session, catalog, this.#changes)`,
        to: `checkReferences(session, catalog, this.#changes.slice(-1))`,
      },
    ],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'looks for what its rows refer to, not for what refers to rows that are gone',
    rule: 'references',
    edits: [
      {
        file: 'db/duckdb/references/questions.ts',
        from: `    for (const link of links.ofParent.get(id) ?? []) found.add(link, 'gone', lostRows(change, link));\n`,
        to: '',
      },
    ],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'forgets the foreign keys of an adopted file',
    rule: 'references',
    edits: [
      {
        file: 'db/duckdb/references/take-over.ts',
        from: `    for (const link of linksOf(catalog).ofChild.get(relationId(table)) ?? []) await keep(session, link);\n`,
        to: '',
      },
    ],
    profiles: ['adoption'],
    within: 10,
  },
  {
    name: 'does not move the sequences of a replica on',
    rule: 'sequences',
    edits: [
      {
        file: 'sync/replay.ts',
        from: `    for (const change of run.sequences.values()) await shapes.sequences.move(change);\n`,
        to: '',
      },
    ],
    profiles: ['races', 'network'],
    within: 10,
  },
  {
    name: 'believes what DuckDB says of the sequences of a file that was opened again',
    rule: 'sequences',
    edits: [
      {
        file: 'sync/sequences.ts',
        from: String.raw`regexp_extract(sql, ' START (-?\d+) (?:NO )?CYCLE;$', 1)::HUGEINT`,
        to: `coalesce(last_value + increment_by, start_value)::HUGEINT`,
      },
    ],
    profiles: ['crashes', 'days'],
    within: 60,
  },
  {
    name: 'leaves what an UPDATE changes out of the record',
    rule: 'SQL',
    edits: [
      {
        file: 'db/duckdb/capture.ts',
        from: `    for (const change of changes) {`,
        to: `    for (const change of write.kind === 'update' ? [] : changes) {`,
      },
    ],
    profiles: ['races'],
    within: 10,
  },
];
