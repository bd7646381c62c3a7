//! (pure) Line charts as HTML and inline SVG, with a table of the same numbers beside each.
//!
//! The plot stretches with its column while the labels are text of the page, so that they stay readable on a phone.
//! Absent: scripts and data. The page's script reads the table.

use std::fmt::Write as _;

use super::format;

/// Width and height of the plot's own coordinates.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 200.0;

/// Most points of one line; longer ones are drawn by stretches.
pub(super) const POINTS_MAX: usize = 600;

/// One line of a chart.
pub(super) struct Line {
    /// Its name in the legend and the table.
    pub(super) name: String,
    /// Which of the page's styles it has.
    pub(super) style: &'static str,
    /// Its values; `None` leaves a gap.
    pub(super) values: Vec<Option<f64>>,
}

/// What the values of a chart are.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Measure {
    /// Something per second.
    PerSecond,
    /// Microseconds.
    Us,
}

/// Where the points stand.
pub(super) struct Axis {
    /// Heading of the table's first column.
    pub(super) name: &'static str,
    /// For each point its place from 0 to 1, and its name.
    pub(super) points: Vec<(f64, String)>,
    /// Labels below the plot, by place.
    pub(super) ticks: Vec<(f64, String)>,
}

/// A chart.
pub(super) struct Chart {
    /// Unique in the page.
    pub(super) id: String,
    /// What it shows.
    pub(super) title: String,
    /// What is to be seen in it, in a sentence.
    pub(super) description: String,
    pub(super) measure: Measure,
    pub(super) axis: Axis,
    pub(super) lines: Vec<Line>,
}

/// Where values stand between bottom and top.
struct Scale {
    log: bool,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Chart {
    /// Returns the chart as a `<figure>`; every text in it is escaped.
    pub(super) fn html(&self) -> String {
        let scale = Scale::of(self);
        let mut html = String::new();
        let written = self.write(&mut html, &scale);
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        html
    }

    fn write(&self, out: &mut String, scale: &Scale) -> std::fmt::Result {
        let (id, title) = (escape(&self.id), escape(&self.title));
        let unit = match (self.measure, scale.log) {
            (Measure::PerSecond, _) => "per second",
            (Measure::Us, true) => "log scale",
            (Measure::Us, false) => "",
        };
        write!(
            out,
            "<figure class=\"chart\" id=\"{id}\"><figcaption>{title} <small>{unit}</small></figcaption>"
        )?;
        self.write_legend(out)?;
        write!(
            out,
            "<div class=\"plot\" tabindex=\"0\" role=\"group\" aria-label=\"{title}: arrow keys read the values\">"
        )?;
        self.write_svg(out, scale)?;
        for tick in &scale.ticks {
            let top = 100.0 - scale.place(*tick) * 100.0;
            write!(
                out,
                "<span class=\"y\" style=\"top:{top:.2}%\" aria-hidden=\"true\">{}</span>",
                escape(&self.label(*tick))
            )?;
        }
        for (place, name) in &self.axis.ticks {
            let edge = if *place > 0.985 { " last" } else { "" };
            write!(
                out,
                "<span class=\"x{edge}\" style=\"left:{:.2}%\" aria-hidden=\"true\">{}</span>",
                place * 100.0,
                escape(name)
            )?;
        }
        out.push_str("</div>");
        self.write_table(out)?;
        out.push_str("</figure>\n");
        Ok(())
    }

    fn write_legend(&self, out: &mut String) -> std::fmt::Result {
        out.push_str("<ul class=\"legend\" aria-hidden=\"true\">");
        for line in &self.lines {
            write!(
                out,
                "<li><svg width=\"22\" height=\"8\"><path class=\"line {}\" d=\"M1 4H21\"/></svg>{}</li>",
                line.style,
                escape(&line.name)
            )?;
        }
        out.push_str("</ul>");
        Ok(())
    }

    fn write_svg(&self, out: &mut String, scale: &Scale) -> std::fmt::Result {
        let id = escape(&self.id);
        write!(
            out,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
            escape(&self.title),
            escape(&self.description)
        )?;
        for tick in &scale.ticks {
            write!(out, "<path class=\"grid\" d=\"M0 {:.1}H{WIDTH}\"/>", scale.y(*tick))?;
        }
        // The first line lies on top: where `started` keeps to `planned`, the dashes of both show.
        for line in self.lines.iter().rev() {
            let path = self.path(line, scale);
            if line.style == "dropped" && !path.is_empty() {
                let last = self.axis.points.last().map_or(0.0, |(place, _)| place * WIDTH);
                write!(
                    out,
                    "<path class=\"area {}\" d=\"{path}L{last:.1} {HEIGHT}H0Z\"/>",
                    line.style
                )?;
            }
            write!(out, "<path class=\"line {}\" d=\"{path}\"/>", line.style)?;
        }
        out.push_str("</svg>");
        Ok(())
    }

    fn path(&self, line: &Line, scale: &Scale) -> String {
        let mut path = String::new();
        let mut drawing = false;
        for (value, (place, _)) in line.values.iter().zip(&self.axis.points) {
            let Some(value) = value else {
                drawing = false;
                continue;
            };
            let command = if drawing { 'L' } else { 'M' };
            let (x, y) = (place * WIDTH, scale.y(*value));
            // A stroke of no length with round ends shows a point that stands alone.
            let dot = if drawing { "" } else { "h0" };
            path.push_str(&format!("{command}{x:.1} {y:.1}{dot}"));
            drawing = true;
        }
        path
    }

    fn write_table(&self, out: &mut String) -> std::fmt::Result {
        out.push_str("<details class=\"data\"><summary>Data</summary><div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
        write!(out, "<th scope=\"col\">{}</th>", escape(self.axis.name))?;
        for line in &self.lines {
            write!(out, "<th scope=\"col\">{}</th>", escape(&line.name))?;
        }
        out.push_str("</tr></thead><tbody>");
        for (at, (place, name)) in self.axis.points.iter().enumerate() {
            write!(
                out,
                "<tr data-x=\"{:.2}\"><th scope=\"row\">{}</th>",
                place * 100.0,
                escape(name)
            )?;
            for line in &self.lines {
                let value = line.values.get(at).copied().flatten();
                let text = value.map_or_else(|| "–".to_owned(), |value| self.exact(value));
                write!(out, "<td>{}</td>", escape(&text))?;
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div></details>");
        Ok(())
    }

    fn label(&self, value: f64) -> String {
        match self.measure {
            Measure::PerSecond => format::compact(value),
            Measure::Us if value <= 0.0 => "0".to_owned(),
            Measure::Us if value >= 1e6 => format!("{} s", format::compact(value / 1e6)),
            Measure::Us if value >= 1e3 => format!("{} ms", format::compact(value / 1e3)),
            Measure::Us => format!("{} µs", format::compact(value)),
        }
    }

    fn exact(&self, value: f64) -> String {
        match self.measure {
            Measure::PerSecond if value.fract() == 0.0 => format!("{value:.0}"),
            Measure::PerSecond => format!("{value:.1}"),
            Measure::Us => format::duration(format!("{value:.0}").parse().unwrap_or(0)),
        }
    }
}

impl Scale {
    fn of(chart: &Chart) -> Scale {
        let values = || chart.lines.iter().flat_map(|line| line.values.iter().flatten().copied());
        let high = values().fold(0.0, f64::max);
        let low = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        // Beyond a factor of thirty the lower half of the lines would lie on the axis.
        if chart.measure == Measure::Us && low.is_finite() && high / low > 30.0 {
            Scale::logarithmic(low, high)
        } else {
            Scale::linear(high)
        }
    }

    /// Four to six steps of 1, 2 or 5 times a power of ten, from 0.
    fn linear(high: f64) -> Scale {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = nice_step(high / 4.5);
        // A line at the very top would look cut off.
        let n = (high * 1.02 / step).ceil().max(1.0);
        let mut ticks = Vec::new();
        let mut tick = 0.0;
        while tick <= n * step + step / 2.0 && ticks.len() < 12 {
            ticks.push(tick);
            tick += step;
        }
        Scale { log: false, low: 0.0, high: n * step, ticks }
    }

    fn logarithmic(low: f64, high: f64) -> Scale {
        let bottom = 10f64.powf(low.log10().floor());
        let mut ticks = Vec::new();
        let mut decade = bottom;
        let few = high / low < 1_000.0;
        while ticks.len() < 20 {
            let steps: &[f64] = if few { &[1.0, 2.0, 5.0] } else { &[1.0] };
            for step in steps {
                ticks.push(decade * step);
            }
            if ticks.last().is_some_and(|last| *last >= high) {
                break;
            }
            decade *= 10.0;
        }
        let first_above = ticks.iter().position(|tick| *tick >= high).unwrap_or(ticks.len() - 1);
        ticks.truncate(first_above + 1);
        let first = ticks.iter().rposition(|tick| *tick <= low).unwrap_or(0);
        ticks.drain(..first);
        let (low, high) =
            (ticks.first().copied().unwrap_or(1.0), ticks.last().copied().unwrap_or(10.0));
        Scale { log: true, low, high, ticks }
    }

    /// Returns the place of a value from 0 at the bottom to 1 at the top.
    fn place(&self, value: f64) -> f64 {
        let place = if self.log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            value / self.high
        };
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 }
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - self.place(value) * HEIGHT
    }
}

/// Returns the least of 1, 2, 5 times a power of ten that is not below `wanted`.
fn nice_step(wanted: f64) -> f64 {
    let power = 10f64.powf(wanted.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= wanted * 0.999).unwrap_or(10.0 * power)
}

/// Returns an axis of `len` points, `stretch` seconds each.
pub(super) fn time_axis(len: usize, stretch: usize) -> Axis {
    const STEPS: [usize; 15] =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 21_600, 86_400, 604_800];
    let seconds = len * stretch;
    let long = seconds > 180;
    let name = |second: usize| match (long, second / 3600) {
        (false, _) => format!("{second} s"),
        (true, 0) => format!("{}:{:02}", second / 60, second % 60),
        (true, hours) => format!("{hours}:{:02}:{:02}", second / 60 % 60, second % 60),
    };
    let place = |second: usize| second as f64 / ((len.max(2) - 1) * stretch) as f64;
    let step = STEPS.into_iter().find(|step| seconds <= step * 6).unwrap_or(604_800);
    Axis {
        name: "Second",
        points: (0..len).map(|at| (place(at * stretch), name(at * stretch))).collect(),
        ticks: (0..)
            .map(|at| at * step)
            .take_while(|second| place(*second) <= 1.0)
            .take(12)
            .map(|second| (place(second), name(second)))
            .collect(),
    }
}

/// Escapes text for HTML, in elements and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{Scale, nice_step, time_axis};

    #[test]
    fn ticks_are_round_and_reach_beyond_the_highest_value() {
        let scale = Scale::linear(203.0);
        assert_eq!(scale.ticks, [0.0, 50.0, 100.0, 150.0, 200.0, 250.0]);
        assert_eq!(Scale::linear(0.0).ticks.first(), Some(&0.0));
        let scale = Scale::logarithmic(4_300.0, 1_900_000.0);
        assert_eq!((scale.low, scale.high), (2_000.0, 2_000_000.0));
        assert_eq!((scale.place(2_000.0), scale.place(2_000_000.0)), (0.0, 1.0));
        for (wanted, step) in [(0.9, 1.0), (1.1, 2.0), (34.0, 50.0), (600.0, 1000.0)] {
            assert!((nice_step(wanted) - step).abs() < step / 1e6, "{wanted}");
        }
    }

    #[test]
    fn an_axis_of_any_length_has_a_handful_of_labels() {
        for (len, stretch) in [(1, 1), (2, 1), (42, 1), (600, 1), (600, 12), (600, 4_320)] {
            let axis = time_axis(len, stretch);
            assert!((1..=8).contains(&axis.ticks.len()), "{len} × {stretch}: {}", axis.ticks.len());
            assert_eq!(axis.points.len(), len);
        }
    }
}
