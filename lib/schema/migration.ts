/**
 * What a migration is. The list of migrations is the only source of DDL; a database runs the ones that it has not run
 * yet when it opens, in order, each in one commit, whichever process comes first.
 */
import type { Engine, Queries } from '../values.ts';

export interface MigrationContext {
  /** Kysely inside the migration's own transaction; its schema builder speaks the SQL that both engines know. */
  readonly queries: Queries;
  /** For what one engine cannot do: foreign keys are declared on PostgreSQL only. */
  readonly engine: Engine;
}

export interface Migration {
  /** Unique and never changed once it has run anywhere, for example `0001_students_courses_enrollments`. */
  readonly name: string;
  /**
   * Makes the change. DDL must not depend on time, chance or data (its text is replayed on every replica); rows may be
   * written with any query, their images are captured.
   */
  up(context: MigrationContext): Promise<void>;
}
