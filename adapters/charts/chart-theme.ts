import type { Config } from 'vega-lite'

/** Colours of one scheme; the same as the report's page (pipeline/report/report-style.ts), so that a chart looks drawn on it. */
export interface ChartTheme {
  readonly background: string
  readonly ink: string
  readonly soft: string
  readonly line: string
  readonly accent: string
  readonly bad: string
  /** For categories, in this order; told apart by colour-blind readers too (Okabe and Ito 2008, shaded for each background). */
  readonly categories: readonly string[]
}

export const LIGHT: ChartTheme = {
  background: '#ffffff',
  ink: '#1c2128',
  soft: '#5b6570',
  line: '#dfe3e8',
  accent: '#0a66c2',
  bad: '#c62a2f',
  categories: ['#0a66c2', '#e08a00', '#18794e', '#a3559b', '#39a0c9', '#9aa4ae'],
}

export const DARK: ChartTheme = {
  background: '#161b21',
  ink: '#e4e9ee',
  soft: '#98a3af',
  line: '#2b333c',
  accent: '#6cb0ff',
  bad: '#ff8086',
  categories: ['#6cb0ff', '#f2b24e', '#56cf8d', '#d79bd0', '#7fd0ec', '#6b7580'],
}

/** Vega-Lite configuration of a theme. The font is the one that the PNGs are drawn with; a browser without it takes its own. */
export function configOf({ background, ink, soft, line, accent, categories }: ChartTheme): Config {
  const font = 'DejaVu Sans, Verdana, sans-serif'
  return {
    background,
    // The chart's alt text says what it shows; labels of single marks would be heard by nobody.
    aria: false,
    font,
    padding: { left: 2, right: 14, top: 6, bottom: 6 },
    view: { stroke: null },
    title: {
      color: ink,
      fontSize: 13,
      fontWeight: 'bold',
      anchor: 'start',
      frame: 'bounds',
      offset: 12,
      subtitleColor: soft,
      subtitleFontSize: 11,
      subtitlePadding: 4,
    },
    axis: {
      labelColor: ink,
      labelFontSize: 11,
      labelLimit: 330,
      titleColor: soft,
      titleFontSize: 11,
      titleFontWeight: 'normal',
      gridColor: line,
      domain: false,
      ticks: false,
      labelPadding: 6,
      titlePadding: 8,
    },
    header: { labelColor: ink, labelFontSize: 11, titleColor: soft },
    legend: {
      labelColor: ink,
      labelFontSize: 11,
      labelLimit: 330,
      titleColor: soft,
      titleFontSize: 11,
      titleFontWeight: 'normal',
      symbolSize: 70,
      symbolType: 'square',
      orient: 'bottom',
      direction: 'horizontal',
      columns: 2,
      columnPadding: 22,
      offset: 8,
    },
    bar: { color: accent },
    point: { color: accent },
    text: { color: ink, fontSize: 11 },
    range: { category: [...categories] },
  }
}
