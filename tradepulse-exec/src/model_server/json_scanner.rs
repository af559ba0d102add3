use super::json_number::JsonNumber;
use super::json_shape::JsonShape;

/// A reader of JSON as programs write it, faster than a parser of all JSON.
///
/// It answers `None` on whatever is wrong, and on what is merely unusual: escapes in strings, deep
/// nesting. Whoever asks then parses the text by other means, which also say what is wrong. What it
/// does read is JSON, and means the same as to any other parser.
pub(super) struct JsonScanner<'a> {
    text: &'a str,
    at: usize,
}

/// Objects and arrays within each other that are passed over.
const DEPTH: u8 = 32;

impl<'a> JsonScanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no blank.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    #[inline]
    fn take(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.at += 1)
    }

    /// `Some` if nothing follows.
    pub(super) fn end(&mut self) -> Option<()> {
        self.peek().is_none().then_some(())
    }

    /// An object; `member` reads the value of each key.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.take(b':')?;
            member(self, key)?;
            if self.ends(b'}')? {
                return Some(());
            }
        }
    }

    /// An array; `item` reads each of its values.
    pub(super) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.peek()?;
            item(self)?;
            if self.ends(b']')? {
                return Some(());
            }
        }
    }

    /// Whether `bracket` follows a value, or another value.
    #[inline]
    fn ends(&mut self, bracket: u8) -> Option<bool> {
        let next = self.peek()?;
        self.at += 1;
        match next {
            b',' => Some(false),
            byte => (byte == bracket).then_some(true),
        }
    }

    /// A string without escapes.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let rest = self.text.as_bytes().get(self.at..)?;
        let stop = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < 0x20;
        let length = rest.iter().position(stop)?;
        let first = self.at;
        self.at += length + 1;
        if rest[length] == b'"' { self.text.get(first..first + length) } else { None }
    }

    pub(super) fn number(&mut self) -> Option<JsonNumber<'a>> {
        self.peek()?;
        let (number, end) = JsonNumber::read(self.text, self.at)?;
        self.at = end;
        Some(number)
    }

    /// Where it is, for [`shape`](Self::shape).
    pub(super) const fn place(&self) -> usize {
        self.at
    }

    /// The shape of the value that was read from `place` up to here.
    pub(super) fn shape(&self, place: usize) -> Option<JsonShape<'a>> {
        self.text.get(place..self.at).map(JsonShape::new)
    }

    /// Reads a value of this shape; if it has another, nothing is read.
    #[inline]
    pub(super) fn shaped(
        &mut self,
        shape: &JsonShape<'_>,
        number: impl FnMut(usize, JsonNumber<'a>) -> Option<()>,
    ) -> Option<()> {
        self.at = shape.read(self.text, self.at, number)?;
        Some(())
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self) -> Option<()> {
        self.skip_within(DEPTH)
    }

    fn skip_within(&mut self, depth: u8) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => {
                let within = depth.checked_sub(1)?;
                self.object(|scanner, _| scanner.skip_within(within))
            }
            b'[' => self.skip_array(depth.checked_sub(1)?),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            // Too large for a number is wrong to some parsers.
            _ => self.number()?.fits().then_some(()),
        }
    }

    /// Objects in an array are mostly alike.
    fn skip_array(&mut self, depth: u8) -> Option<()> {
        let mut shape = None;
        self.array(|scanner| {
            if let Some(shape) = &shape
                && scanner.shaped(shape, |_, number| number.fits().then_some(())).is_some()
            {
                return Some(());
            }
            let place = scanner.place();
            let object = scanner.peek()? == b'{';
            scanner.skip_within(depth)?;
            if object && shape.is_none() {
                shape = scanner.shape(place);
            }
            Some(())
        })
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(word).then(|| self.at += word.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn number(text: &str) -> Option<f64> {
        let mut scanner = JsonScanner::new(text);
        let number = scanner.number()?.value()?;
        scanner.end().map(|()| number)
    }

    fn passes(text: &str) -> bool {
        let mut scanner = JsonScanner::new(text);
        scanner.skip().and_then(|()| scanner.end()).is_some()
    }

    #[test]
    fn numbers_are_those_of_json() {
        for wrong in ["", "-", "01", "-01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1e999", "NaN"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
        for right in ["0", "-0", "0.1", "-1.5e-7", "9007199254740993", "0.30000000000000004"] {
            assert_eq!(
                number(right).map(f64::to_bits),
                Some(right.parse::<f64>().unwrap().to_bits())
            );
        }
    }

    #[test]
    fn what_is_passed_over_is_json() {
        for right in [r#"{"a": [1, {"b": null}, "ü"], "c": true}"#, "[]", "{}", " 1 ", "[false]"] {
            assert!(passes(right), "{right}");
        }
        for wrong in [r#"{"a"}"#, "[1,]", "{,}", "[1 2]", "nul", "[}", "\"a", "\"\n\"", "{\"a\":1"]
        {
            assert!(!passes(wrong), "{wrong}");
        }
        assert!(!passes(&"[".repeat(1_000_000)));
    }

    proptest! {
        #[test]
        fn numbers_are_rounded_like_everywhere(
            value in any::<f64>().prop_filter("finite", |value| value.is_finite()),
            whole in any::<i64>(),
            places in 0..20_usize,
        ) {
            let small = format!("{:.places$}", whole as f64 / 1e9);
            for text in [format!("{value}"), format!("{value:e}"), whole.to_string(), small] {
                let expected: f64 = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(number(&text).map(f64::to_bits), Some(expected.to_bits()), "{}", text);
            }
        }

        #[test]
        fn what_passes_parses(text in "[\\[\\]{},: \"ab0-9.eE+-]{0,24}|(\\[|\\]|\\{|\\}|,|:|\"a\"|1|-0.5|null|true){0,12}") {
            if passes(&text) {
                prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
            }
        }
    }
}
