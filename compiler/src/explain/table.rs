//! (pure) Columns for a terminal: aligned, cut in the middle where a name is long, never wider than the page.

use super::label::clipped;

/// Columns that no line leaves.
pub(super) const WIDTH: usize = 100;

/// Column at which a section's content begins.
pub(super) const INDENT: usize = 14;

/// Columns of a section's content.
pub(super) const CONTENT: usize = WIDTH - INDENT;

/// Narrowest that a cut cell becomes.
const CELL_MIN: usize = 8;

/// Names are not cut below this for the sake of more columns.
const NAME_MIN: usize = 24;

/// A line of a table.
#[derive(Debug)]
enum Row {
    /// A cell for each column.
    Cells(Vec<String>),
    /// A text from a column on to the end of the line, which no width depends on.
    Across(usize, String),
}

/// Rows of cells with the same number of columns.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    /// Columns that stand at the left; the others, numbers, at the right.
    left: Vec<usize>,
}

impl Table {
    /// Returns an empty table with its titles and the columns that hold words.
    pub(super) fn new(titles: &[&str], left: &[usize]) -> Table {
        let titles = titles.iter().map(|title| (*title).to_owned()).collect();
        Table { rows: vec![Row::Cells(titles)], left: left.to_vec() }
    }

    /// Returns an empty table without titles.
    pub(super) fn untitled(left: &[usize]) -> Table {
        Table { rows: Vec::new(), left: left.to_vec() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(Row::Cells(cells));
    }

    /// Adds a line of text that begins at `column`.
    pub(super) fn across(&mut self, column: usize, text: String) {
        self.rows.push(Row::Across(column, text));
    }

    fn cells(&self) -> impl Iterator<Item = &Vec<String>> {
        self.rows.iter().filter_map(|row| match row {
            Row::Cells(cells) => Some(cells),
            Row::Across(..) => None,
        })
    }

    /// Returns the lines, at most `width` columns each: the widest columns of words are cut until all fit.
    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let columns = self.cells().map(Vec::len).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..columns).map(|column| self.widest(column)).collect();
        let gaps = 2 * columns.saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            let words = self.left.iter().copied().filter(|at| *at < columns);
            let Some(at) = words.max_by_key(|at| widths[*at]) else { break };
            if widths[at] <= CELL_MIN {
                break;
            }
            widths[at] -= 1;
        }
        let line = |row: &Row| match row {
            Row::Cells(cells) => self.line(cells, &widths),
            Row::Across(column, text) => {
                let lead: usize = widths.iter().take(*column).map(|width| width + 2).sum();
                let text = clipped(text, width.saturating_sub(lead).max(CELL_MIN));
                format!("{}{text}", " ".repeat(lead))
            }
        };
        self.rows.iter().map(line).collect()
    }

    /// Returns how many columns the table takes when its words are cut as far as they may be.
    pub(super) fn narrowest(&self) -> usize {
        let columns = self.cells().map(Vec::len).max().unwrap_or(0);
        let least = |column: usize| match self.left.contains(&column) {
            true => self.widest(column).min(NAME_MIN),
            false => self.widest(column),
        };
        (0..columns).map(least).sum::<usize>() + 2 * columns.saturating_sub(1)
    }

    fn widest(&self, column: usize) -> usize {
        let cells = self.cells().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            let cell = clipped(cell, *width);
            match self.left.contains(&column) {
                true => format!("{cell:<width$}"),
                false => format!("{cell:>width$}"),
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

/// Breaks a line at spaces so that each part has at most `width` characters; a longer word is cut through.
pub(super) fn broken(content: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest: Vec<char> = content.chars().collect();
    while rest.len() > width {
        let space = |at: &usize| rest[*at] == ' ' && rest[..*at].iter().any(|c| *c != ' ');
        let at = (1..=width).rev().find(space).unwrap_or(width.max(3));
        lines.push(rest[..at].iter().collect());
        // Continued lines stand two columns further in.
        let tail = rest[at..].iter().skip_while(|c| **c == ' ');
        rest = "  ".chars().chain(tail.copied()).collect();
    }
    lines.push(rest.iter().collect());
    lines
}

/// Returns a bar of eight heights for each of `values`.
pub(super) fn spark(values: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let bar = |value: &u64| match value {
        0 => ' ',
        value => {
            let height = (u128::from(*value) * 8).div_ceil(u128::from(most)) - 1;
            BARS[usize::try_from(height).unwrap_or(7).min(7)]
        }
    };
    values.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::{Table, broken, spark};

    #[test]
    fn long_lines_break_at_spaces() {
        assert_eq!(broken("a bb ccc dddd", 8), ["a bb ccc", "  dddd"]);
        assert_eq!(broken("aaaaaaaaaaaa b", 8), ["aaaaaaaa", "  aaaa b"]);
        assert_eq!(broken("abc", 8), ["abc"]);
        assert_eq!(broken("", 8), [""]);
    }

    #[test]
    fn a_table_fits_its_width() {
        let mut table = Table::new(&["name", "n"], &[0]);
        table.row(vec!["a-long-name-that-ends-in/12".to_owned(), "1 000".to_owned()]);
        assert_eq!(table.lines(40)[1], "a-long-name-that-ends-in/12  1 000");
        assert_eq!(table.lines(19), ["name              n", "a-long-n…/12  1 000"]);
    }

    #[test]
    fn bars_are_relative_to_the_highest() {
        assert_eq!(spark(&[0, 1, 4, 8]), " ▁▄█");
        assert_eq!(spark(&[]), "");
    }
}
