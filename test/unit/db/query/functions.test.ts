/**
 * Every function that DuckDB has is either allowed to queries or refused on purpose: one that a new version adds fails
 * here until somebody has looked at it.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { operators, scalarFunctions, tableFunctions } from '../../../../lib/db/duckdb/query/functions.ts';

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Files, settings, secrets, catalogs, other statements, raw memory, logs; `histogram` also is an aggregate. */
const refusedInFrom = words(`
  arrow_scan arrow_scan_dumb check_peg_parser checkpoint disable_logging disable_peg_parser disable_profiling
  duckdb_approx_database_count duckdb_columns duckdb_connection_count duckdb_constraints duckdb_coordinate_systems
  duckdb_databases duckdb_dependencies duckdb_extensions duckdb_external_file_cache duckdb_functions duckdb_indexes
  duckdb_keywords duckdb_log_contexts duckdb_logs duckdb_memory duckdb_optimizers duckdb_prepared_statements
  duckdb_schemas duckdb_secret_types duckdb_secrets duckdb_sequences duckdb_settings duckdb_table_sample
  duckdb_tables duckdb_temporary_files duckdb_types duckdb_variables duckdb_views enable_logging enable_peg_parser
  enable_profiling force_checkpoint glob icu_calendar_names json_execute_serialized_sql parquet_bloom_probe
  parquet_file_metadata parquet_full_metadata parquet_kv_metadata parquet_metadata parquet_scan parquet_schema
  pg_timezone_names pragma_collations pragma_database_size pragma_metadata_info pragma_platform pragma_show
  pragma_storage_info pragma_table_info pragma_user_agent pragma_version query query_table read_blob read_csv
  read_csv_auto read_duckdb read_json read_json_auto read_json_objects read_json_objects_auto read_ndjson
  read_ndjson_auto read_ndjson_objects read_parquet read_text seq_scan sniff_csv sql_auto_complete summary
  test_all_types test_vector_types truncate_duckdb_logs which_secret duckdb_logs_parsed duckdb_profiling_settings
  histogram histogram_values
`);

/** Settings, sequences, catalogs, sessions, waiting, internals; types that no answer can hold. */
const refusedInExpressions = words(`
  can_cast_implicitly cast_to_type col_description combine constant_or_null create_sort_key current_catalog
  current_connection_id current_database current_query current_query_id current_role current_schema current_schemas
  current_setting current_transaction_id current_user currval finalize format_pg_type format_type get_block_size
  get_type getvariable has_any_column_privilege has_column_privilege has_database_privilege
  has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege has_schema_privilege
  has_sequence_privilege has_server_privilege has_table_privilege has_tablespace_privilege icu_sort_key
  in_search_path inet_client_addr inet_client_port inet_server_addr inet_server_port json_deserialize_sql
  json_serialize_plan json_serialize_sql make_type map_to_pg_oid nextval obj_description parse_duckdb_log_message
  pg_collation_is_visible pg_conf_load_time pg_conversion_is_visible pg_function_is_visible pg_get_constraintdef
  pg_get_expr pg_get_viewdef pg_has_role pg_is_other_temp_schema pg_my_temp_schema pg_opclass_is_visible
  pg_operator_is_visible pg_opfamily_is_visible pg_postmaster_start_time pg_size_pretty pg_sleep pg_table_is_visible
  pg_ts_config_is_visible pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible
  pg_typeof remap_struct replace_type session_user setseed shobj_description sleep_ms st_asbinary st_astext st_aswkb
  st_aswkt st_crs st_geomfromwkb st_intersects_extent st_setcrs stats timetz_byte_comparable txid_current user
  variant_bytes_to_variant variant_extract variant_normalize variant_to_parquet_variant variant_typeof vector_type
  write_log
`);

const isRefusedByRule = (name: string): boolean => /^(__internal_|icu_collate_)/.test(name);

async function functionsOf(types: readonly string[]): Promise<string[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const list = types.map((type) => `'${type}'`).join(', ');
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN (${list}) ORDER BY 1`,
  );
  return reader.getRows().map(([name]) => String(name));
}

it('classifies every function in expressions', async () => {
  const present = await functionsOf(['scalar', 'aggregate', 'macro']);
  const known = new Set([...scalarFunctions, ...operators, ...refusedInExpressions]);
  expect(present.filter((name) => !known.has(name) && !isRefusedByRule(name))).toEqual([]);
  expect(refusedInExpressions.filter((name) => scalarFunctions.has(name) || operators.has(name))).toEqual([]);
});

it('classifies every function in FROM', async () => {
  const present = await functionsOf(['table', 'table_macro']);
  const known = new Set([...tableFunctions, ...refusedInFrom]);
  expect(present.filter((name) => !known.has(name) && !isRefusedByRule(name))).toEqual([]);
  expect(refusedInFrom.filter((name) => tableFunctions.has(name))).toEqual([]);
});

it('allows no function that DuckDB does not have', async () => {
  const present = new Set(await functionsOf(['scalar', 'aggregate', 'macro', 'table', 'table_macro']));
  expect([...scalarFunctions, ...tableFunctions, ...operators].filter((name) => !present.has(name))).toEqual([]);
});
