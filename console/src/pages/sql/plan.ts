/** Plans as the engines write them, as one tree. */

export interface PlanNode {
  readonly name: string;
  readonly details: readonly (readonly [string, string])[];
  readonly estimatedRows: number | null;
  /** Only of a plan that was run. */
  readonly rows: number | null;
  /** Of this node alone. */
  readonly ms: number | null;
  readonly children: readonly PlanNode[];
}

type Json = Readonly<Record<string, unknown>>;

/** The JSON is in the last column of the only row. */
export function readPlan(rows: readonly (readonly (string | null)[])[]): PlanNode {
  const parsed = JSON.parse(rows[0]?.at(-1) ?? 'null') as unknown;
  const root = (Array.isArray(parsed) ? parsed[0] : parsed) as Json;
  return 'Plan' in root ? postgresNode(root['Plan'] as Json) : duckDbNode(withoutWrapping(root));
}

/** Of a plan that was run, the first nodes are about the statement as a whole. */
function withoutWrapping(node: Json): Json {
  const [only, ...others] = listOf(node['children']);
  const isWrapping = nameOf(node) === '' || nameOf(node) === 'EXPLAIN_ANALYZE';
  return isWrapping && only && others.length === 0 ? withoutWrapping(only) : node;
}

const nameOf = (node: Json): string => textOf(node['name'] ?? node['operator_name'] ?? '');

function duckDbNode(node: Json): PlanNode {
  const { 'Estimated Cardinality': estimated, ...more } = (node['extra_info'] ?? {}) as Json;
  const seconds = node['operator_timing'];
  return {
    name: nameOf(node).trim().replaceAll('_', ' '),
    details: Object.entries(more).map(([name, value]) => [name, textOf(value)] as const),
    estimatedRows: estimated === undefined ? null : Number(estimated),
    rows: typeof node['operator_cardinality'] === 'number' ? node['operator_cardinality'] : null,
    ms: typeof seconds === 'number' ? seconds * 1000 : null,
    children: listOf(node['children']).map(duckDbNode),
  };
}

const apart = new Set(['Node Type', 'Plans', 'Plan Rows', 'Plan Width', 'Parallel Aware', 'Async Capable', 'Disabled']);

function postgresNode(node: Json): PlanNode {
  const children = listOf(node['Plans']);
  const total = totalMs(node);
  return {
    name: textOf(node['Node Type']),
    details: Object.entries(node)
      .filter(([name]) => !apart.has(name) && !name.startsWith('Actual '))
      .map(([name, value]) => [name, textOf(value)] as const),
    estimatedRows: Number(node['Plan Rows']),
    rows: typeof node['Actual Rows'] === 'number' ? node['Actual Rows'] * loopsOf(node) : null,
    ms: total === null ? null : Math.max(0, total - children.reduce((sum, child) => sum + (totalMs(child) ?? 0), 0)),
    children: children.map(postgresNode),
  };
}

const loopsOf = (node: Json): number => Number(node['Actual Loops'] ?? 1);

function totalMs(node: Json): number | null {
  const ms = node['Actual Total Time'];
  return typeof ms === 'number' ? ms * loopsOf(node) : null;
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function totalOf(node: PlanNode): number {
  return (node.ms ?? 0) + node.children.reduce((sum, child) => sum + totalOf(child), 0);
}
