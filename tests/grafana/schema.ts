// Grafana's own types of a dashboard (npm @grafana/schema 11.6.0, Apache-2.0), narrowed to the panels that ours are made
// of, so that a panel's options and queries are checked as well and a misspelt key is refused.
//
// dashboard.schema.json was made of it once, in an empty folder with these two files:
//   npm install @grafana/schema@11.6.0 ts-json-schema-generator@2.4.0 typescript@5.9
//   node schema.mjs
import * as dashboard from './node_modules/@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen';
import * as common from '@grafana/schema';
import * as heatmap from './node_modules/@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import * as stat from './node_modules/@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import * as table from './node_modules/@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import * as timeseries from './node_modules/@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import * as bargauge from './node_modules/@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import * as statetimeline from './node_modules/@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';

// What @grafana/prometheus 11.6.0 declares of a query, which its package does not export as a file of its own.
interface PrometheusQuery {
  refId: string;
  expr: string;
  datasource?: dashboard.DataSourceRef;
  editorMode?: 'code' | 'builder';
  exemplar?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
  hide?: boolean;
  instant?: boolean;
  interval?: string;
  intervalFactor?: number;
  legendFormat?: string;
  queryType?: string;
  range?: boolean;
}

// Both names are `Options` and `FieldConfig` in each of Grafana's files; a schema needs them told apart.
interface BarGaugeOptions extends bargauge.Options {}
interface HeatmapOptions extends heatmap.Options {}
interface HeatmapCustom extends heatmap.FieldConfig {}
interface StatOptions extends stat.Options {}
interface StateTimelineOptions extends statetimeline.Options {}
interface StateTimelineCustom extends statetimeline.FieldConfig {}
interface TableOptions extends table.Options {}
interface TableCustom extends table.FieldConfig {}
interface TimeSeriesOptions extends timeseries.Options {}
interface TimeSeriesCustom extends timeseries.FieldConfig {}

interface FieldsOf<Custom> {
  defaults: Omit<dashboard.FieldConfig, 'custom' | 'links'> & {custom?: Custom; links?: dashboard.DashboardLink[]};
  overrides: dashboard.FieldConfigSource['overrides'];
}

type PanelOf<Type extends string, Options, Custom> = Omit<
  dashboard.Panel,
  'type' | 'options' | 'fieldConfig' | 'targets'
> & {type: Type; options?: Options; fieldConfig?: FieldsOf<Custom>; targets?: PrometheusQuery[]};

type None = Record<string, never>;

type ParityPanel =
  | PanelOf<'bargauge', BarGaugeOptions, None>
  | PanelOf<'heatmap', HeatmapOptions, HeatmapCustom>
  | PanelOf<'stat', StatOptions, None>
  | PanelOf<'state-timeline', StateTimelineOptions, StateTimelineCustom>
  | PanelOf<'table', TableOptions, TableCustom>
  | PanelOf<'timeseries', TimeSeriesOptions, TimeSeriesCustom>;

// What the Prometheus data source adds to an annotation.
interface Annotation extends dashboard.AnnotationQuery {
  expr?: string;
}

export type ParityDashboard = Omit<dashboard.Dashboard, 'annotations' | 'panels' | 'snapshot'> & {
  annotations: {list: Annotation[]};
  panels: (ParityPanel | dashboard.RowPanel)[];
};
