//! A statement that was refused: why, and where in its text.

use sql::SqlError;

/// Lines of the statement shown around the place.
const AROUND: usize = 2;

pub(super) struct Mistake {
    pub(super) message: String,
    /// What there is instead, where that helps.
    pub(super) known: Vec<String>,
    pub(super) place: Option<Place>,
}

/// A line of the statement, and the column in it.
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    /// Numbered lines, the marked one among them.
    pub(super) lines: Vec<Line>,
}

pub(super) struct Line {
    pub(super) number: usize,
    pub(super) before: String,
    /// What is wrong; empty in lines that are fine.
    pub(super) wrong: String,
    pub(super) after: String,
}

impl Mistake {
    pub(super) fn of(refused: &SqlError, query: &str) -> Self {
        let (known, place) = match refused {
            SqlError::Syntax { line, column, .. } => {
                (Vec::new(), Some((to_index(*line), to_index(*column))))
            }
            SqlError::UnknownTable { name, known } | SqlError::UnknownColumn { name, known } => {
                (known.clone(), find(query, name))
            }
            _ => (Vec::new(), None),
        };
        let place = place.and_then(|(line, column)| Place::at(query, line, column));
        Self {
            message: refused.to_string(),
            known,
            place,
        }
    }
}

/// Counted from 1 to counted from 0.
fn to_index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(1).saturating_sub(1)
}

/// Where a name stands as a word of its own, regardless of case.
fn find(query: &str, name: &str) -> Option<(usize, usize)> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    for (line, text) in query.lines().enumerate() {
        let text: Vec<char> = text.chars().collect();
        let folded: Vec<char> = text.iter().flat_map(|c| c.to_lowercase().next()).collect();
        for column in 0..folded.len() {
            let end = column + name.len();
            let whole = folded.get(column..end) == Some(&name)
                && !is_word(folded.get(end))
                && !(column > 0 && is_word(folded.get(column - 1)));
            if whole {
                return Some((line, column));
            }
        }
    }
    None
}

impl Place {
    /// Counted from 0; an end of the text that is past its last line is the end of that.
    fn at(query: &str, line: usize, column: usize) -> Option<Self> {
        let texts: Vec<Vec<char>> = query.lines().map(|l| l.chars().collect()).collect();
        let line = line.min(texts.len().checked_sub(1)?);
        let column = column.min(texts[line].len());
        let first = line.saturating_sub(AROUND);
        let shown = texts
            .iter()
            .enumerate()
            .skip(first)
            .take(line - first + 1 + AROUND);
        let lines = shown.map(|(at, text)| {
            let (from, to) = if at == line {
                (column, column + word(&text[column..]))
            } else {
                (text.len(), text.len())
            };
            let part = |range: &[char]| range.iter().collect::<String>();
            Line {
                number: at + 1,
                before: part(&text[..from]),
                wrong: match part(&text[from..to]) {
                    // The statement ends where something was missing.
                    empty if empty.is_empty() && at == line => " ".to_owned(),
                    wrong => wrong,
                },
                after: part(&text[to..]),
            }
        });
        Some(Self {
            line: line + 1,
            column: column + 1,
            lines: lines.collect(),
        })
    }
}

/// Letters of the word that begins a text; of anything else one character.
fn word(text: &[char]) -> usize {
    let letters = text
        .iter()
        .take_while(|c| c.is_alphanumeric() || **c == '_')
        .count();
    letters.max(1).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::{Place, find};

    #[test]
    fn a_name_is_found_as_a_word_of_its_own() {
        assert_eq!(find("SELECT nope,\n  Nop FROM t", "nop"), Some((1, 2)));
        assert_eq!(find("SELECT ä, nop", "nop"), Some((0, 10)));
        assert_eq!(find("SELECT nopes", "nop"), None);
    }

    #[test]
    fn places_stay_inside_the_text() {
        let place = Place::at("SELECT\nFROM", 9, 99).unwrap();
        assert_eq!((place.line, place.column), (2, 5));
        assert_eq!(place.lines.len(), 2);
        assert_eq!(place.lines[1].wrong, " ");
        let place = Place::at("a\nb\nSELEC 1\nd\ne\nf", 2, 0).unwrap();
        assert_eq!(place.lines.len(), 5);
        assert_eq!(place.lines[2].wrong, "SELEC");
        assert_eq!(place.lines[2].after, " 1");
        assert!(Place::at("", 0, 0).is_none());
    }
}
