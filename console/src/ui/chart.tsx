/** Charts on a canvas. Load it lazily: `lazy(() => import('…/ui/chart.tsx'))`. */
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  ScatterController,
  TimeScale,
  Tooltip,
} from 'chart.js';
import 'chartjs-adapter-date-fns';
import { useEffect, useRef, useState } from 'react';
import { theme } from '../shell/theme.ts';
import { useStore } from '../store.ts';
import type { ChartData } from './chart-data.ts';

Chart.register(
  BarController,
  BarElement,
  CategoryScale,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  ScatterController,
  TimeScale,
  Tooltip,
);

/** @param props.label what it shows, for those who do not see it */
export default function ChartCanvas({ label, data }: { label: string; data: ChartData }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = useColours();
  useEffect(() => {
    if (!canvas.current) return undefined;
    const chart = new Chart(canvas.current, configOf(data, colours));
    return () => chart.destroy();
  }, [data, colours]);
  return (
    <div className="chart-frame">
      <canvas ref={canvas} role="img" aria-label={label} />
    </div>
  );
}

interface Colours {
  readonly text: string;
  readonly line: string;
  readonly series: readonly string[];
}

/** A canvas knows no variables: they are read whenever light becomes dark. */
function useColours(): Colours {
  const chosen = useStore(theme);
  const [isDark, setDark] = useState(darkness.matches);
  const [colours, setColours] = useState(readColours);
  useEffect(() => {
    const note = (): void => setDark(darkness.matches);
    darkness.addEventListener('change', note);
    return () => darkness.removeEventListener('change', note);
  }, []);
  useEffect(() => setColours(readColours()), [chosen, isDark]);
  return colours;
}

const darkness = matchMedia('(prefers-color-scheme: dark)');

function readColours(): Colours {
  const probe = document.body.appendChild(document.createElement('i'));
  const read = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const series = Array.from({ length: 8 }, (_, index) => read(`series-${index + 1}`));
  const colours = { text: read('muted'), line: read('line'), series };
  probe.remove();
  return colours;
}

function configOf({ type, x, series, isStacked = false }: ChartData, colours: Colours): ChartConfiguration {
  const isScatter = type === 'scatter';
  const datasets = series.map(({ name, values }, index) => {
    const colour = colours.series[index % colours.series.length] ?? colours.text;
    return {
      label: name,
      data: x.kind === 'category' ? values : values.map((value, at) => ({ x: x.values[at] ?? 0, y: value })),
      borderColor: colour,
      backgroundColor: type === 'line' ? colour : translucent(colour, type === 'area' ? 0.25 : 0.75),
      borderWidth: type === 'bar' ? 1 : 2,
      pointRadius: isScatter ? 3 : values.length > 60 ? 0 : 2,
      fill: type === 'area',
      spanGaps: true,
    };
  });
  const labels = x.kind === 'category' ? { labels: [...x.labels] } : {};
  return {
    type: type === 'area' ? 'line' : type,
    data: { ...labels, datasets },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: isScatter ? 'nearest' : 'index', intersect: false },
      plugins: { legend: { display: series.length > 1, labels: { color: colours.text } } },
      scales: {
        x: { ...axis(x.title, colours), ...scaleOf(x), stacked: isStacked },
        y: { ...axis(null, colours), beginAtZero: type !== 'scatter', stacked: isStacked },
      },
    },
  } as ChartConfiguration;
}

function axis(title: string | null, { text, line }: Colours) {
  const named = title === null ? {} : { title: { display: true, text: title, color: text } };
  return { ticks: { color: text, maxRotation: 45, autoSkip: true }, grid: { color: line }, ...named };
}

function scaleOf({ kind }: ChartData['x']) {
  if (kind === 'time') return { type: 'time', time: { tooltipFormat: 'yyyy-MM-dd HH:mm:ss' } };
  return { type: kind === 'category' ? 'category' : 'linear' };
}

/** `rgb(1, 2, 3)` → `rgba(1, 2, 3, 0.5)`. */
function translucent(colour: string, alpha: number): string {
  return colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}
