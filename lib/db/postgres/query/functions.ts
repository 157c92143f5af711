/**
 * What is not listed is refused: among PostgreSQL's functions are those that read files, run text as SQL, change
 * settings or wait.
 */
function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** In expressions, as PostgreSQL calls them (`extract`, `timezone` for AT TIME ZONE, `like_escape`, …). */
export const scalarFunctions = words(`
  abs acos acosd acosh age any_value array_agg array_append array_cat array_dims array_length array_lower array_ndims
  array_position array_positions array_prepend array_remove array_replace array_to_json array_to_string array_upper
  ascii asin asind asinh atan atan2 atan2d atand atanh avg bit_and bit_count bit_length bit_or bit_xor bool_and
  bool_or btrim cardinality casefold cbrt ceil ceiling char_length character_length chr clock_timestamp concat
  concat_ws corr cos cosd cosh cot cotd count covar_pop covar_samp crc32 crc32c cume_dist date_add date_bin date_part
  date_subtract date_trunc decode degrees dense_rank div encode erf erfc every exp extract factorial first_value floor
  format gamma gcd gen_random_uuid greatest initcap isempty isfinite json_agg json_array_length json_build_array
  json_build_object json_extract_path json_extract_path_text json_object json_object_agg json_strip_nulls json_typeof
  jsonb_agg jsonb_array_length jsonb_build_array jsonb_build_object jsonb_contains jsonb_exists jsonb_extract_path
  jsonb_extract_path_text jsonb_object jsonb_object_agg jsonb_path_exists jsonb_path_match jsonb_path_query_array
  jsonb_path_query_first jsonb_pretty jsonb_set jsonb_insert jsonb_strip_nulls jsonb_typeof justify_days justify_hours
  justify_interval lag last_value lcm lead least left length lgamma like_escape ln log log10 lower lpad ltrim make_date
  make_interval make_time make_timestamp make_timestamptz max md5 min min_scale mod mode now nth_value ntile nullif
  num_nonnulls num_nulls octet_length overlaps overlay percent_rank percentile_cont percentile_disc pi position power
  radians random rank regexp_count regexp_instr regexp_like regexp_match regexp_replace regexp_split_to_array
  regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat
  replace reverse right round row_number row_to_json rpad rtrim scale sha224 sha256 sha384 sha512 sign similar_escape
  similar_to_escape sin sind sinh split_part sqrt starts_with statement_timestamp stddev stddev_pop stddev_samp
  string_agg string_to_array strpos substr substring sum tan tand tanh timezone to_char to_date to_hex to_json to_jsonb
  to_number to_timestamp transaction_timestamp translate trim_array trim_scale trunc unistr upper uuidv4 uuidv7
  uuid_extract_timestamp uuid_extract_version var_pop var_samp variance width_bucket
`);

/** In FROM, and in a list of columns. */
export const setFunctions = words(`
  generate_series generate_subscripts json_array_elements json_array_elements_text json_each json_each_text
  json_object_keys jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_object_keys
  jsonb_path_query regexp_matches regexp_split_to_table string_to_table unnest
`);

/** Of casts. Not among them: those whose text names what is in the catalogs (`regclass`). */
export const types = words(`
  bool boolean int2 int4 int8 smallint integer int bigint float4 float8 real numeric decimal text varchar bpchar name
  bytea uuid json jsonb date time timetz timestamp timestamptz interval bit varbit
`);

/** CURRENT_DATE and its like; not those that name users and databases. */
export const clockValues =
  /^SVFOP_(?:CURRENT_DATE|(?:CURRENT_TIME|CURRENT_TIMESTAMP|LOCALTIME|LOCALTIMESTAMP)(?:_N)?)$/;
