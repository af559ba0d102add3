use std::collections::HashMap;
use std::str::FromStr;

use super::LightGbmError;

/// A model's text, cut into its parts.
pub(super) struct Sections<'a> {
    pub(super) header: Section<'a>,
    pub(super) trees: Vec<Section<'a>>,
}

/// Lines of `key=value`.
pub(super) struct Section<'a> {
    name: String,
    line: usize,
    // With the line of each.
    values: HashMap<&'a str, (usize, &'a str)>,
}

impl<'a> Sections<'a> {
    pub(super) fn split(text: &'a str) -> Result<Self, LightGbmError> {
        let mut lines =
            text.lines().enumerate().map(|(i, line)| (i + 1, line.trim_end())).peekable();
        match lines.next() {
            None => return Err(LightGbmError::Empty),
            Some((_, "tree")) => {}
            Some(_) if text.trim().is_empty() => return Err(LightGbmError::Empty),
            Some((_, other)) => return Err(LightGbmError::NotAModel { found: beginning(other) }),
        }
        let mut last = 1;
        let mut header = Section::new("the header".to_owned(), 1);
        let mut trees: Vec<Section<'a>> = Vec::new();
        for (line, text) in lines {
            last = line;
            if text == "end of trees" {
                header.check_version()?;
                return Ok(Self { header, trees });
            }
            if let Some(number) = text.strip_prefix("Tree=") {
                if number.parse() != Ok(trees.len()) {
                    let expected = "the next tree";
                    return Err(LightGbmError::Unexpected {
                        line,
                        found: beginning(text),
                        expected,
                    });
                }
                trees.push(Section::new(format!("tree {number}"), line));
                continue;
            }
            let section = trees.last_mut().unwrap_or(&mut header);
            section.add(line, text)?;
        }
        Err(LightGbmError::Truncated { line: last })
    }
}

impl<'a> Section<'a> {
    fn new(name: String, line: usize) -> Self {
        Self { name, line, values: HashMap::new() }
    }

    fn add(&mut self, line: usize, text: &'a str) -> Result<(), LightGbmError> {
        // A flag of the header is a key without a value.
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if !text.is_empty() && self.values.insert(key, (line, value)).is_some() {
            let expected = "each key once";
            return Err(LightGbmError::Unexpected { line, found: beginning(text), expected });
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), LightGbmError> {
        match self.text("version")? {
            "v3" | "v4" => Ok(()),
            other => {
                Err(self.wrong("version", format!("{:?} is not known: v3 or v4", beginning(other))))
            }
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(super) fn text(&self, key: &'static str) -> Result<&'a str, LightGbmError> {
        match self.values.get(key) {
            Some((_, value)) => Ok(value),
            None => {
                let (section, line) = (self.name.clone(), self.line);
                Err(LightGbmError::Missing { section, line, key })
            }
        }
    }

    /// An error about the value of `key`.
    pub(super) fn wrong(&self, key: &'static str, problem: impl Into<String>) -> LightGbmError {
        let line = self.values.get(key).map_or(self.line, |(line, _)| *line);
        LightGbmError::Value { line, section: self.name.clone(), key, problem: problem.into() }
    }

    pub(super) fn number<T: FromStr>(&self, key: &'static str) -> Result<T, LightGbmError> {
        let text = self.text(key)?.trim();
        text.parse().map_err(|_| self.wrong(key, format!("{:?} is no number", beginning(text))))
    }

    /// Numbers with spaces between them, `count` of them.
    pub(super) fn numbers<T: FromStr>(
        &self,
        key: &'static str,
        count: usize,
    ) -> Result<Vec<T>, LightGbmError> {
        let numbers = self.text(key)?.split_ascii_whitespace().map(|word| {
            word.parse().map_err(|_| self.wrong(key, format!("{:?} is no number", beginning(word))))
        });
        let numbers = numbers.collect::<Result<Vec<T>, _>>()?;
        if numbers.len() == count {
            Ok(numbers)
        } else {
            Err(self.wrong(key, format!("{} numbers, expected {count}", numbers.len())))
        }
    }

    /// As [`numbers`](Self::numbers), all finite.
    pub(super) fn finite(
        &self,
        key: &'static str,
        count: usize,
    ) -> Result<Vec<f64>, LightGbmError> {
        let numbers = self.numbers::<f64>(key, count)?;
        match numbers.iter().find(|number| !number.is_finite()) {
            None => Ok(numbers),
            Some(found) => Err(self.wrong(key, format!("{found} is not finite"))),
        }
    }
}

/// As much of a text as an error shows.
pub(super) fn beginning(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
