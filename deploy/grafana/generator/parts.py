"""Panels of a few kinds, with what all of them share: a data source, a description, a unit, a text for "nothing"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models import prometheus as queries

from deploy.grafana.generator import look

DATASOURCE = model.DataSourceRef("prometheus", "${datasource}")
Panel = TypeVar("Panel", bargauge.Panel, heatmap.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)
AnyPanel = (
    bargauge.Panel | heatmap.Panel | stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """What a panel says in words.

    shows   what is seen
    do      what to do about it
    empty   what stands there when there is no data
    """

    title: str
    shows: str
    do: str
    empty: str = "No data yet"

    @property
    def description(self) -> str:
        return f"{self.shows}\n\n{self.do}"


@dataclass(frozen=True, slots=True)
class Look:
    """Size in grid units (24 columns make the width; 8 rows are about 300 pixels), unit, thresholds, colours by series."""

    width: int
    height: int = 8
    unit: str = "short"
    decimals: int | None = None
    thresholds: build.ThresholdsConfig | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    mappings: Sequence[model.ValueMapping] = ()
    links: Sequence[build.DashboardLink] = ()


def _dress(panel: Panel, text: Text, look_: Look, targets: Sequence[prometheus.Dataquery]) -> Panel:
    panel.title(text.title).description(text.description).no_value(text.empty).datasource(DATASOURCE)
    panel.span(look_.width).height(look_.height).unit(look_.unit)
    panel.thresholds(look_.thresholds or look.steps(look.PLAIN))
    if look_.decimals is not None:
        panel.decimals(look_.decimals)
    if look_.mappings:
        panel.mappings(list(look_.mappings))
    if look_.links:
        panel.data_links(list(look_.links))
    for name, colour in look_.colours.items():
        panel.override_by_name(name, [look.fixed(colour)])
    for ref, target in zip(ascii_uppercase, targets, strict=False):
        panel.with_target(target.ref_id(ref).datasource(DATASOURCE))
    return panel


def over_time(expr: str, legend: str, *, exemplars: bool = False) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(expr).legend_format(legend).range()
    return query.exemplar(True) if exemplars else query


def now(expr: str, legend: str = "") -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).legend_format(legend).instant()


def rows(expr: str) -> prometheus.Dataquery:
    return now(expr).format(queries.PromQueryFormat.TABLE)


def buckets(expr: str) -> prometheus.Dataquery:
    return over_time(expr, "{{le}}").format(queries.PromQueryFormat.HEATMAP)


def number(text: Text, look_: Look, *targets: prometheus.Dataquery, names: bool = False) -> stat.Panel:
    """One number, or a few, as they are now."""
    panel = _dress(stat.Panel(), text, look_, targets)
    panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    mode = options.BigValueTextMode.VALUE_AND_NAME if names else options.BigValueTextMode.VALUE
    return (
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .graph_mode(options.BigValueGraphMode.NONE)
        .color_mode(options.BigValueColorMode.VALUE)
        .text_mode(mode)
    )


def lines(text: Text, look_: Look, *targets: prometheus.Dataquery) -> timeseries.Panel:
    """Values over time; a dashed line where a threshold is."""
    panel = _dress(timeseries.Panel(), text, look_, targets)
    if look_.thresholds:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED))
    return (
        panel.legend(_legend(["lastNotNull", "max"]))
        .tooltip(_tooltip())
        .line_width(2)
        .show_points(options.VisibilityMode.AUTO)
        .axis_soft_min(0)
    )


def areas(text: Text, look_: Look, *targets: prometheus.Dataquery) -> timeseries.Panel:
    """Parts of a whole over time, one on top of the other."""
    stacked = common.StackingConfig().mode(options.StackingMode.NORMAL).group("A")
    return lines(text, look_, *targets).stacking(stacked).fill_opacity(60).line_width(1)


def bars(text: Text, look_: Look, *targets: prometheus.Dataquery) -> timeseries.Panel:
    """Events over time, those of one step on top of each other. A step is at least five minutes: events are rare."""
    panel = areas(text, look_, *targets).draw_style(options.GraphDrawStyle.BARS)
    return panel.fill_opacity(90).legend(_legend(["sum"])).interval("5m")


def states(text: Text, look_: Look, *targets: prometheus.Dataquery) -> statetimeline.Panel:
    """A row for each series, coloured by what held when."""
    panel = _dress(statetimeline.Panel(), text, look_, targets)
    panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    panel.legend(common.VizLegendOptions().display_mode(options.LegendDisplayMode.LIST).show_legend(False).calcs([]))
    panel.tooltip(_tooltip()).show_value(options.VisibilityMode.AUTO).merge_values(True).row_height(0.8)
    return panel.fill_opacity(80).line_width(0)


def gauges(text: Text, look_: Look, *targets: prometheus.Dataquery) -> bargauge.Panel:
    """A bar for each series, as it is now."""
    panel = _dress(bargauge.Panel(), text, look_, targets).min(0)
    panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    return (
        panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .orientation(options.VizOrientation.HORIZONTAL)
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .value_mode(options.BarGaugeValueMode.TEXT)
        .legend(_legend([]).show_legend(False))
    )


def density(text: Text, look_: Look, target: prometheus.Dataquery) -> heatmap.Panel:
    """How a histogram's observations are spread, over time."""
    panel = _dress(heatmap.Panel(), text, look_, [target])
    scheme = heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Oranges").fill("dark-orange")
    return (
        panel.calculate(False)
        .color(scheme.scale(heat.HeatmapColorScale.EXPONENTIAL).exponent(0.5).steps(64).reverse(False))
        .y_axis(heatmap.YAxisConfig().unit(look_.unit).axis_placement(options.AxisPlacement.LEFT))
        .cell_values(heatmap.CellValues().unit("short"))
        .rows_frame(heatmap.RowsHeatmapOptions().layout(options.HeatmapCellLayout.AUTO))
        .show_value(options.VisibilityMode.NEVER)
        .mode(options.TooltipDisplayMode.SINGLE)
        .exemplars_color("rgba(255,0,255,0.7)")
        .show_legend()
        .interval("1h")
    )


def grid(text: Text, look_: Look, *targets: prometheus.Dataquery, sort: str = "", desc: bool = True) -> table.Panel:
    """Rows and columns, as they are now. Several queries become one row for each set of labels."""
    panel = _dress(table.Panel(), text, look_, targets)
    if len(targets) > 1:
        panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    if sort:
        panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(desc)])
    panel.show_header(True).cell_height(options.TableCellHeight.SM)
    return panel.cell_options(options.TableAutoCellOptions()).filterable(True)


def ordered(panel: table.Panel, *fields: str, without: Sequence[str] = ()) -> table.Panel:
    """The columns in this order, the time and `without` left out."""
    arranged = {
        "excludeByName": dict.fromkeys(("Time", *without), True),
        "indexByName": {name: index for index, name in enumerate(fields)},
        "renameByName": {},
    }
    return panel.with_transformation(model.DataTransformerConfig(id_val="organize", options=arranged))


def matrix(panel: table.Panel, *, row: str, column: str, value: str) -> table.Panel:
    """The values of one field as a table: a row for each value of one label, a column for each of another."""
    chosen = {"rowField": row, "columnField": column, "valueField": value, "emptyValue": "null"}
    panel.with_transformation(model.DataTransformerConfig(id_val="groupingToMatrix", options=chosen))
    sort = {"fields": {}, "sort": [{"field": f"{row}\\{column}", "desc": False}]}
    panel.with_transformation(model.DataTransformerConfig(id_val="sortBy", options=sort))
    return panel.override_by_name(f"{row}\\{column}", look.column(row.capitalize()))


def coloured_cells() -> dict[str, str]:
    """The value of a column's `custom.cellOptions`: text in the colour of its threshold or mapping."""
    return {"type": "color-text"}


def filled_cells() -> dict[str, str]:
    """As `coloured_cells`, but the whole cell: what must not be overlooked."""
    return {"type": "color-background", "mode": "basic"}


def _legend(calcs: list[str]) -> common.VizLegendOptions:
    mode = options.LegendDisplayMode.TABLE if calcs else options.LegendDisplayMode.LIST
    return (
        common.VizLegendOptions()
        .display_mode(mode)
        .placement(options.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(calcs)
    )


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING)
