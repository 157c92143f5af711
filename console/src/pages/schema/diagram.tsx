import { type Edge, MarkerType, Panel, ReactFlow, ReactFlowProvider, useNodesState, useReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { Maximize, ZoomIn, ZoomOut } from 'lucide-react';
import { useEffect, useMemo, useRef } from 'react';
import type { Relation } from '../../api/catalog.ts';
import { IconButton } from '../../ui/button.tsx';
import { type Link, nodeWidth, place } from './model.ts';
import { TableNode, type TableNodeType } from './table-node.tsx';

interface DiagramProps {
  readonly relations: readonly Relation[];
  readonly links: readonly Link[];
  /** The table that is looked for. */
  readonly sought: Relation | undefined;
  readonly onChoose: (relation: Relation) => void;
}

export function Diagram(props: DiagramProps) {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  );
}

const nodeTypes = { table: TableNode };
const fitting = { padding: 0.08, maxZoom: 1 };

function Canvas({ relations, links, sought, onChoose }: DiagramProps) {
  const { fitView } = useReactFlow();
  const pointedAt = useRef<string | null>(null);
  const placed = useMemo(() => place(relations, links).map(nodeOf), [relations, links]);
  const edges = useMemo(() => edgesOf(relations, links), [relations, links]);
  const [nodes, setNodes, onNodesChange] = useNodesState<TableNodeType>(placed);
  useEffect(() => {
    setNodes(placed);
    // Only when they are drawn their sizes are known.
    const timer = setTimeout(() => void fitView(fitting), 50);
    return () => clearTimeout(timer);
  }, [placed, setNodes, fitView]);
  useEffect(() => {
    if (!sought) return undefined;
    setNodes((all) => all.map((node) => ({ ...node, selected: node.id === sought.path })));
    // Who pointed at it sees it.
    if (pointedAt.current === sought.path) return undefined;
    const timer = setTimeout(() => void fitView({ ...fitting, nodes: [{ id: sought.path }], padding: 0.6 }), 80);
    return () => clearTimeout(timer);
  }, [sought, placed, setNodes, fitView]);
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={nodeTypes}
      onNodesChange={onNodesChange}
      onNodeClick={(_, { data: { relation } }) => {
        pointedAt.current = relation.path;
        onChoose(relation);
      }}
      fitView
      fitViewOptions={fitting}
      minZoom={0.05}
      maxZoom={2}
      nodesConnectable={false}
      edgesFocusable={false}
      deleteKeyCode={null}
      proOptions={{ hideAttribution: true }}
      aria-label="Tables and their references"
    >
      <Zoom />
    </ReactFlow>
  );
}

function Zoom() {
  const { fitView, zoomIn, zoomOut } = useReactFlow();
  return (
    <Panel position="bottom-right" className="schema-zoom">
      <IconButton label="Zoom in" icon={<ZoomIn aria-hidden />} onClick={() => void zoomIn()} />
      <IconButton label="Zoom out" icon={<ZoomOut aria-hidden />} onClick={() => void zoomOut()} />
      <IconButton label="Show all of it" icon={<Maximize aria-hidden />} onClick={() => void fitView(fitting)} />
    </Panel>
  );
}

function nodeOf({ relation, columns, x, y }: ReturnType<typeof place>[number]): TableNodeType {
  return {
    id: relation.path,
    type: 'table',
    position: { x, y },
    data: { relation, columns },
    width: nodeWidth,
    ariaLabel: `${relation.kind} ${relation.path}`,
  };
}

function edgesOf(relations: readonly Relation[], links: readonly Link[]): Edge[] {
  const isShown = new Set(relations);
  return links
    .filter(({ from, to }) => isShown.has(from) && isShown.has(to))
    .map(({ from, to, name, column, targetColumn }) => ({
      id: JSON.stringify([from.path, name, column]),
      source: from.path,
      target: to.path,
      sourceHandle: column,
      targetHandle: targetColumn,
      focusable: false,
      ariaLabel: `${from.path}.${column} refers to ${to.path}.${targetColumn}`,
      markerEnd: { type: MarkerType.ArrowClosed },
    }));
}
