/**
 * What every DuckDB instance of ours is opened with: one thread a query, nothing fetched from elsewhere, nothing written
 * outside the folder that it is given.
 *
 * Owns: these settings. Knows nothing of what the instance is for. The worst that can happen: one that writes where it must
 * not, or loads what nobody chose.
 */

/** `folder`: where what does not fit into memory goes. */
export function duckDbOptions(folder: string): Record<string, string> {
  return {
    threads: '1',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    home_directory: folder,
    temp_directory: folder,
    extension_directory: folder,
  };
}
