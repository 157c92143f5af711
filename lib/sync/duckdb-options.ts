/**
 * What every DuckDB instance of ours is opened with: one thread a query, nothing fetched from elsewhere, nothing written
 * outside the folder that it is given.
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
