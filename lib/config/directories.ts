/** Network drive, volume, local file: from a path to a folder and the database file's name in it. */
import { basename, dirname, extname, isAbsolute, normalize } from 'node:path/posix';
import { defaultDatabaseName, type DirectorySettings } from './backends.ts';
import { isSegment } from './checks.ts';
import { type Check, type Detection, type Environment, notConfigured, settle, VariableReader } from './variables.ts';

const databaseExtensions = ['.db', '.duckdb', '.ddb', '.database'];
const localPath = 'data/student_courses.db';
/** The one place that a function on Vercel may write to: https://vercel.com/docs/functions/runtimes#file-system-support */
const vercelWritable = '/tmp';
const localPathOnVercel = `${vercelWritable}/eider-local/student_courses.db`;

type Place = Pick<DirectorySettings, 'directory' | 'name'>;

/** The network drive of `NETWORK_DB_PATH`, or the volume of `VERCEL_VOLUME_PATH`. */
export function detectMount(environment: Environment, backend: 'network' | 'volume'): Detection {
  const variable = backend === 'network' ? 'NETWORK_DB_PATH' : 'VERCEL_VOLUME_PATH';
  const reader = new VariableReader(environment);
  if (!reader.isSet(variable)) return notConfigured(`${variable} is not set`);
  const place = reader.read(variable, absolutePath);
  return settle(reader, `${variable} is set`, () => place && { backend, ...place, createDirectory: false });
}

/** The local file: always there, unless `LOCAL_DB_PATH` is wrong. */
export function detectLocal(environment: Environment): Detection {
  const reader = new VariableReader(environment);
  const onVercel = reader.isSet('VERCEL');
  const place = reader.isSet('LOCAL_DB_PATH')
    ? reader.read('LOCAL_DB_PATH', onVercel ? pathInTmp : databasePath)
    : splitPath(onVercel ? localPathOnVercel : localPath);
  const reason = reader.isSet('LOCAL_DB_PATH') ? 'LOCAL_DB_PATH is set' : 'A local file needs no configuration';
  return settle(reader, reason, () => place && { backend: 'local', ...place, createDirectory: true });
}

const absolutePath: Check<Place> = (text) =>
  isAbsolute(text) ? databasePath(text) : { problem: 'must be an absolute path, beginning with "/"' };

const pathInTmp: Check<Place> = (text) =>
  `${normalize(text)}/`.startsWith(`${vercelWritable}/`)
    ? databasePath(text)
    : { problem: `must lie in ${vercelWritable} on Vercel, where functions can write nowhere else` };

const databasePath: Check<Place> = (text) => {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return { problem: 'must not hold line breaks or other control characters' };
  const place = splitPath(text);
  if (isSegment(place.name)) return { value: place };
  return { problem: 'must end in a file name of at most 200 letters, digits, ".", "_" and "-"' };
};

/** A last segment with a database's extension is the file; anything else, or a slash at the end, is the folder. */
function splitPath(text: string): Place {
  const path = normalize(text);
  const isFile = databaseExtensions.includes(extname(path).toLowerCase()) && !path.endsWith('/');
  if (isFile) return { directory: dirname(path), name: basename(path) };
  return { directory: path.replace(/(?<=.)\/+$/, ''), name: defaultDatabaseName };
}
