//! Tables for people. In a pipe nothing is wrapped; on a terminal only sentences are, and what finds no room beside the others stands
//! below its row: ids, keys and times are never broken.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::out::plain;

/// Blanks between two columns.
const GAP: u16 = 2;

/// A column up to this wide is not worth a second line.
const RIGID: u16 = 24;

/// Before what stands below its row.
const INDENT: u16 = 4;

/// A terminal that does not say how wide it is.
const COLUMNS: u16 = 80;

/// The terminal's width in columns, if standard output is one.
pub fn columns() -> Option<u16> {
    Table::new().width().map(|columns| if columns == 0 { COLUMNS } else { columns })
}

/// A table without lines, its cells made plain; a column with nothing in it is left out. Empty without rows.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows = rows.into_iter().map(|row| row.map(|cell| plain(&cell).into_owned())).collect();
    laid_out(head, rows, columns())
}

/// Any number of columns, each as wide as it is on a terminal too, and none left out.
pub fn grid(head: &[String], rows: &[Vec<String>]) -> String {
    let mut all: Vec<Vec<String>> = Vec::with_capacity(rows.len() + 1);
    for row in std::iter::once(head).chain(rows.iter().map(Vec::as_slice)) {
        all.push(row.iter().map(|cell| plain(cell).into_owned()).collect());
    }
    let mut table = Table::new();
    table.add_rows(all.clone());
    render(all.into_iter(), &table.column_max_content_widths())
}

/// A table for a width in columns; none: as wide as it is.
fn laid_out<const N: usize>(head: [&str; N], rows: Vec<[String; N]>, width: Option<u16>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let natural = widths(&head, &rows, |cell| cell);
    let filled: Vec<usize> = (0..N).filter(|at| *at == 0 || rows.iter().any(|row| !row[*at].is_empty())).collect();
    let cells = |row: &[String; N], columns: &[usize]| columns.iter().map(|at| row[*at].clone()).collect::<Vec<_>>();
    let head_row = head.map(str::to_owned);
    let Some(width) = width.filter(|width| total(&of(&natural, &filled)) > *width) else {
        let all = std::iter::once(&head_row).chain(&rows);
        return render(all.map(|row| cells(row, &filled)), &of(&natural, &filled));
    };
    let words =
        widths(&head, &rows, |cell| cell.split_whitespace().max_by_key(|word| word.chars().count()).unwrap_or(""));
    let is_prose = |at: usize| natural[at] > RIGID && rows.iter().any(|row| row[at].trim().contains(' '));
    let least: Vec<u16> = (0..N).map(|at| if is_prose(at) { words[at].max(RIGID) } else { natural[at] }).collect();
    let mut beside = filled.clone();
    // What finds no room: sentences before all else, then the rightmost; never the first, which names the row.
    while total(&of(&least, &beside)) > width && beside.len() > 1 {
        let prose = beside.iter().rposition(|at| is_prose(*at)).filter(|place| *place > 0);
        beside.remove(prose.unwrap_or(beside.len() - 1));
    }
    let mut room = of(&natural, &beside);
    let floor = of(&least, &beside);
    while total(&room) > width {
        let widest = (0..room.len()).filter(|at| room[*at] > floor[*at]).max_by_key(|at| room[*at]);
        let Some(widest) = widest else { break };
        room[widest] -= 1;
    }
    let mut lines = vec![render([cells(&head_row, &beside)].into_iter(), &room)];
    for row in &rows {
        lines.push(render([cells(row, &beside)].into_iter(), &room));
        let below = (0..N).filter(|at| !beside.contains(at) && !row[*at].is_empty());
        let below: Vec<String> = below.map(|at| format!("{}: {}", head[at].to_lowercase(), row[at])).collect();
        if !below.is_empty() {
            lines.push(below_text(&below.join("; "), width));
        }
    }
    lines.join("\n")
}

fn of(widths: &[u16], columns: &[usize]) -> Vec<u16> {
    columns.iter().map(|at| widths[*at]).collect()
}

/// How wide columns are together.
fn total(widths: &[u16]) -> u16 {
    widths.iter().fold(0_u16, |sum, width| sum.saturating_add(*width).saturating_add(GAP)).saturating_sub(GAP)
}

/// How wide each column is, with its head, by this part of its cells.
fn widths<const N: usize>(head: &[&str; N], rows: &[[String; N]], part: impl Fn(&str) -> &str) -> Vec<u16> {
    let mut table = Table::new();
    table.set_header(head);
    for row in rows {
        table.add_row(row.each_ref().map(|cell| part(cell)));
    }
    table.column_max_content_widths()
}

/// Rows in columns that are so wide.
fn render(rows: impl Iterator<Item = Vec<String>>, widths: &[u16]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(total(widths).saturating_add(GAP)).add_rows(rows);
    for (column, width) in table.column_iter_mut().zip(widths) {
        column
            .set_padding((0, GAP))
            .set_constraint(ColumnConstraint::Absolute(Width::Fixed(width.saturating_add(GAP))));
    }
    table.trim_fmt()
}

/// What finds no room beside the others.
fn below_text(text: &str, width: u16) -> String {
    let wide = width.saturating_sub(INDENT).max(RIGID);
    let text = render([vec![text.to_owned()]].into_iter(), &[wide]);
    let indent = " ".repeat(usize::from(INDENT));
    text.lines().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{laid_out, table};

    const ID: &str = "7d2e1c1e-0000-4000-8000-000000000001";

    fn rows(why: &str) -> Vec<[String; 4]> {
        vec![
            ["hr-1", ID, why, "2026-11-21 22:54:00Z"].map(str::to_owned),
            ["hr-2", "", "", "2026-11-21 22:54:00Z"].map(str::to_owned),
        ]
    }

    #[test]
    fn tables_are_plain_and_whole_in_a_pipe() {
        assert_eq!(table(["a", "b"], []), "");
        let why = "word ".repeat(60).trim().to_owned();
        let text = laid_out(["JOB", "OBJECT", "WHY", "WHEN"], rows(&why), None);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains(&why), "{text}");
        let escaped = table(["key"], [["k\u{1b}c".to_owned()]]);
        assert_eq!(escaped, "key\nk\\u001bc");
        let empty = laid_out(["JOB", "SHUT", "WHEN"], vec![["1".to_owned(), String::new(), "now".to_owned()]], None);
        assert_eq!(empty, "JOB  WHEN\n1    now");
    }

    #[test]
    fn sentences_wrap_and_ids_never_do() {
        let why = format!("waits until Seam has deleted every phone of 東京 and asks for {ID} once more");
        for width in [200, 120, 100, 80, 60, 50] {
            let text = laid_out(["JOB", "OBJECT", "WHY", "WHEN"], rows(&why), Some(width));
            assert_eq!(text.matches(ID).count(), 2, "{width}\n{text}");
            assert_eq!(text.matches("2026-11-21 22:54:00Z").count(), 2, "{width}\n{text}");
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}\n{text}");
            let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(why.split(' ').all(|word| said.contains(word)), "{width}\n{text}");
        }
        let narrow = laid_out(["JOB", "OBJECT", "WHY", "WHEN"], rows(&why), Some(80));
        assert_eq!(
            narrow,
            format!(
                "JOB   OBJECT                                WHEN\n\
                 hr-1  {ID}  2026-11-21 22:54:00Z\n    \
                 why: waits until Seam has deleted every phone of 東京 and asks for\n    \
                 {ID} once more\n\
                 hr-2                                        2026-11-21 22:54:00Z"
            )
        );
    }

    /// Names of one word are kept whole as well, and what is too wide for any terminal still is there.
    #[test]
    fn a_terminal_too_narrow_for_an_id_still_shows_it() {
        let text = laid_out(["JOB", "OBJECT"], vec![["hr-8812".to_owned(), ID.to_owned()]], Some(30));
        assert_eq!(text.replace(['\n', ' '], ""), format!("JOBhr-8812object:{ID}"));
    }
}
